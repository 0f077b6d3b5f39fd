/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest writes on its console, cut into lines for a console that several guests share: each begins with the
 * guest's name. Nothing a guest writes begins a line or moves the cursor: '\n' ends the line, '\r' is dropped, and any
 * byte but printable ASCII and the tab is written as \xNN. So no guest can pass a line off as another's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CONSOLE_NAME_BYTES 64u
/* Linux prints at most 1024 at once, and hardly ever half of it. A longer line is continued on the next. */
#define CONSOLE_TEXT_BYTES 512u
#define CONSOLE_SEPARATOR "| "

/* console_line.c's. */
struct console_line {
    /* The name, CONSOLE_SEPARATOR, what the guest wrote, '\n', '\0' */
    char text[CONSOLE_NAME_BYTES + sizeof(CONSOLE_SEPARATOR) + CONSOLE_TEXT_BYTES + 1];
    uint32_t prefix_bytes;
    uint32_t used_bytes;
    bool ended;
    bool continues; /* a line that was too long */
};

/* The longest that one byte becomes: \xNN. */
#define CONSOLE_ESCAPE_BYTES 4u

/* How a byte that ends no line is shown, and of how many bytes that is. */
uint32_t console_line_show(uint8_t byte, char shown[CONSOLE_ESCAPE_BYTES]);

/* `name` has `name_bytes`, of which more than CONSOLE_NAME_BYTES are left out. */
void console_line_init(struct console_line *line, const char *name, uint32_t name_bytes);

/* Takes the next byte. The whole line, valid until the next call, when that ended one or filled it; otherwise NULL. */
const char *console_line_put(struct console_line *line, uint8_t byte);
