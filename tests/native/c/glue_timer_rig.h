/* SPDX-License-Identifier: BSD-2-Clause */
/* Around the guest timer's PD of the two-client system: the VMMs' pages, and the core's timer. */
#pragma once

#include <sdfgen/counter.h>
#include <sdfgen/guest_timer.h>

#include "glue_fake.h"

#define VMMS 4u
#define VMM(i) guest_timer_config.vmms[i].channel

static volatile struct guest_timer_page *pages[VMMS];

/* The times that the alarm was set to, in order, and how often the interrupt had been acknowledged before each. */
static uint64_t alarms[16];
static uint32_t acknowledged[16];
static uint32_t alarm_count;

void counter_set_alarm(uint64_t ticks)
{
    CHECK(alarm_count < sizeof(alarms) / sizeof(alarms[0]));
    acknowledged[alarm_count] = fake.acknowledged_count[guest_timer_config.irq_channel];
    alarms[alarm_count++] = ticks;
}

static inline void start(void)
{
    CHECK(guest_timer_config.vmm_count == VMMS);
    for (uint32_t i = 0; i < VMMS; i++) {
        pages[i] = fake_map(guest_timer_config.vmms[i].page_vaddr, sizeof(*pages[i]));
    }
    init();
}

static inline void ask(uint32_t vmm, uint64_t wake_ticks)
{
    pages[vmm]->wake_ticks = wake_ticks;
    notified(VMM(vmm));
}
