/* SPDX-License-Identifier: BSD-2-Clause */
/* The UART driver on a UART that is played: FIFOs, interrupts, and a multiplexer that may lie. */
#include <sdfgen/mmio.h>
#include <sdfgen/uart.h>

#include "unit.h"

#define QUEUE_BYTES 64u
#define FIFO_BYTES 8u
#define REGISTERS 0x9000000u
#define LINE_BYTES 4096u

enum mock_register { DATA_IN = 0x00, DATA_OUT = 0x04, STATE = 0x08, ENABLE = 0x0c, END = 0x10, CONTROL = 0x14 };
enum mock_bit { EMPTY = 1, FULL = 2, ON_ROOM = 4, ON_BYTE = 8, OTHER = 16 };

struct wire {
    struct sddf_serial_queue indices;
    uint8_t data[QUEUE_BYTES];
};

static struct {
    uint8_t received[LINE_BYTES];
    uint32_t received_bytes;
    uint32_t taken_bytes;
    char line[LINE_BYTES];
    uint32_t line_bytes;
    uint32_t in_fifo;
    uint32_t enabled;
    uint32_t control;
    uint32_t acknowledged;
} hardware;

static struct wire tx;
static struct wire rx;
static struct serial_writer writer;
static struct serial_reader reader;
static struct uart uart;

uint32_t mmio_load_u32(uintptr_t vaddr)
{
    switch ((enum mock_register)(vaddr - REGISTERS)) {
    case DATA_IN:
        CHECK(hardware.taken_bytes < hardware.received_bytes);
        return 0xf00u | hardware.received[hardware.taken_bytes++];
    case STATE:
        return (hardware.taken_bytes == hardware.received_bytes ? EMPTY : 0) |
               (hardware.in_fifo == FIFO_BYTES ? FULL : 0) | OTHER;
    case ENABLE:
        return hardware.enabled;
    case CONTROL:
        return hardware.control;
    default:
        CHECK(vaddr == REGISTERS + STATE); /* no other can be read */
        return 0;
    }
}

void mmio_store_u32(uintptr_t vaddr, uint32_t value)
{
    switch ((enum mock_register)(vaddr - REGISTERS)) {
    case DATA_OUT:
        CHECK(hardware.in_fifo < FIFO_BYTES && value <= UINT8_MAX);
        hardware.line[hardware.line_bytes++] = (char)value;
        hardware.in_fifo++;
        break;
    case ENABLE:
        hardware.enabled = value;
        break;
    case END:
        hardware.acknowledged = value;
        break;
    case CONTROL:
        hardware.control = value;
        break;
    default:
        CHECK(vaddr == REGISTERS + DATA_OUT); /* no other can be written */
    }
}

static struct console_queue queue_of(struct wire *wire)
{
    memset(wire, 0, sizeof(*wire));
    return (struct console_queue) { (uintptr_t)&wire->indices, (uintptr_t)wire->data, QUEUE_BYTES };
}

static void start(void)
{
    static const struct uart_store setup[] = { { CONTROL, UINT32_MAX, 0x70 }, { CONTROL, 0x10, 0x301 } };
    static struct uart_config config;
    memset(&hardware, 0, sizeof(hardware));
    hardware.enabled = ON_ROOM | OTHER;
    hardware.control = 0xdead0000;
    config = (struct uart_config) {
        .registers_vaddr = REGISTERS,
        .mux = { queue_of(&tx), queue_of(&rx), 1 },
        .facts = { DATA_IN, DATA_OUT, STATE, EMPTY, FULL, ENABLE, ON_ROOM, ON_BYTE, true, END, setup, 2 },
    };
    serial_writer_init(&writer, &config.mux.tx);
    serial_reader_init(&reader, &config.mux.rx);
    uart_init(&uart, &config);
}

static void put(const char *text)
{
    for (; *text != '\0'; text++) {
        serial_put(&writer, (uint8_t)*text);
    }
    serial_publish(&writer);
}

static void arrive(uint32_t count)
{
    for (; count > 0; count--) {
        hardware.received[hardware.received_bytes] = (uint8_t)('a' + hardware.received_bytes % 26);
        hardware.received_bytes++;
    }
}

static void it_is_set_up_as_the_table_says(void)
{
    start();
    CHECK(hardware.control == 0x361);
    CHECK(hardware.enabled == (ON_BYTE | OTHER));
}

static void what_is_queued_is_sent(void)
{
    start();
    put("hello");
    (void)uart_step(&uart);
    CHECK(hardware.line_bytes == 5 && memcmp(hardware.line, "hello", 5) == 0);
    CHECK((hardware.enabled & ON_ROOM) == 0);
    CHECK(hardware.acknowledged == UINT32_MAX);
}

static void what_does_not_fit_waits_for_an_interrupt(void)
{
    start();
    put("0123456789abcdef!");
    (void)uart_step(&uart);
    CHECK(hardware.line_bytes == FIFO_BYTES);
    CHECK((hardware.enabled & ON_ROOM) != 0);
    for (uint32_t i = 0; i < 3; i++) {
        hardware.in_fifo = 0;
        (void)uart_step(&uart);
    }
    CHECK(hardware.line_bytes == 17 && memcmp(hardware.line, "0123456789abcdef!", 17) == 0);
    CHECK((hardware.enabled & ON_ROOM) == 0);
}

static void who_waits_for_room_is_notified(void)
{
    start();
    put("x");
    CHECK(!uart_step(&uart));
    serial_ask_for_room(&writer);
    put("x");
    CHECK(uart_step(&uart));
    put("x");
    CHECK(!uart_step(&uart));
}

static void what_is_received_is_queued(void)
{
    start();
    arrive(3);
    CHECK(uart_step(&uart));
    CHECK(serial_filled(&reader) == 3);
    CHECK(serial_take(&reader) == 'a' && serial_take(&reader) == 'b' && serial_take(&reader) == 'c');
    CHECK(!uart_step(&uart));
}

static void what_nobody_has_room_for_is_counted(void)
{
    start();
    arrive(QUEUE_BYTES);
    CHECK(uart_step(&uart));
    arrive(5);
    CHECK(!uart_step(&uart));
    CHECK(serial_filled(&reader) == QUEUE_BYTES && uart.lost_bytes == 5);
}

static void a_step_takes_no_more_than_a_queue(void)
{
    start();
    arrive(QUEUE_BYTES + 9);
    (void)uart_step(&uart);
    CHECK(hardware.taken_bytes == QUEUE_BYTES);
}

static void indices_that_are_a_lie_are_not_looked_at(void)
{
    start();
    tx.indices.tail = QUEUE_BYTES + 1;
    rx.indices.head = 1;
    arrive(2);
    CHECK(!uart_step(&uart));
    CHECK(uart.output.broken && uart.input.broken);
    CHECK(hardware.line_bytes == 0 && uart.lost_bytes == 2);
}

static const struct unit_test tests[] = {
    UNIT_TEST(it_is_set_up_as_the_table_says),
    UNIT_TEST(what_is_queued_is_sent),
    UNIT_TEST(what_does_not_fit_waits_for_an_interrupt),
    UNIT_TEST(who_waits_for_room_is_notified),
    UNIT_TEST(what_is_received_is_queued),
    UNIT_TEST(what_nobody_has_room_for_is_counted),
    UNIT_TEST(a_step_takes_no_more_than_a_queue),
    UNIT_TEST(indices_that_are_a_lie_are_not_looked_at),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
