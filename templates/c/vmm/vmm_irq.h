/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts that a VMM injects, none of them lost. libvmm drops (and prints about) what the guest has disabled, and
 * what is injected while the guest is still handling the one before is lost; so here each interrupt is remembered until
 * it can be injected, and an injected one is not injected again before the guest has ended it.
 *
 * The guest is only tried when it has the interrupt enabled as far as is known: it is after the guest enabled it, until
 * the guest disables it or an injection is refused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum vmm_irq_kind {
    VMM_IRQ_LEVEL,    /* a line with a level: wanted until it is lowered, as often as the guest ends it */
    VMM_IRQ_EDGE,     /* once per raise */
    VMM_IRQ_HARDWARE, /* once per raise, which is an interrupt of the hardware: acknowledged when the guest ends it */
};

/* Zero but for kind, intid and channel; the rest is vmm_irq.c's. */
struct vmm_irq {
    enum vmm_irq_kind kind;
    uint32_t intid;   /* the guest's */
    uint32_t channel; /* VMM_IRQ_HARDWARE: where Microkit delivers and acknowledges it */
    bool enabled;     /* as far as is known */
    bool wanted;
    bool injected;    /* and not yet ended by the guest */
    struct vmm_irq *next;
};

/* Registers it; after vmm_guest_create(). `irq` must stay. False when there is no room (vmm_virq.h). */
bool vmm_irq_register(struct vmm_irq *irq);

/* A new interrupt. Kinds EDGE and HARDWARE. */
void vmm_irq_raise(struct vmm_irq *irq);

/* The level of the line. Kind LEVEL. */
void vmm_irq_set_level(struct vmm_irq *irq, bool high);

/* The guest begins anew: nothing is enabled, wanted or under way. Levels are to be set again. */
void vmm_irq_reset(void);

/* Injects what waited and can be injected now. After every fault of the guest's. */
void vmm_irq_settle(void);
