/* SPDX-License-Identifier: BSD-2-Clause */
/* What is shown: bytes, lines of the multiplexer's own, the unfinished line of the focus. */
#pragma once

#include <sdfgen/console_mux.h>

/*
 * The most that one byte of output or of input makes appear: the end of somebody's line, a name with a whole line
 * behind it, and the end of that; and the focus' line once more below.
 */
#define SCREEN_MOST_BYTES (2u * (2u + CONSOLE_MUX_NAME_BYTES + 2u + CONSOLE_MUX_TEXT_BYTES + 16u))

/* Whether there is room for so much, or what is put is lost; if not, notes that somebody waits. */
bool screen_has_room(struct console_mux *mux);

/* There is room, or it is lost. */
void screen_put(struct console_mux *mux, uint8_t byte);
void screen_put_text(struct console_mux *mux, const char *text);

/* The cursor is at the start of a line. */
void screen_end_line(struct console_mux *mux);

/* The cursor is behind what a client's unfinished line has so far. */
void screen_go_to_line(struct console_mux *mux, uint32_t row);

/* Takes a byte that a client wrote, in lines. */
void screen_put_in_line(struct console_mux *mux, uint32_t row, uint8_t byte);

/* A line of the multiplexer's own, of up to three parts; NULL for none. */
void screen_say(struct console_mux *mux, const char *first, const char *second, const char *third);

/* The terminal is as if it had just been turned on, whatever a client has sent it. */
void screen_reset(struct console_mux *mux);

/* A number in decimal, in memory that the next call uses again. */
const char *screen_number(uint64_t number);
