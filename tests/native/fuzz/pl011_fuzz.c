/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hostile guest at its console: accesses of any width at any offset, and the lines that are made of what it sends.
 *
 * An input is a list of accesses, each a byte that says which and its operands; the first byte is the length of the
 * guest's name.
 */
#include <string.h>

#include <sdfgen/console_line.h>
#include <sdfgen/pl011.h>

#include "fuzz_input.h"

#define MOST_RUN 255u
#define ESCAPE_BYTES 4u

static struct pl011 uart;
static struct console_line line;
static char name[UINT8_MAX];
static uint32_t name_bytes;
static uint64_t owed_bytes; /* what may still be printed, at most */

/* A line has the name first, one line break, at its end, and nothing that a terminal obeys. */
static void check_line(const char *text)
{
    const size_t size_bytes = strlen(text);
    const size_t kept_bytes = name_bytes < CONSOLE_NAME_BYTES ? name_bytes : CONSOLE_NAME_BYTES;
    const size_t prefix_bytes = kept_bytes + strlen(CONSOLE_SEPARATOR);
    REQUIRE(size_bytes > prefix_bytes && size_bytes <= prefix_bytes + CONSOLE_TEXT_BYTES + 1);
    REQUIRE(memcmp(text, name, kept_bytes) == 0);
    REQUIRE(memcmp(text + kept_bytes, CONSOLE_SEPARATOR, strlen(CONSOLE_SEPARATOR)) == 0);
    REQUIRE(text[size_bytes - 1] == '\n');
    for (size_t i = prefix_bytes; i < size_bytes - 1; i++) {
        REQUIRE(text[i] == '\t' || (text[i] >= ' ' && text[i] <= '~'));
    }
    const uint64_t said_bytes = size_bytes - 1 - prefix_bytes;
    REQUIRE(said_bytes <= owed_bytes);
    owed_bytes -= said_bytes;
}

static void store(uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    uint8_t sent = 0;
    const bool sends = pl011_write(&uart, offset, width_bytes, value, &sent);
    REQUIRE(sends == (offset == PL011_DR));
    REQUIRE(!sends || sent == (uint8_t)value);
    owed_bytes += sends ? ESCAPE_BYTES : 0;
    const char *text = sends ? console_line_put(&line, sent) : NULL;
    if (text != NULL) {
        check_line(text);
    }
}

static void store_anywhere(struct fuzz_input *input)
{
    const uint64_t offset = fuzz_take(input, 2);
    const uint32_t width_bytes = 1u << fuzz_take(input, 1) % 4;
    store(offset, width_bytes, fuzz_take(input, 8));
}

static void store_register(struct fuzz_input *input)
{
    const uint64_t offset = 4 * (fuzz_take(input, 1) % PL011_WORDS);
    store(offset, 4, fuzz_take(input, 2));
}

static void send(struct fuzz_input *input)
{
    store(PL011_DR, 1, fuzz_take(input, 1));
}

static void send_run(struct fuzz_input *input)
{
    const uint64_t byte = fuzz_take(input, 1);
    for (uint64_t left = fuzz_take(input, 1) % MOST_RUN; left > 0; left--) {
        store(PL011_DR, 2, byte);
    }
}

static void load_anywhere(struct fuzz_input *input)
{
    const uint64_t offset = fuzz_take(input, 8) >> fuzz_take(input, 1) % 64;
    const uint32_t width_bytes = 1u << fuzz_take(input, 1) % 4;
    const uint64_t value = pl011_read(&uart, offset, width_bytes);
    REQUIRE(value <= UINT32_MAX && (width_bytes >= 4 || value >> 8 * width_bytes == 0));
    REQUIRE(offset % 4 == 0 || value == 0);
}

static void (*const accesses[])(struct fuzz_input *input) = {
    send, send_run, store_register, store_anywhere, load_anywhere,
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    memset(name, 'n', sizeof(name));
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    struct fuzz_input input = { bytes, size_bytes };
    name_bytes = (uint32_t)fuzz_take(&input, 1);
    owed_bytes = 0;
    pl011_init(&uart);
    console_line_init(&line, name, name_bytes);
    const uint64_t flags = pl011_read(&uart, PL011_FR, 4);
    while (input.size_bytes > 0) {
        accesses[fuzz_take(&input, 1) % (sizeof(accesses) / sizeof(accesses[0]))](&input);
        REQUIRE(pl011_read(&uart, PL011_FR, 4) == flags);
        const uint64_t pending = pl011_read(&uart, PL011_RIS, 4) & pl011_read(&uart, PL011_IMSC, 4);
        REQUIRE(pl011_read(&uart, PL011_MIS, 4) == pending && pl011_interrupt(&uart) == (pending != 0));
    }
    return 0;
}
