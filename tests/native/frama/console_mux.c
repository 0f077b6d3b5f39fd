/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The multiplexer between a client and a UART driver that may write anything into the queues at any time: all shared
 * words are volatile here, so that each load gives any value at all. Any number of steps, for any keys, in both modes.
 * With several clients EVA would mix up whose row is whose.
 */
#include <sdfgen/console_mux.h>

#include "any.h"

#define QUEUE_BYTES 4096u

struct side {
    struct sddf_serial_queue indices;
    uint8_t data[QUEUE_BYTES];
};

static volatile struct side sides[2][2];
static struct console_mux_client client;
static struct console_mux_config config;
static struct console_mux mux;

static struct console_queue queue(volatile struct side *side)
{
    return (struct console_queue) { (uintptr_t)&side->indices, (uintptr_t)side->data, QUEUE_BYTES };
}

static struct console_connection connect(uint32_t side)
{
    return (struct console_connection) { queue(&sides[side][0]), queue(&sides[side][1]), side };
}

/* EVA would count up to there, from one bound of some type to the next. */
static void have_counted(struct console_mux_counters *counters)
{
    *counters = (struct console_mux_counters) {
        any_u64(), any_u64(), any_u64(), any_u64(), any_u64(), any_u64(), any_u64(),
    };
}

int main(void)
{
    client.name = "somebody";
    client.connection = connect(0);
    config.uart = connect(1);
    config.received_channel = any_u32();
    config.clients = &client;
    config.client_count = 1;
    config.input_count = any_u32();
    console_mux_init(&mux, "the_multiplexer", &config);
    have_counted(&mux.counters);
    have_counted(&mux.rows[0].counters);
    mux.rows[0].kept.lost = any_u64();
    /*@ widen_hints global:"all", 508, 511, 512, 4095, 4096; */
    while (any_bool()) {
        (void)console_mux_step(&mux, any_u64());
        (void)console_mux_wake_ms(&mux);
    }
    return 0;
}
