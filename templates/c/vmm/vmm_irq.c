/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <microkit.h>

#include "vmm_irq.h"
#include "vmm_virq.h"

static struct vmm_irq *first;

static void try_to_inject(struct vmm_irq *irq)
{
    if (!irq->wanted || !irq->enabled || irq->injected) {
        return;
    }
    switch (vmm_virq_inject(irq->intid)) {
    case VMM_INJECTED:
        irq->injected = true;
        irq->wanted = irq->kind == VMM_IRQ_LEVEL;
        break;
    case VMM_REFUSED:
        irq->enabled = false;
        break;
    case VMM_LATER:
        break;
    }
}

/*
 * The hardware's line is masked from when it was raised until here. Enabling counts too while none is under way: the
 * line may be masked from the start.
 */
static void acknowledge_hardware(const struct vmm_irq *irq, bool ended)
{
    if (irq->kind == VMM_IRQ_HARDWARE && (ended || (!irq->injected && !irq->wanted))) {
        microkit_irq_ack(irq->channel);
    }
}

/* Of a line with a level only the level counts. */
static void want_again(struct vmm_irq *irq)
{
    irq->wanted |= irq->kind != VMM_IRQ_LEVEL;
}

static void guest_event(void *cookie, enum vmm_virq_change change)
{
    struct vmm_irq *irq = cookie;
    switch (change) {
    case VMM_VIRQ_ENDED:
        irq->injected = false;
        acknowledge_hardware(irq, true);
        break;
    case VMM_VIRQ_ENABLED:
        irq->enabled = true;
        acknowledge_hardware(irq, false);
        break;
    case VMM_VIRQ_DISABLED:
        irq->enabled = false;
        break;
    case VMM_VIRQ_RAISED:
        want_again(irq);
        break;
    case VMM_VIRQ_LOST:
        irq->injected = false;
        want_again(irq);
        break;
    }
}

bool vmm_irq_register(struct vmm_irq *irq)
{
    if (!vmm_virq_register(irq->intid, guest_event, irq)) {
        return false;
    }
    irq->next = first;
    first = irq;
    return true;
}

void vmm_irq_raise(struct vmm_irq *irq)
{
    irq->wanted = true;
    try_to_inject(irq);
}

void vmm_irq_set_level(struct vmm_irq *irq, bool high)
{
    irq->wanted = high;
    try_to_inject(irq);
}

void vmm_irq_reset(void)
{
    for (struct vmm_irq *irq = first; irq != NULL; irq = irq->next) {
        irq->enabled = false;
        irq->wanted = false;
        irq->injected = false;
    }
}

void vmm_irq_settle(void)
{
    for (struct vmm_irq *irq = first; irq != NULL; irq = irq->next) {
        try_to_inject(irq);
    }
}
