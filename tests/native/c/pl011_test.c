/* SPDX-License-Identifier: BSD-2-Clause */
/* The emulated UART, and the lines that are made of what it sends. */
#include <sdfgen/console_line.h>
#include <sdfgen/pl011.h>

#include "unit.h"

#define LAST_OFFSET 0x1010u
#define NO_BYTE 0x100u

static struct pl011 uart;
static struct console_line line;

static void put(uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    uint8_t sent;
    CHECK(pl011_write(&uart, offset, width_bytes, value, &sent) == (offset == PL011_DR));
}

/* The byte that a store to the data register sends. */
static uint32_t sent_by(uint32_t width_bytes, uint64_t value)
{
    uint8_t sent = 0;
    return pl011_write(&uart, PL011_DR, width_bytes, value, &sent) ? sent : NO_BYTE;
}

static uint64_t get(uint64_t offset)
{
    return pl011_read(&uart, offset, 4);
}

/* What Linux's AMBA bus does before any driver: the last four bytes say PrimeCell, the first four which. */
static void it_is_found_as_a_primecell_uart(void)
{
    pl011_init(&uart);
    uint32_t periph = 0;
    uint32_t cell = 0;
    for (uint32_t i = 0; i < 4; i++) {
        periph |= (uint32_t)(get(PL011_PERIPH_ID + 4 * i) & 0xff) << 8 * i;
        cell |= (uint32_t)(get(PL011_PERIPH_ID + 16 + 4 * i) & 0xff) << 8 * i;
    }
    CHECK(cell == 0xb105f00d);
    CHECK((periph & 0x000fffff) == 0x00041011);
    CHECK(periph >> 20 == 3);
}

static void nothing_is_ever_waited_for(void)
{
    pl011_init(&uart);
    for (uint32_t i = 0; i < 100; i++) {
        CHECK(sent_by(4, i) == i);
        CHECK((get(PL011_FR) & (PL011_FR_TXFE | PL011_FR_RXFE)) == (PL011_FR_TXFE | PL011_FR_RXFE));
        CHECK((get(PL011_FR) & (PL011_FR_BUSY | PL011_FR_TXFF)) == 0);
        CHECK(get(PL011_DR) == 0);
    }
    put(PL011_FR, 4, UINT32_MAX);
    CHECK(get(PL011_FR) == (PL011_FR_TXFE | PL011_FR_RXFE | PL011_FR_CTS | PL011_FR_DSR | PL011_FR_DCD));
}

/* Early consoles store bytes, Linux's driver half-words or words. */
static void a_byte_is_sent_by_a_store_of_any_width(void)
{
    pl011_init(&uart);
    for (uint32_t width = 1; width <= 8; width *= 2) {
        CHECK(sent_by(width, UINT64_C(0xfedcba9876543241)) == 0x41);
    }
}

static void registers_hold_what_a_driver_wrote(void)
{
    static const struct {
        uint32_t offset;
        uint32_t reset;
        uint32_t all;
    } expected[] = {
        { PL011_ILPR, 0, 0xff },    { PL011_IBRD, 0, 0xffff },     { PL011_FBRD, 0, 0x3f },   { PL011_LCR_H, 0, 0xff },
        { PL011_CR, 0x300, 0xff87 }, { PL011_IFLS, 0x12, 0x3f }, { PL011_IMSC, 0, 0x7ff }, { PL011_DMACR, 0, 7 },
    };
    pl011_init(&uart);
    for (uint32_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        CHECK(get(expected[i].offset) == expected[i].reset);
        put(expected[i].offset, 4, UINT32_MAX);
        CHECK(get(expected[i].offset) == (expected[i].all | (expected[i].reset & ~expected[i].all)));
        put(expected[i].offset, 4, 0);
        CHECK(get(expected[i].offset) == (expected[i].reset & ~expected[i].all));
    }
}

static void a_narrow_access_reaches_the_low_bytes(void)
{
    pl011_init(&uart);
    put(PL011_IBRD, 2, 0xffff1234);
    put(PL011_IBRD, 1, 0xabcd);
    CHECK(get(PL011_IBRD) == 0x12cd);
    CHECK(pl011_read(&uart, PL011_IBRD, 1) == 0xcd);
    CHECK(pl011_read(&uart, PL011_IBRD, 2) == 0x12cd);
    CHECK(pl011_read(&uart, PL011_IBRD, 8) == 0x12cd);
}

static void the_line_is_what_is_there_and_wanted(void)
{
    pl011_init(&uart);
    put(PL011_IMSC, 4, PL011_INT_TX);
    CHECK(!pl011_interrupt(&uart) && get(PL011_RIS) == 0 && get(PL011_MIS) == 0);
    CHECK(sent_by(4, 'a') == 'a');
    CHECK(pl011_interrupt(&uart) && get(PL011_RIS) == PL011_INT_TX && get(PL011_MIS) == PL011_INT_TX);
    put(PL011_IMSC, 4, ~PL011_INT_TX);
    CHECK(!pl011_interrupt(&uart) && get(PL011_RIS) == PL011_INT_TX && get(PL011_MIS) == 0);
    put(PL011_IMSC, 4, PL011_INT_TX);
    put(PL011_ICR, 4, ~PL011_INT_TX);
    CHECK(pl011_interrupt(&uart));
    put(PL011_ICR, 1, PL011_INT_TX);
    CHECK(!pl011_interrupt(&uart) && get(PL011_RIS) == 0 && get(PL011_MIS) == 0);
}

