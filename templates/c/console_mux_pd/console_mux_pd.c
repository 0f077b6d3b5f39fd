/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The multiplexer's protection domain: steps it at each notification, and hands its notifications on. While somebody
 * waits for the UART's driver, the guest timer notifies it when that has had its time. What it counts goes into the page
 * of counters.h: row 0 is the UART's, row 1 + i client i's.
 */
#include <microkit.h>

#include <sdfgen/console_mux.h>
#include <sdfgen/counter.h>
#include <sdfgen/counters.h>

_Static_assert(MICROKIT_MAX_CHANNELS >= CONSOLE_MUX_MAX_CLIENTS + 2, "a channel for each client, and two for the driver");
_Static_assert(COUNTERS_MAX_ROWS > CONSOLE_MUX_MAX_CLIENTS, "a row for each client, and one for the UART");

static struct console_mux mux;
static uint64_t ticks_in_ms;    /* 0 where the firmware does not say */
static uint64_t promised_ticks; /* when the guest timer notifies, if that is still to come */

static void notify(uint64_t channels)
{
    for (microkit_channel channel = 0; channel < MICROKIT_MAX_CHANNELS; channel++) {
        if ((channels >> channel & 1) != 0) {
            microkit_notify(channel);
        }
    }
}

static void count_row(uint32_t row, const struct console_mux_counters *counters)
{
    counters_store(row, COUNTERS_CONSOLE_OUT_BYTES, counters->out_bytes);
    counters_store(row, COUNTERS_CONSOLE_OUT_LINES, counters->out_lines);
    counters_store(row, COUNTERS_CONSOLE_OUT_LOST, counters->out_lost);
    counters_store(row, COUNTERS_CONSOLE_IN_BYTES, counters->in_bytes);
    counters_store(row, COUNTERS_CONSOLE_IN_LOST, counters->in_lost);
    counters_store(row, COUNTERS_CONSOLE_FOCUS_CHANGES, counters->focus_changes);
    counters_store(row, COUNTERS_CONSOLE_CUT_OFFS, counters->cut_offs);
}

static void count(void)
{
    count_row(0, &mux.counters);
    for (uint32_t client = 0; client < mux.row_count; client++) {
        count_row(1 + client, &mux.rows[client].counters);
    }
}

static void ask_for_wake(uint64_t at_ms)
{
    const struct guest_timer_connection *timer = &console_mux_config.timer;
    const uint64_t wake_ms = console_mux_wake_ms(&mux);
    if (ticks_in_ms == 0 || timer->page_vaddr == 0 || wake_ms == CONSOLE_MUX_NEVER) {
        return;
    }
    if (guest_timer_ask(timer, &promised_ticks, wake_ms * ticks_in_ms, at_ms * ticks_in_ms)) {
        microkit_notify(timer->channel);
    }
}

static void step(void)
{
    const uint64_t now_ms = ticks_in_ms != 0 ? counter_ticks() / ticks_in_ms : 0;
    notify(console_mux_step(&mux, now_ms));
    ask_for_wake(now_ms);
    count();
}

void init(void)
{
    ticks_in_ms = counter_ticks_in_ms();
    counters_begin();
    console_mux_init(&mux, microkit_name, &console_mux_config);
    step();
}

void notified(microkit_channel channel)
{
    (void)channel;
    step();
}
