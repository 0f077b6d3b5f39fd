/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's virtual CPUs as the kernel has them, each perhaps on another core than this PD: which are on, and what
 * starts and stops them.
 *
 * Of the registers that the kernel keeps for a vCPU (seL4_VCPUReg), only those that it saves when the vCPU's thread
 * stops running, and restores each time it runs again, are read and written here: docs/vmm-devices.md, "Several cores".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <microkit.h>

/* First of all, before any of them runs: all are off. At most VMM_MOST_VCPUS. */
void vmm_vcpus_create(uint32_t count);

uint32_t vmm_vcpus_count(void);

/* False for one that does not exist, too. */
bool vmm_vcpu_is_on(uint32_t vcpu);

/* libvmm starts the first. */
void vmm_vcpu_note_started(uint32_t vcpu);

/*
 * As PSCI's CPU_ON has it: at `entry_gpa`, with `context` in x0, translation, caches and its timer off, interrupts
 * masked. False when the kernel refuses.
 */
bool vmm_vcpu_start(uint32_t vcpu, uint64_t entry_gpa, uint64_t context);

/* The same with all registers given; of those, pc and PSTATE are set. */
bool vmm_vcpu_run(uint32_t vcpu, uint64_t entry_gpa, seL4_UserContext *registers);

/* Off, wherever it runs; a fault of its that is still to be received is gone. */
void vmm_vcpu_stop(uint32_t vcpu);
void vmm_vcpus_stop(void);

/* Of those whose bits are set. False when the kernel refuses one. */
bool vmm_vcpus_set_priority(uint32_t bits, uint32_t priority);

/* Of one that does not run: translation, caches and its timer are off. */
void vmm_vcpu_reset(uint32_t vcpu);

/* The thread's registers, while it is stopped or its fault is handled. False when the kernel refuses, as below. */
bool vmm_vcpu_read(uint32_t vcpu, seL4_UserContext *registers);

/* Goes on behind the instruction at which `registers` were read. */
bool vmm_vcpu_skip(uint32_t vcpu, seL4_UserContext *registers);

/* The same, with registers that a load has changed. */
bool vmm_vcpu_skip_load(uint32_t vcpu, seL4_UserContext *registers);

/* Goes on behind it, with x0 changed. */
bool vmm_vcpu_return(uint32_t vcpu, seL4_UserContext *registers, uint64_t x0);
