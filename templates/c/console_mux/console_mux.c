/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/console_mux.h>
#include <sdfgen/mem.h>

#include "console_mux_input.h"
#include "console_mux_kept.h"
#include "console_mux_screen.h"

static uint32_t at_most(uint32_t number, uint32_t most)
{
    return number < most ? number : most;
}

static void init_row(struct console_mux_row *row, const struct console_mux_client *client)
{
    row->name = client->name;
    row->channel = client->connection.channel;
    serial_reader_init(&row->output, &client->connection.tx);
    serial_writer_init(&row->input, &client->connection.rx);
}

void console_mux_init(struct console_mux *mux, const char *name, const struct console_mux_config *config)
{
    memset(mux, 0, sizeof(*mux));
    mux->name = name;
    mux->uart_channel = config->uart.channel;
    mux->received_channel = config->received_channel;
    mux->row_count = at_most(config->client_count, CONSOLE_MUX_MAX_CLIENTS);
    mux->input_count = at_most(config->input_count, mux->row_count);
    mux->focus = mux->input_count > 0 ? 0 : CONSOLE_MUX_NOBODY;
    mux->shown = CONSOLE_MUX_NOBODY;
    mux->listed = mux->input_count;
    serial_writer_init(&mux->screen, &config->uart.tx);
    serial_reader_init(&mux->keyboard, &config->uart.rx);
    for (uint32_t i = 0; i < mux->row_count; i++) {
        init_row(&mux->rows[i], &config->clients[i]);
    }
}

/* ---- What a client wrote ---- */

static bool keeps(const struct console_mux *mux, uint32_t row)
{
    return mux->gone || (mux->full_screen && row != mux->focus);
}

/* There is one (`left_bytes`). */
static uint8_t take(struct console_mux_row *client)
{
    const uint8_t byte = serial_take(&client->output);
    client->left_bytes--;
    client->took = true;
    client->counters.out_bytes++;
    client->counters.out_lines += byte == '\n';
    return byte;
}

static void keep(struct console_mux *mux, uint32_t row)
{
    struct console_mux_row *client = &mux->rows[row];
    while (client->left_bytes > 0) {
        client->counters.out_lost += kept_put(&client->kept, take(client));
    }
}

/* The oldest byte of a client's that was not shown. */
static bool next_byte(struct console_mux_row *client, uint8_t *byte)
{
    if (client->kept.count > 0) {
        *byte = kept_take(&client->kept);
    } else if (client->left_bytes > 0) {
        *byte = take(client);
    } else {
        return false;
    }
    return true;
}

static bool has_output(const struct console_mux_row *client)
{
    return client->kept.count > 0 || client->left_bytes > 0;
}

static void tell_lost(struct console_mux *mux, struct console_mux_row *client)
{
    if (client->kept.lost > 0 && !mux->full_screen) {
        screen_say(mux, screen_number(client->kept.lost), " bytes lost of ", client->name);
        client->kept.lost = 0;
    }
}

static void show(struct console_mux *mux, uint32_t row)
{
    struct console_mux_row *client = &mux->rows[row];
    uint8_t byte;
    for (uint32_t turn = CONSOLE_MUX_TURN_BYTES; turn > 0 && has_output(client) && screen_has_room(mux); turn--) {
        tell_lost(mux, client);
        if (!next_byte(client, &byte)) {
            return;
        }
        if (mux->full_screen) {
            screen_put(mux, byte);
        } else {
            screen_put_in_line(mux, row, byte);
        }
    }
}

static void serve(struct console_mux *mux, uint32_t row)
{
    if (keeps(mux, row)) {
        keep(mux, row);
    } else {
        show(mux, row);
    }
}

static bool is_served(const struct console_mux *mux, uint32_t row)
{
    return keeps(mux, row) ? mux->rows[row].left_bytes == 0 : !has_output(&mux->rows[row]);
}

/* One turn of everybody, the focus first. True when somebody has more. */
static bool serve_all(struct console_mux *mux)
{
    bool more = false;
    if (mux->focus != CONSOLE_MUX_NOBODY) {
        serve(mux, mux->focus);
    }
    for (uint32_t i = 0; i < mux->row_count; i++) {
        const uint32_t row = (mux->turn + i) % mux->row_count;
        if (row != mux->focus) {
            serve(mux, row);
        }
        more |= !is_served(mux, row);
    }
    mux->turn = mux->row_count > 0 ? (mux->turn + 1) % mux->row_count : 0;
    return more;
}

