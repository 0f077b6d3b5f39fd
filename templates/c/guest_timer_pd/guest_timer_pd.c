/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest timer's protection domain (guest_timer.h). Where it has the physical timer's interrupt, it sleeps until the
 * next VMM's time. Where it has none, it looks once a period while a VMM waits: a domain that yields has spent its
 * budget, and runs again when the kernel replenishes it.
 *
 * Whatever it is notified of, it looks at all times and sets the timer anew: where the kernel exports the timer to
 * domains, it exports it to guests as well (CNTHCTL_EL2.EL1PCEN), and one of them may have set it to never.
 */
#include <microkit.h>

#include <sdfgen/counter.h>
#include <sdfgen/guest_timer.h>

static uint64_t woken[MICROKIT_MAX_CHANNELS];

static void wake(uint32_t channel)
{
    microkit_notify(channel);
}

static uint64_t step(void)
{
    return guest_timer_step(&guest_timer_config, woken, counter_ticks(), wake);
}

static void step_by_period(void)
{
    while (step() != GUEST_TIMER_NEVER) {
        seL4_Yield();
    }
}

void init(void)
{
    if (guest_timer_config.has_interrupt) {
        counter_set_alarm(GUEST_TIMER_NEVER);
    }
}

void notified(microkit_channel channel)
{
    if (!guest_timer_config.has_interrupt) {
        step_by_period();
        return;
    }
    counter_set_alarm(step());
    if (channel == guest_timer_config.irq_channel) {
        microkit_irq_ack(channel);
    }
}
