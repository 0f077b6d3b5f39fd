/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a generated table, PD_table.c, tells the VMM that it is linked with: the guest, the hardware's interrupts that
 * it is given, and the devices that are played for it. One program is the VMM of every guest; the table makes the
 * difference.
 *
 * *_gpa are guest-physical addresses, *_vaddr virtual addresses in the VMM's PD, intids GIC interrupt ids (SPI + 32),
 * channels the PD's Microkit channel ids. The guest's device tree of the same build says the same.
 */
#pragma once

#include <sdfgen/guest_timer.h>
#include <sdfgen/vmm_device.h>
#include <sdfgen/vmm_limits.h>

/*
 * The guest's memory, where its images go in it, and what every guest has. Who it is, Microkit tells its VMM
 * (microkit_name).
 */
struct vmm_guest {
    uint32_t vcpu_count; /* virtual CPUs 0, 1, ...; at least 1 */
    /* What vmm_charge.h has to know of them: their priority in the system description, and a bit for each */
    uint32_t priority;
    uint32_t vcpus_beside; /* on the VMM's core */
    uint32_t vcpus_apart; /* on another one, where others have a part of the VMM's */
    uint64_t ram_gpa; /* 2 MiB aligned (Linux's boot protocol) */
    uintptr_t ram_vaddr;
    uint64_t ram_size_bytes;
    uint64_t kernel_gpa;
    uint64_t dtb_gpa; /* 8-byte aligned */
    uint64_t initrd_gpa;
    struct guest_timer_connection timer;
};

/* A hardware interrupt that the guest handles itself. */
struct vmm_passthrough_irq {
    uint32_t intid;   /* the same in hardware and guest */
    uint32_t channel; /* where Microkit delivers it, and acknowledges it */
};

/* A store that stops a device which the guest was given: then it writes to no memory any more. */
struct vmm_passthrough_reset {
    uintptr_t register_vaddr; /* 32 bits, which read back as stored once it has stopped */
    uint32_t value;
};

struct vmm_config {
    struct vmm_guest guest;
    const struct vmm_passthrough_irq *irqs; /* NULL when there are none */
    uint32_t irq_count;
    const struct vmm_device *devices; /* NULL when there are none */
    uint32_t device_count; /* at most VMM_MAX_DEVICES, and VMM_MAX_INTERRUPTS together with irq_count */
    /*
     * A guest that resets itself starts again from its images. Not where a device is passed through that may still
     * write into the guest's RAM, and that nobody can stop: such a guest is stopped.
     */
    bool may_restart;
    const struct vmm_passthrough_reset *resets; /* NULL when there are none */
    uint32_t reset_count;
};

extern const struct vmm_config vmm_config;
