/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts into the list registers of a vCPU, by libvmm. No more are injected than there are list registers, and none
 * of a number that the vCPU still has: libvmm would keep the first in a queue that it asserts has room, and load a
 * second of the same number, which the architecture leaves unpredictable. Who is told LATER keeps it and tries again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum vmm_injection {
    VMM_INJECTED,
    VMM_LATER,   /* no list register is free, no vCPU is there to take it, or the interrupt controller is off */
    VMM_REFUSED, /* the guest has the interrupt disabled */
};

/* The vCPU, which is on, runs again if it rests. */
enum vmm_injection vmm_inject(uint32_t vcpu, uint32_t intid);

/* One that was injected has been ended. */
void vmm_inject_note_end(uint32_t vcpu);

/* Whether anything was injected since this was last asked of that vCPU. */
bool vmm_inject_was(uint32_t vcpu);

/* The list registers are all free. */
void vmm_inject_reset(void);
