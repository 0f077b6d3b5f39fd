/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of a VMM whose tests write it themselves, before they call the VMM: where a build has a constant. */
#pragma once

#include <sdfgen/vmm_config.h>

struct vmm_config *writable_table(void);

#define TIMER_CHANNEL 61u
#define NOT_STARTED "test_pd: the guest is not started\n"

/* What stands in it beside the guest. */
static inline void set_table(struct vmm_config table)
{
    table.guest = (struct vmm_guest){
        .vcpu_count = 1,
        .priority = 60,
        .vcpus_beside = 1,
        .ram_gpa = 0x40000000,
        .ram_vaddr = 0x40000000,
        .ram_size_bytes = 0x8000000,
        .kernel_gpa = 0x40000000,
        .dtb_gpa = 0x47f00000,
        .initrd_gpa = 0x47000000,
        .timer = { .page_vaddr = 0x2000f000, .channel = TIMER_CHANNEL },
    };
    *writable_table() = table;
}
