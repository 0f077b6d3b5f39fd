/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual interrupts as libvmm knows them, and what it does not tell of them: vmm_irq.h is built on it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What the guest did with an interrupt. */
enum vmm_virq_change {
    VMM_VIRQ_ENDED,
    VMM_VIRQ_ENABLED,
    VMM_VIRQ_DISABLED,
};

/* Nothing may be injected from here. */
typedef void (*vmm_virq_event)(void *irq, enum vmm_virq_change change);

/*
 * Before the first injection; after vmm_guest_create(). False when there are VMM_MAX_INTERRUPTS already, or one of that
 * number, or libvmm refuses.
 */
bool vmm_virq_register(uint32_t intid, vmm_virq_event event, void *irq);

/* All of them, with an interrupt controller that has forgotten them (vmm_reboot.h). */
bool vmm_virq_register_again(void);

/* False when the guest has the interrupt, or the interrupt controller, disabled. A guest at rest runs again. */
bool vmm_virq_inject(uint32_t intid);

/* Whether anything was injected since this was last asked. */
bool vmm_virq_was_injected(void);

/* The fault that is handled now is, or no more, the end of an interrupt: libvmm's callback does not tell. */
void vmm_virq_set_ending(bool ending);

/*
 * After an access of that syndrome to `gpa`: whether it was a store to the distributor that disables interrupts, of
 * which libvmm tells nobody.
 */
void vmm_virq_note_disabled(uint64_t gpa, uint64_t syndrome);
