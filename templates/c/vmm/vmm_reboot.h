/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All of a guest's vCPUs and its interrupt controller as before its first instruction. Images, devices and the
 * interrupts' states are vmm_restart.c's.
 *
 * A list register with an interrupt that a vCPU has taken and not ended can't be emptied from outside where the kernel
 * knows of it: such a vCPU ends it itself, in a few instructions that are put into the guest's memory. (Linux' other
 * CPUs wait for the reset inside of one.) So a reboot may go on after the fault that began it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Where those instructions go: memory whose images are copied again, and that is never executed. */
struct vmm_reboot_place {
    uint64_t gpa;
    uintptr_t vaddr;
};

enum vmm_reboot {
    VMM_REBOOT_DONE,
    VMM_REBOOT_GOES_ON, /* vmm_reboot_fault() is to be told of the next faults */
    VMM_REBOOT_FAILED,
};

/* With all vCPUs stopped. */
enum vmm_reboot vmm_reboot_begin(const struct vmm_reboot_place *place);

/* Whether faults are its own. */
bool vmm_reboot_is_under_way(void);

/* A fault, of that label, of a vCPU that ends its interrupts. `runs` is whether it is to run on. */
enum vmm_reboot vmm_reboot_fault(uint32_t vcpu, uint64_t label, bool *runs);