static void status_registers_can_not_be_written(void)
{
    pl011_init(&uart);
    put(PL011_IMSC, 4, UINT32_MAX);
    put(PL011_RIS, 4, UINT32_MAX);
    put(PL011_MIS, 4, UINT32_MAX);
    CHECK(get(PL011_RIS) == 0 && get(PL011_MIS) == 0 && !pl011_interrupt(&uart));
    for (uint32_t offset = PL011_PERIPH_ID; offset < 0x1000; offset += 4) {
        const uint64_t id = get(offset);
        put(offset, 4, ~id);
        CHECK(get(offset) == id);
    }
}

static void an_access_between_registers_changes_nothing(void)
{
    pl011_init(&uart);
    put(PL011_IBRD, 4, 0x1234);
    put(PL011_IMSC, 4, PL011_INT_TX);
    CHECK(sent_by(1, 'a') == 'a');
    for (uint32_t i = 1; i < 4; i++) {
        put(PL011_DR + i, 1, 'b');
        put(PL011_IBRD + i, 4, UINT32_MAX);
        put(PL011_ICR + i, 8, UINT64_MAX);
    }
    CHECK(get(PL011_IBRD) == 0x1234 && get(PL011_FBRD) == 0 && pl011_interrupt(&uart));
}

static bool is_register(uint64_t offset)
{
    const bool is_id = offset >= PL011_PERIPH_ID && offset < 0x1000;
    return offset % 4 == 0 && (is_id || (offset >= PL011_FR && offset <= PL011_DMACR));
}

static void what_is_no_register_reads_as_zero_and_sends_nothing(void)
{
    uint8_t sent;
    pl011_init(&uart);
    for (uint64_t offset = 1; offset < LAST_OFFSET; offset++) {
        for (uint32_t width = 1; width <= 8; width *= 2) {
            CHECK(!pl011_write(&uart, offset, width, UINT64_MAX, &sent));
            CHECK(pl011_read(&uart, offset, width) == 0 || is_register(offset));
        }
    }
    for (uint32_t shift = 13; shift < 64; shift++) {
        CHECK(!pl011_write(&uart, UINT64_C(1) << shift, 4, 'x', &sent));
        CHECK(get(UINT64_C(1) << shift) == 0);
    }
    CHECK(get(UINT64_MAX - 3) == 0);
}

/* ---- Lines ---- */

static char printed[4096];
static uint32_t calls;

static void name_it(const char *name)
{
    console_line_init(&line, name, (uint32_t)strlen(name));
    printed[0] = '\0';
    calls = 0;
}

static void say_bytes(const char *bytes, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++) {
        const char *text = console_line_put(&line, (uint8_t)bytes[i]);
        if (text != NULL) {
            CHECK(strlen(printed) + strlen(text) < sizeof(printed));
            strcat(printed, text);
            calls++;
        }
    }
}

static void say(const char *text)
{
    say_bytes(text, strlen(text));
}

static void lines_come_whole_and_with_the_name(void)
{
    name_it("client1");
    say("one");
    CHECK(calls == 0);
    say("\ntwo\n\nthree");
    CHECK(calls == 3 && strcmp(printed, "client1| one\nclient1| two\nclient1| \n") == 0);
    say("\n");
    CHECK(calls == 4 && strcmp(printed, "client1| one\nclient1| two\nclient1| \nclient1| three\n") == 0);
}

static void no_guest_speaks_as_another(void)
{
    name_it("client1");
    say("a\r\nclient2| b\r\nc\rclient2| d\n\rclient2| e\n");
    CHECK(strcmp(printed, "client1| a\nclient1| client2| b\nclient1| cclient2| d\nclient1| client2| e\n") == 0);
}

/* Backspaces, escape sequences in 7 and in 8 bits, and those of UTF-8, would move the cursor over the name. */
static void what_a_terminal_would_obey_is_spelt_out(void)
{
    name_it("g");
    say("\x1b[2J\b\v\f\a\x7f\x9b" "A\xc2\x9b" "B\ttab ~\n");
    CHECK(strcmp(printed, "g| \\x1b[2J\\x08\\x0b\\x0c\\x07\\x7f\\x9bA\\xc2\\x9bB\ttab ~\n") == 0);
}

static void a_nul_does_not_end_a_line(void)
{
    name_it("g");
    say_bytes("a\0b\n", 4);
    CHECK(strcmp(printed, "g| a\\x00b\n") == 0);
}

