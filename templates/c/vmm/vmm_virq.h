/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts that all vCPUs share, as libvmm knows them, and what it does not tell of them: vmm_irq.h is built on it.
 *
 * Each goes to the vCPU that the guest chose for it in the distributor, as far as libvmm keeps that there (its own
 * emulation forgets what the guest stores, which vmm_gic.h makes good); to the first that is on, when that one is off.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm_inject.h"

/* What became of an interrupt. */
enum vmm_virq_change {
    VMM_VIRQ_ENDED,
    VMM_VIRQ_ENABLED,
    VMM_VIRQ_DISABLED,
    VMM_VIRQ_RAISED, /* by the guest itself */
    VMM_VIRQ_LOST,   /* the vCPU that had it was turned off */
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

/* One that the guest does not have (which it does until ENDED or LOST). */
enum vmm_injection vmm_virq_inject(uint32_t intid);

/* That vCPU ended an interrupt: libvmm is told of it, and what it then says of one is its end, until finish. */
void vmm_virq_begin_end(uint32_t vcpu);
void vmm_virq_finish_end(void);

/* The guest made those pending, or disabled them, of [first_intid, first_intid + 32), a bit for each. */
void vmm_virq_note_raised(uint32_t first_intid, uint32_t bits);
void vmm_virq_note_disabled(uint32_t first_intid, uint32_t bits);

/* What it had and did not end is lost. */
void vmm_virq_note_off(uint32_t vcpu);
