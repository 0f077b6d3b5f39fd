/* SPDX-License-Identifier: BSD-2-Clause */
/* The multiplexer's protection domain: steps it at each notification, and hands its notifications on. */
#include <microkit.h>

#include <sdfgen/console_mux.h>

_Static_assert(MICROKIT_MAX_CHANNELS > CONSOLE_MUX_MAX_CLIENTS + 1, "a channel for each client, and two for the driver");

static struct console_mux mux;

static void step(void)
{
    const uint64_t channels = console_mux_step(&mux);
    for (microkit_channel channel = 0; channel < MICROKIT_MAX_CHANNELS; channel++) {
        if ((channels >> channel & 1) != 0) {
            microkit_notify(channel);
        }
    }
}

void init(void)
{
    console_mux_init(&mux, microkit_name, &console_mux_config);
    step();
}

void notified(microkit_channel channel)
{
    (void)channel;
    step();
}
