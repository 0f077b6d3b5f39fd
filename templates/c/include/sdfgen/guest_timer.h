/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When guests that wait want to be woken. A virtual timer fires only while its vCPU runs; so the VMM of a guest that
 * waits (WFI) does not let it run, writes the time of the guest's timer into a page that it shares with the guest
 * timer, a protection domain, and notifies it. At that time it is notified back. Nobody else's page is seen by a VMM,
 * and the guest timer writes to none.
 *
 * Times are ticks of the physical counter (CNTPCT_EL0), to which the guests' virtual counters are equal.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sdfgen/shared.h>

#define GUEST_TIMER_NEVER UINT64_MAX

/* The page. A VMM changes it whenever it likes. */
struct guest_timer_page {
    uint64_t wake_ticks;
};

/* What a VMM, or another domain that wants to be woken, has to do with it. */
struct guest_timer_connection {
    uintptr_t page_vaddr; /* struct guest_timer_page */
    uint32_t channel;
};

/* guest_timer_table.c, and a member of each VMM's table. */
struct guest_timer_config {
    const struct guest_timer_connection *vmms;
    uint32_t vmm_count;
    bool has_interrupt; /* of the physical timer (CNTP); without one, the domain's period is the clock's */
    uint32_t irq_channel;
};

extern const struct guest_timer_config guest_timer_config;

/*
 * Asks to be notified at `wanted_ticks`, GUEST_TIMER_NEVER for not at all: true when the channel is to be notified of
 * that. One time is outstanding at most, `promised_ticks`, which is the caller's and at first 0: a later one has to be
 * asked for when that has come.
 */
static inline bool guest_timer_ask(const struct guest_timer_connection *connection, uint64_t *promised_ticks,
                                   uint64_t wanted_ticks, uint64_t now_ticks)
{
    const bool promised = *promised_ticks > now_ticks && *promised_ticks <= wanted_ticks;
    if (promised || wanted_ticks == GUEST_TIMER_NEVER) {
        return false;
    }
    *promised_ticks = wanted_ticks;
    shared_store_release_u64(&((struct guest_timer_page *)connection->page_vaddr)->wake_ticks, wanted_ticks);
    return true;
}

/*
 * Calls `wake` with the channel of each VMM whose time has come, once for each time that it writes. Returns the
 * earliest of the times still to come, or GUEST_TIMER_NEVER. `woken` is the caller's: for each VMM the time that it was
 * last called for, at first 0, as the pages are.
 */
uint64_t guest_timer_step(const struct guest_timer_config *config, uint64_t *woken, uint64_t now_ticks,
                          void (*wake)(uint32_t channel));
