/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <sdfgen/console_line.h>

static void append(struct console_line *line, const char *text, uint32_t size_bytes)
{
    for (uint32_t i = 0; i < size_bytes; i++) {
        line->text[line->used_bytes++] = text[i];
    }
}

void console_line_init(struct console_line *line, const char *name, uint32_t name_bytes)
{
    *line = (struct console_line){ .used_bytes = 0 };
    append(line, name, name_bytes < CONSOLE_NAME_BYTES ? name_bytes : CONSOLE_NAME_BYTES);
    append(line, CONSOLE_SEPARATOR, sizeof(CONSOLE_SEPARATOR) - 1);
    line->prefix_bytes = line->used_bytes;
}

uint32_t console_line_show(uint8_t byte, char shown[CONSOLE_ESCAPE_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    if (byte == '\t' || (byte >= ' ' && byte <= '~')) {
        shown[0] = (char)byte;
        return 1;
    }
    shown[0] = '\\';
    shown[1] = 'x';
    shown[2] = digits[byte >> 4];
    shown[3] = digits[byte & 15];
    return CONSOLE_ESCAPE_BYTES;
}

static void append_byte(struct console_line *line, uint8_t byte)
{
    char shown[CONSOLE_ESCAPE_BYTES];
    append(line, shown, console_line_show(byte, shown));
}

static const char *end(struct console_line *line, bool continues)
{
    append(line, "\n", sizeof("\n"));
    line->ended = true;
    line->continues = continues;
    return line->text;
}

static void begin(struct console_line *line)
{
    line->used_bytes = line->prefix_bytes;
    line->ended = false;
}

const char *console_line_put(struct console_line *line, uint8_t byte)
{
    if (line->ended) {
        begin(line);
    }
    const uint32_t text_bytes = line->used_bytes - line->prefix_bytes;
    if (byte == '\n') {
        /* What ends a line that was just full has been said. */
        const bool said = line->continues && text_bytes == 0;
        line->continues = false;
        return said ? NULL : end(line, false);
    }
    if (byte == '\r') {
        return NULL;
    }
    append_byte(line, byte);
    return line->used_bytes - line->prefix_bytes + CONSOLE_ESCAPE_BYTES > CONSOLE_TEXT_BYTES ? end(line, true) : NULL;
}
