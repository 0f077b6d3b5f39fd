/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupts that each vCPU has for itself: those that vCPUs send each other (SGIs, INTIDs 0 to 15), and its
 * virtual timer's. Each is remembered until it can be injected, with the controller on. One that the guest has disabled is dropped: of an SGI
 * nobody is waiting for it, and the timer's stays masked until the guest enables it, and then fires again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VMM_SGIS 16u
#define VMM_TIMER_INTID 27u

/* Of one of those INTIDs, for a vCPU. None is kept for one that is off. */
void vmm_local_raise(uint32_t vcpu, uint32_t intid);

/* The vCPU ended an interrupt; perhaps one of those. */
void vmm_local_note_end(uint32_t vcpu, uint32_t intid);

/* Injects what can be injected now. After every fault. */
void vmm_local_settle(void);

/* The vCPU was turned off: it is to be sent nothing any more. */
void vmm_local_drop(uint32_t vcpu);

/* With an interrupt controller that has forgotten all: libvmm knows them again. False when it refuses. */
bool vmm_local_register_again(void);
