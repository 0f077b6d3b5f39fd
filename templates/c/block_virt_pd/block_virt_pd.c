/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtualiser's protection domain: steps it at each notification, hands its notifications on, and says on the debug
 * console what became of the disk and of each client's partition, each thing once.
 */
#include <microkit.h>

#include <sdfgen/block_virt.h>
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

static void follow(uint64_t channels)
{
    notify(channels);
    say_state();
    for (uint32_t client = 0; client < block_virt_config.client_count; client++) {
        say_client(client);
    }
}

void init(void)
{
    block_virt_init(&virt, &block_virt_config);
    /* A driver that was ready before does not notify again. */
    follow(block_virt_step(&virt));
}

void notified(microkit_channel channel)
{
    follow(block_virt_step_notified(&virt, UINT64_C(1) << channel));
}
