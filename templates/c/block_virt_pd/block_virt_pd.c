/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtualiser's protection domain: steps it at each notification, hands its notifications on, and says on the debug
 * console what became of the disk and of each client's partition, each thing once. What it counts goes into the page of
 * counters.h: row 0 is the virtualiser's, row 1 + i client i's.
 */
#include <microkit.h>

#include <sdfgen/block_virt.h>
#include <sdfgen/counters.h>
#include <sdfgen/pd_say.h>

_Static_assert(MICROKIT_MAX_CHANNELS > BLOCK_MAX_CLIENTS, "a channel for the driver, and one for each client");

static struct block_virt virt;
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

void init(void)
{
    counters_begin();
    block_virt_init(&virt, &block_virt_config);
    /* A driver that was ready before does not notify again. */
    follow(block_virt_step(&virt));
}

void notified(microkit_channel channel)
{
    follow(block_virt_step_notified(&virt, UINT64_C(1) << channel));
}
