/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <sdfgen/pd_say.h>

#include "vmm_common.h"
#include "vmm_console.h"
#include "vmm_rest.h"

/* The tables have no more: each interrupt has a channel of its own. */
static struct vmm_irq hardware[MICROKIT_MAX_CHANNELS];
static uint32_t hardware_count;
static uint32_t timer_channel;
static uint64_t unknown_notifications;

static bool said(bool done, const char *failure)
{
    if (!done) {
        pd_say(failure, NULL);
    }
    return done;
}

bool vmm_add_irq(struct vmm_irq *irq)
{
    return said(vmm_irq_register(irq), "an interrupt could not be registered");
}

bool vmm_add_trap(uint64_t gpa, uint64_t size_bytes, const struct vmm_trap *trap)
{
    return said(vmm_trap_register(gpa, size_bytes, trap), "a range of addresses could not be registered");
}

bool vmm_create(const struct vmm_guest *guest, const struct vmm_passthrough_irq *irqs, uint32_t irq_count)
{
    vmm_rest_init(&guest->timer);
    timer_channel = guest->timer.channel;
    if (!said(vmm_guest_create(guest->ram_gpa, guest->ram_size_bytes, guest->ram_vaddr), "no guest") ||
        !said(irq_count <= MICROKIT_MAX_CHANNELS, "more interrupts than channels")) {
        return false;
    }
    for (hardware_count = 0; hardware_count < irq_count; hardware_count++) {
        const struct vmm_passthrough_irq *irq = &irqs[hardware_count];
        hardware[hardware_count] = (struct vmm_irq){
            .kind = VMM_IRQ_HARDWARE,
            .intid = irq->intid,
            .channel = irq->channel,
        };
        if (!vmm_add_irq(&hardware[hardware_count])) {
            return false;
        }
    }
    return vmm_console_create(&guest->console);
}

bool vmm_boot(const struct vmm_guest *guest)
{
    return said(vmm_guest_boot(guest->kernel_gpa, guest->dtb_gpa, guest->initrd_gpa),
                "the guest's images can't be placed: it is not started");
}

void vmm_notified(uint32_t channel)
{
    if (channel == timer_channel) {
        vmm_rest_timer_notified();
        return;
    }
    for (uint32_t i = 0; i < hardware_count; i++) {
        if (hardware[i].channel == channel) {
            vmm_irq_raise(&hardware[i]);
            return;
        }
    }
    unknown_notifications++;
}

uint64_t vmm_unknown_notifications(void)
{
    return unknown_notifications;
}