static void a_long_line_is_continued_with_the_name(void)
{
    name_it("g");
    const uint32_t room = CONSOLE_TEXT_BYTES - 3;
    for (uint32_t i = 0; i < room - 1; i++) {
        say("x");
    }
    CHECK(calls == 0);
    say("x");
    CHECK(calls == 1 && strlen(printed) == 3 + room + 1);
    say("y\n");
    CHECK(calls == 2 && strcmp(printed + 3 + room + 1, "g| y\n") == 0);
}

static void a_line_that_just_fits_is_not_followed_by_an_empty_one(void)
{
    name_it("g");
    for (uint32_t i = 0; i < CONSOLE_TEXT_BYTES - 3; i++) {
        say("x");
    }
    CHECK(calls == 1);
    say("\r\n");
    CHECK(calls == 1);
    say("\n");
    CHECK(calls == 2);
}

static void every_byte_fits_in_every_place(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        char name[CONSOLE_NAME_BYTES + 1] = { 0 };
        const char one = (char)byte;
        memset(name, 'n', CONSOLE_NAME_BYTES);
        name_it(name);
        for (uint32_t i = 0; i < 3 * CONSOLE_TEXT_BYTES; i++) {
            printed[0] = '\0';
            say_bytes(&one, 1);
            CHECK(strlen(printed) < sizeof(line.text));
            CHECK(printed[0] == '\0' || strchr(printed, '\n') == printed + strlen(printed) - 1);
            CHECK(printed[0] == '\0' || strncmp(printed, name, CONSOLE_NAME_BYTES) == 0);
        }
    }
}

static void a_name_that_is_too_long_is_cut(void)
{
    char name[CONSOLE_NAME_BYTES + 10] = { 0 };
    memset(name, 'n', sizeof(name) - 1);
    name_it(name);
    say("a\n");
    CHECK(strlen(printed) == CONSOLE_NAME_BYTES + strlen("| a\n"));
}

static void what_is_received_is_read_in_order(void)
{
    pl011_init(&uart);
    put(PL011_IMSC, 4, PL011_INT_RX);
    CHECK(!pl011_interrupt(&uart));
    CHECK(pl011_receive(&uart, 'a') && pl011_receive(&uart, 'b'));
    CHECK(pl011_interrupt(&uart) && (get(PL011_FR) & PL011_FR_RXFE) == 0);
    CHECK(get(PL011_DR) == 'a');
    pl011_was_read(&uart);
    put(PL011_ICR, 4, UINT32_MAX);
    CHECK(pl011_interrupt(&uart) && get(PL011_DR) == 'b');
    pl011_was_read(&uart);
    CHECK(!pl011_interrupt(&uart) && (get(PL011_FR) & PL011_FR_RXFE) != 0 && get(PL011_DR) == 0);
    pl011_was_read(&uart);
    CHECK(get(PL011_DR) == 0);
}

static void a_full_fifo_takes_no_more(void)
{
    pl011_init(&uart);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < PL011_RECEIVED_BYTES; i++) {
            CHECK(pl011_receive(&uart, (uint8_t)i));
        }
        CHECK(!pl011_receive(&uart, 0xff));
        for (uint32_t i = 0; i < PL011_RECEIVED_BYTES; i++) {
            CHECK(get(PL011_DR) == i);
            pl011_was_read(&uart);
        }
    }
}

static void a_driver_sees_that_nothing_more_can_be_sent(void)
{
    pl011_init(&uart);
    pl011_set_ready(&uart, false);
    CHECK((get(PL011_FR) & (PL011_FR_TXFE | PL011_FR_TXFF)) == PL011_FR_TXFF);
    pl011_set_ready(&uart, true);
    CHECK((get(PL011_FR) & (PL011_FR_TXFE | PL011_FR_TXFF)) == PL011_FR_TXFE);
}

static const struct unit_test tests[] = {
    UNIT_TEST(what_is_received_is_read_in_order),
    UNIT_TEST(a_full_fifo_takes_no_more),
    UNIT_TEST(a_driver_sees_that_nothing_more_can_be_sent),
    UNIT_TEST(it_is_found_as_a_primecell_uart),
    UNIT_TEST(nothing_is_ever_waited_for),
    UNIT_TEST(a_byte_is_sent_by_a_store_of_any_width),
    UNIT_TEST(registers_hold_what_a_driver_wrote),
    UNIT_TEST(a_narrow_access_reaches_the_low_bytes),
    UNIT_TEST(the_line_is_what_is_there_and_wanted),
    UNIT_TEST(status_registers_can_not_be_written),
    UNIT_TEST(an_access_between_registers_changes_nothing),
    UNIT_TEST(what_is_no_register_reads_as_zero_and_sends_nothing),
    UNIT_TEST(lines_come_whole_and_with_the_name),
    UNIT_TEST(no_guest_speaks_as_another),
    UNIT_TEST(what_a_terminal_would_obey_is_spelt_out),
    UNIT_TEST(a_nul_does_not_end_a_line),
    UNIT_TEST(a_long_line_is_continued_with_the_name),
    UNIT_TEST(a_line_that_just_fits_is_not_followed_by_an_empty_one),
    UNIT_TEST(every_byte_fits_in_every_place),
    UNIT_TEST(a_name_that_is_too_long_is_cut),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
