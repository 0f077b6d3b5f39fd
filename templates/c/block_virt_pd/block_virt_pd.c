/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtualiser's protection domain: steps it at each notification, hands its notifications on, and says on the debug
 * console what became of the disk and of each client's partition, each thing once. What it counts goes into the page of
 * counters.h: row 0 is the virtualiser's, row 1 + i client i's. Where requests have a time, or clients a rate, the guest
 * timer (guest_timer.h) notifies it when one is over; of these times the earliest is outstanding, so that requests that
 * are answered in time cost no notification.
 */
#include <microkit.h>

#include <sdfgen/block_virt.h>
#include <sdfgen/counter.h>
#include <sdfgen/counters.h>
#include <sdfgen/pd_say.h>

#define NS_IN_MS UINT64_C(1000000)

_Static_assert(MICROKIT_MAX_CHANNELS > BLOCK_MAX_CLIENTS, "a channel for the driver, and one for each client");

static struct block_virt virt;
static uint64_t ticks_in_ms;
static uint64_t promised_ticks; /* when the guest timer notifies, if that is still to come */
static uint32_t said_states;                           /* a bit for each enum block_virt_state */
static uint32_t said_client_states[BLOCK_MAX_CLIENTS]; /* a bit for each enum block_virt_client_state */

/* True the first time for that bit. */
static bool is_news(uint32_t *said, uint32_t bit)
{
    const bool news = (*said >> bit & 1) == 0;
    *said |= UINT32_C(1) << bit;
    return news;
}

static void say_state(void)
{
    const enum block_virt_state state = block_virt_state(&virt);
    if (is_news(&said_states, state)) {
        pd_say("disk", block_virt_state_text(state));
    }
}

static void say_client(uint32_t client)
{
    const enum block_virt_client_state state = block_virt_client_state(&virt, client);
    if (is_news(&said_client_states[client], state)) {
        const char *why = partition_strerror(block_virt_client_status(&virt, client));
        const bool no_partition = state == BLOCK_VIRT_CLIENT_NO_PARTITION;
        pd_say(block_virt_config.clients[client].name, no_partition ? why : block_virt_client_state_text(state));
    }
}

static void notify(uint64_t channels)
{
    for (microkit_channel channel = 0; channel < MICROKIT_MAX_CHANNELS; channel++) {
        if ((channels >> channel & 1) != 0) {
            microkit_notify(channel);
        }
    }
}

static void count_client(uint32_t client)
{
    const struct block_virt_client_counters *counters = block_virt_client_counters(&virt, client);
    const uint32_t row = 1 + client;
    counters_store(row, COUNTERS_REQUESTS_TAKEN, counters->requests);
    counters_store(row, COUNTERS_REQUESTS_BYTES, counters->blocks * SDDF_BLK_BLOCK_BYTES);
    counters_store(row, COUNTERS_REQUESTS_ERRORS, counters->errors);
    counters_store(row, COUNTERS_REQUESTS_REFUSED, counters->refused);
    counters_store(row, COUNTERS_REQUESTS_DEPTH, counters->most_in_flight);
    counters_store(row, COUNTERS_REQUESTS_WAIT_NS, counters->longest_wait_ms * NS_IN_MS);
    counters_store(row, COUNTERS_REQUESTS_CUT_OFFS, counters->cut_offs);
}

static void count(void)
{
    const struct block_virt_counters *counters = block_virt_counters(&virt);
    const uint64_t counted = block_virt_take_counted(&virt);
    counters_store(0, COUNTERS_SERVICE_RESTARTS, counters->restarts);
    counters_store(0, COUNTERS_SERVICE_CUT_OFFS, counters->cut_offs);
    counters_store(0, COUNTERS_SERVICE_STRAY, block_virt_stray_responses(&virt));
    counters_store(0, COUNTERS_SERVICE_DEPTH, counters->most_in_flight);
    for (uint32_t client = 0; client < block_virt_config.client_count; client++) {
        if ((counted >> client & 1) != 0) {
            count_client(client);
        }
    }
}

static void follow(uint64_t channels)
{
    notify(channels);
    count();
    say_state();
    for (uint32_t client = 0; client < block_virt_config.client_count; client++) {
        say_client(client);
    }
}

/* 0 where nobody wants to know it. */
static uint64_t now_ms(void)
{
    return ticks_in_ms != 0 ? counter_ticks() / ticks_in_ms : 0;
}

static void ask_for_wake(uint64_t at_ms)
{
    const struct guest_timer_connection *timer = &block_virt_config.timer;
    const uint64_t wake_ms = block_virt_wake_ms(&virt);
    if (ticks_in_ms == 0 || wake_ms == BLOCK_VIRT_NEVER) {
        return;
    }
    if (guest_timer_ask(timer, &promised_ticks, wake_ms * ticks_in_ms, at_ms * ticks_in_ms)) {
        microkit_notify(timer->channel);
    }
}

static void step(uint64_t channels)
{
    const uint64_t at_ms = now_ms();
    follow(block_virt_step_notified(&virt, channels, at_ms));
    ask_for_wake(at_ms);
}

void init(void)
{
    ticks_in_ms = block_virt_config.timer.page_vaddr != 0 ? counter_ticks_in_ms() : 0;
    counters_begin();
    block_virt_init(&virt, &block_virt_config);
    /* A driver that was ready before does not notify again. */
    step(UINT64_MAX);
}

void notified(microkit_channel channel)
{
    step(UINT64_C(1) << channel);
}
