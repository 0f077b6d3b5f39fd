/* SPDX-License-Identifier: BSD-2-Clause */
#include "console_mux_input.h"

#include "console_mux_screen.h"

#define MOST_NUMBER 1000u

static void deliver(struct console_mux *mux, uint8_t byte)
{
    if (mux->focus == CONSOLE_MUX_NOBODY) {
        mux->counters.in_lost++;
        return;
    }
    struct console_mux_row *row = &mux->rows[mux->focus];
    if (serial_room(&row->input) > 0) {
        serial_put(&row->input, byte);
        row->gave = true;
        row->counters.in_bytes++;
    } else {
        row->counters.in_lost++;
    }
}

static void say_focus(struct console_mux *mux)
{
    const bool somebody = mux->focus != CONSOLE_MUX_NOBODY;
    screen_say(mux, somebody ? "input goes to " : "nobody takes input", somebody ? mux->rows[mux->focus].name : NULL,
               mux->full_screen ? ", full screen" : NULL);
}

static void set_focus(struct console_mux *mux, uint32_t number)
{
    if (number >= mux->input_count) {
        screen_say(mux, "there is no console ", screen_number(number), NULL);
        return;
    }
    if (mux->full_screen) {
        screen_reset(mux);
    }
    mux->focus = number;
    mux->counters.focus_changes++;
    mux->rows[number].counters.focus_changes++;
    say_focus(mux);
}

/* In full screen it is not known where a client's line begins. */
static void toggle_full_screen(struct console_mux *mux)
{
    if (mux->focus == CONSOLE_MUX_NOBODY) {
        return;
    }
    if (mux->full_screen) {
        screen_reset(mux);
    }
    mux->full_screen = !mux->full_screen;
    say_focus(mux);
    if (mux->full_screen) {
        struct console_mux_line *line = &mux->rows[mux->focus].line;
        for (uint32_t i = 0; i < line->used_bytes; i++) {
            screen_put(mux, (uint8_t)line->text[i]);
        }
        line->used_bytes = 0;
        line->continues = false;
    }
}

static void begin_number(struct console_mux *mux, uint8_t byte)
{
    mux->typing = CONSOLE_MUX_NUMBER;
    mux->number = (uint32_t)(byte - '0');
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static void take_command(struct console_mux *mux, uint8_t byte)
{
    mux->typing = CONSOLE_MUX_PLAIN;
    if (is_digit(byte)) {
        begin_number(mux, byte);
    } else if (byte == 'f') {
        toggle_full_screen(mux);
    } else if (byte == 'l') {
        mux->listed = 0;
    } else if (byte == CONSOLE_MUX_ESCAPE) {
        deliver(mux, byte);
    }
}

static void take_digit(struct console_mux *mux, uint8_t byte)
{
    if (is_digit(byte)) {
        const uint32_t number = mux->number * 10 + (uint32_t)(byte - '0');
        mux->number = number < MOST_NUMBER ? number : MOST_NUMBER;
        return;
    }
    mux->typing = CONSOLE_MUX_PLAIN;
    if (byte == '\r' || byte == '\n') {
        set_focus(mux, mux->number);
    }
}

static void take_byte(struct console_mux *mux, uint8_t byte)
{
    switch (mux->typing) {
    case CONSOLE_MUX_PLAIN:
        if (byte == CONSOLE_MUX_ESCAPE) {
            mux->typing = CONSOLE_MUX_COMMAND;
        } else {
            deliver(mux, byte);
        }
        break;
    case CONSOLE_MUX_COMMAND:
        take_command(mux, byte);
        break;
    case CONSOLE_MUX_NUMBER:
        take_digit(mux, byte);
        break;
    }
}

void input_take(struct console_mux *mux)
{
    for (; mux->typed_left > 0 && screen_has_room(mux); mux->typed_left--) {
        mux->counters.in_bytes++;
        take_byte(mux, serial_take(&mux->keyboard));
    }
}

void input_go_on_listing(struct console_mux *mux)
{
    for (; mux->listed < mux->input_count && screen_has_room(mux); mux->listed++) {
        screen_say(mux, screen_number(mux->listed), mux->listed == mux->focus ? " * " : "   ",
                   mux->rows[mux->listed].name);
    }
}
