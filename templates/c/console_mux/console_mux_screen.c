/* SPDX-License-Identifier: BSD-2-Clause */
#include "console_mux_screen.h"

#include <sdfgen/console_line.h>

#define NUMBER_BYTES 21u /* 2^64 has 20 digits */

bool screen_has_room(struct console_mux *mux)
{
    const bool has_room = mux->gone || mux->room_bytes >= SCREEN_MOST_BYTES;
    mux->waits |= !has_room;
    return has_room;
}

void screen_put(struct console_mux *mux, uint8_t byte)
{
    if (mux->room_bytes == 0) {
        mux->counters.out_lost++;
        return;
    }
    serial_put(&mux->screen, byte);
    mux->room_bytes--;
    mux->put = true;
    mux->counters.out_bytes++;
    mux->counters.out_lines += byte == '\n';
}

static void put_bytes(struct console_mux *mux, const char *text, uint32_t size_bytes)
{
    for (uint32_t i = 0; i < size_bytes && text[i] != '\0'; i++) {
        screen_put(mux, (uint8_t)text[i]);
    }
}

void screen_put_text(struct console_mux *mux, const char *text)
{
    put_bytes(mux, text, CONSOLE_MUX_TEXT_BYTES);
}

static void put_name(struct console_mux *mux, const char *name)
{
    put_bytes(mux, name, CONSOLE_MUX_NAME_BYTES);
    screen_put_text(mux, CONSOLE_SEPARATOR);
}

void screen_end_line(struct console_mux *mux)
{
    if (mux->shown != CONSOLE_MUX_NOBODY) {
        screen_put_text(mux, "\r\n");
        mux->shown = CONSOLE_MUX_NOBODY;
    }
}

void screen_go_to_line(struct console_mux *mux, uint32_t row)
{
    if (mux->shown == row) {
        return;
    }
    screen_end_line(mux);
    put_name(mux, mux->rows[row].name);
    put_bytes(mux, mux->rows[row].line.text, mux->rows[row].line.used_bytes);
    mux->shown = row;
}

static void end_clients_line(struct console_mux *mux, uint32_t row, bool continues)
{
    struct console_mux_line *line = &mux->rows[row].line;
    screen_go_to_line(mux, row);
    screen_end_line(mux);
    line->used_bytes = 0;
    line->continues = continues;
}

static void take_back(struct console_mux *mux, uint32_t row)
{
    struct console_mux_line *line = &mux->rows[row].line;
    if (line->used_bytes > 0) {
        line->used_bytes--;
        if (mux->shown == row) {
            screen_put_text(mux, "\b \b");
        }
    }
}

static void append(struct console_mux *mux, uint32_t row, uint8_t byte)
{
    struct console_mux_line *line = &mux->rows[row].line;
    char shown[CONSOLE_ESCAPE_BYTES];
    const uint32_t shown_bytes = console_line_show(byte, shown);
    if (row == mux->focus) {
        screen_go_to_line(mux, row);
        put_bytes(mux, shown, shown_bytes);
    }
    for (uint32_t i = 0; i < shown_bytes; i++) {
        line->text[line->used_bytes++] = shown[i];
    }
    if (line->used_bytes + CONSOLE_ESCAPE_BYTES > CONSOLE_MUX_TEXT_BYTES) {
        end_clients_line(mux, row, true);
    }
}

void screen_put_in_line(struct console_mux *mux, uint32_t row, uint8_t byte)
{
    struct console_mux_line *line = &mux->rows[row].line;
    if (byte == '\n' && line->continues && line->used_bytes == 0) {
        line->continues = false; /* the end of a line that was just full has been shown */
    } else if (byte == '\n') {
        end_clients_line(mux, row, false);
    } else if (byte == '\b') {
        take_back(mux, row);
    } else if (byte != '\r') {
        append(mux, row, byte);
    }
}

void screen_say(struct console_mux *mux, const char *first, const char *second, const char *third)
{
    const char *parts[] = { first, second, third };
    screen_end_line(mux);
    put_name(mux, mux->name);
    for (uint32_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i] != NULL) {
            put_bytes(mux, parts[i], CONSOLE_MUX_NAME_BYTES);
        }
    }
    screen_put_text(mux, "\r\n");
}

/* CAN and ST end what was begun (ECMA-48), RIS is a full reset. */
void screen_reset(struct console_mux *mux)
{
    screen_put_text(mux, "\x18\x1b\\\x1b"
                         "c");
    mux->shown = CONSOLE_MUX_NOBODY;
}

const char *screen_number(uint64_t number)
{
    static char text[NUMBER_BYTES];
    uint32_t at = NUMBER_BYTES - 1;
    text[at] = '\0';
    do {
        text[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return &text[at];
}
