/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_passthrough.h"

#include <stddef.h>

#include <sdfgen/pd_say.h>
#include <sdfgen/shared.h>

#include "vmm_irq.h"

static struct vmm_irq hardware[VMM_MAX_INTERRUPTS];
static uint32_t count;

bool vmm_passthrough_create(const struct vmm_passthrough_irq *irqs, uint32_t irq_count)
{
    for (count = 0; count < irq_count && count < VMM_MAX_INTERRUPTS; count++) {
        hardware[count] = (struct vmm_irq){
            .kind = VMM_IRQ_HARDWARE,
            .intid = irqs[count].intid,
            .channel = irqs[count].channel,
        };
        if (!vmm_irq_register(&hardware[count])) {
            pd_say("an interrupt of the hardware could not be registered", NULL);
            return false;
        }
    }
    return true;
}

/* A device may take its time to stop; more loads than any needs. */
#define RESET_LOOKS 100000u

static bool stop(const struct vmm_passthrough_reset *reset)
{
    volatile uint32_t *word = (volatile uint32_t *)reset->register_vaddr;
    uint32_t looks = 0;
    shared_store_u32(word, reset->value);
    shared_fence();
    while (shared_load_u32(word) != reset->value && looks < RESET_LOOKS) {
        looks++;
    }
    return looks < RESET_LOOKS;
}

bool vmm_passthrough_stop(const struct vmm_passthrough_reset *resets, uint32_t reset_count)
{
    bool stopped = true;
    for (uint32_t i = 0; i < reset_count; i++) {
        stopped &= stop(&resets[i]);
    }
    if (!stopped) {
        pd_say("a device of the guest's does not stop", NULL);
    }
    return stopped;
}

bool vmm_passthrough_notified(uint32_t channel)
{
    for (uint32_t i = 0; i < count; i++) {
        if (hardware[i].channel == channel) {
            vmm_irq_raise(&hardware[i]);
            return true;
        }
    }
    return false;
}