/* What the focus has begun to write is shown again below what came in between. */
static void show_begun(struct console_mux *mux)
{
    const bool begun = mux->focus != CONSOLE_MUX_NOBODY && !mux->full_screen &&
                       mux->rows[mux->focus].line.used_bytes > 0 && mux->shown != mux->focus;
    if (begun && screen_has_room(mux)) {
        screen_go_to_line(mux, mux->focus);
    }
}

/* ---- The driver ---- */

static void watch_driver(struct console_mux *mux)
{
    const uint32_t room_bytes = serial_room(&mux->screen);
    const uint32_t taken = mux->screen.tail + room_bytes;
    if (taken != mux->taken || room_bytes == mux->screen.size_bytes) {
        mux->taken = taken;
        mux->took_ms = mux->now_ms;
    }
    const bool late = mux->waits && mux->now_ms - mux->took_ms >= CONSOLE_MUX_PATIENCE_MS;
    const bool gone = mux->screen.broken || late;
    mux->counters.cut_offs += gone && !mux->gone;
    mux->came_back |= mux->gone && !gone;
    mux->gone = gone;
}

/* What was shown last is not known to have been. */
static void say_it_came_back(struct console_mux *mux)
{
    if (mux->came_back && !mux->full_screen && screen_has_room(mux)) {
        mux->came_back = false;
        screen_put_text(mux, "\r\n");
        mux->shown = CONSOLE_MUX_NOBODY;
        screen_say(mux, "the UART's driver goes on", NULL, NULL);
    }
}

/* ---- Steps ---- */

static void look(struct console_mux *mux)
{
    mux->typed_left = serial_filled(&mux->keyboard);
    for (uint32_t i = 0; i < mux->row_count; i++) {
        mux->rows[i].left_bytes = serial_filled(&mux->rows[i].output);
        mux->rows[i].took = false;
        mux->rows[i].gave = false;
    }
}

/* Does what there is room for, and makes it visible. Each turn takes something, or the last one found no room. */
static void work(struct console_mux *mux)
{
    mux->waits = mux->gone;
    mux->room_bytes = mux->gone ? 0 : serial_room(&mux->screen);
    say_it_came_back(mux);
    input_take(mux);
    input_go_on_listing(mux);
    while (serve_all(mux) && !mux->waits) {
    }
    show_begun(mux);
    serial_publish(&mux->screen);
}

static uint64_t bit(uint32_t channel)
{
    return UINT64_C(1) << (channel & 63u);
}

static uint64_t settle(struct console_mux_row *client)
{
    const bool has_input = client->input.size_bytes != 0;
    client->counters.cut_offs = (uint64_t)client->output.broken + (has_input && client->input.broken);
    const bool wanted = client->took && serial_release(&client->output);
    if (client->gave) {
        serial_publish(&client->input);
    }
    return wanted || client->gave ? bit(client->channel) : 0;
}

uint64_t console_mux_step(struct console_mux *mux, uint64_t now_ms)
{
    uint64_t channels = 0;
    mux->put = false;
    mux->now_ms = now_ms;
    look(mux);
    const bool typed = mux->typed_left > 0;
    watch_driver(mux);
    work(mux);
    if (mux->waits) {
        /* Either there is room meanwhile, or the driver finds that we wait when it makes some. */
        serial_ask_for_room(&mux->screen);
        watch_driver(mux);
        work(mux);
    }
    for (uint32_t i = 0; i < mux->row_count; i++) {
        channels |= settle(&mux->rows[i]);
    }
    if (typed && serial_release(&mux->keyboard)) {
        channels |= bit(mux->received_channel);
    }
    return channels | (mux->put ? bit(mux->uart_channel) : 0);
}

uint64_t console_mux_wake_ms(const struct console_mux *mux)
{
    const bool waits = mux->waits && !mux->gone;
    return waits ? mux->took_ms + CONSOLE_MUX_PATIENCE_MS : CONSOLE_MUX_NEVER;
}
