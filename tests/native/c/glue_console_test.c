/* SPDX-License-Identifier: BSD-2-Clause */
/* A VMM with a console, run against glue_libvmm.c with its generated table: both devices on one pair of queues. */
#include <sdfgen/pd_say.h>
#include <sdfgen/pl011.h>
#include <sdfgen/vmm_config.h>
#include <sdfgen/vmm_console_pl011.h>
#include <sdfgen/vmm_virtio_console.h>

#include "driver_side.h"
#include "glue_fake.h"

#define UART (&vmm_config.devices[0])
#define HVC (&vmm_config.devices[1])
#define MUX HVC->channel
#define PAGE_BYTES 4096u
#define RING 8u
#define SECOND_RING (R0 + 0x6000u)
#define LINE_BYTES 1000u
#define BURST_TICKS (11 * FAKE_TICKS_IN_MS)

static struct serial_reader out;
static struct serial_reader said;
static struct serial_writer in;
static struct driver drivers[VIRTIO_CONSOLE_QUEUES];
static const uint32_t *page;
static uint32_t exits; /* stores of the guest's to hvc's registers */

static void boot(void)
{
    const struct vmm_virtio_console_config *config = HVC->config;
    const struct vmm_console_config *console = &config->console;
    const struct console_connection *connection = &console->connection;
    fake_map(vmm_config.guest.ram_vaddr, vmm_config.guest.ram_size_bytes);
    fake_map(vmm_config.guest.timer.page_vaddr, PAGE_BYTES);
    page = fake_map(config->registers_vaddr, PAGE_BYTES);
    fake_map(connection->tx.indices_vaddr,
             PAGE_BYTES + connection->tx.size_bytes + connection->rx.size_bytes + console->said.size_bytes);
    init();
    CHECK(strstr(fake.log, "guest_start") != NULL);
    serial_reader_init(&out, &connection->tx);
    serial_reader_init(&said, &console->said);
    serial_writer_init(&in, &connection->rx);
}

static const char *came(struct serial_reader *reader)
{
    static char text[PAGE_BYTES * 4];
    uint32_t count = 0;
    for (uint32_t filled = serial_filled(reader); filled > 0; filled--) {
        text[count++] = (char)serial_take(reader);
    }
    (void)serial_release(reader);
    text[count] = '\0';
    return text;
}

static void type(const char *text)
{
    for (; *text != '\0'; text++) {
        serial_put(&in, (uint8_t)*text);
    }
    serial_publish(&in);
    notified(MUX);
}

static void set(uint64_t offset, uint32_t value)
{
    exits++;
    CHECK(guest_store(HVC->gpa + offset, 4, value));
}

static void set_address(uint64_t offset, uint64_t gpa)
{
    set(offset, (uint32_t)gpa);
    set(offset + 4, (uint32_t)(gpa >> 32));
}

static void start_queue(uint32_t queue)
{
    const struct virtq_geometry *geometry = &drivers[queue].geometry;
    set(VIRTIO_MMIO_QUEUE_SEL, queue);
    set(VIRTIO_MMIO_QUEUE_NUM, geometry->size);
    set_address(VIRTIO_MMIO_QUEUE_DESC_LOW, geometry->desc_gpa);
    set_address(VIRTIO_MMIO_QUEUE_DRIVER_LOW, geometry->avail_gpa);
    set_address(VIRTIO_MMIO_QUEUE_DEVICE_LOW, geometry->used_gpa);
    set(VIRTIO_MMIO_QUEUE_READY, 1);
}

/* What Linux does up to DRIVER_OK. */
static void start_driver(void)
{
    uint8_t *ram = (uint8_t *)vmm_config.guest.ram_vaddr;
    for (uint32_t queue = 0; queue < VIRTIO_CONSOLE_QUEUES; queue++) {
        const uint64_t base = queue == 0 ? SECOND_RING : R0;
        drivers[queue] = (struct driver) { .memory = { ram, ram + RAM_BYTES }, .region_bytes = RAM_BYTES };
        drivers[queue].geometry = (struct virtq_geometry) { RING, base, base + 0x400, base + 0x800, 0 };
    }
    set(VIRTIO_MMIO_STATUS, 3);
    for (uint32_t half = 0; half < 2; half++) {
        set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
        set(VIRTIO_MMIO_DRIVER_FEATURES, half == 1 ? 1 : 1u << VIRTIO_F_EVENT_IDX | 1u << VIRTIO_F_INDIRECT_DESC);
    }
    set(VIRTIO_MMIO_STATUS, 11);
    start_queue(VIRTIO_CONSOLE_RECEIVE);
    start_queue(VIRTIO_CONSOLE_TRANSMIT);
    set(VIRTIO_MMIO_STATUS, 15);
    CHECK(page[VIRTIO_MMIO_STATUS / 4] == 15);
}

static void run(void)
{
    boot();
    CHECK(guest_enable(HVC->intid) && guest_enable(UART->intid));
    start_driver();
}

/* Linux's put_chars(): it kicks, and looks at the ring until its buffer is there, which it then takes back. */
static void write_line(const char *text)
{
    struct driver *driver = &drivers[VIRTIO_CONSOLE_TRANSMIT];
    const uint16_t before = driver_used_idx(driver);
    const struct virtq_desc desc = { DATA, (uint32_t)strlen(text), 0, 0 };
    driver_write(driver, DATA, text, strlen(text));
    driver_chain(driver, 0, &desc, 1);
    driver_submit(driver, 0);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, VIRTIO_CONSOLE_TRANSMIT);
    CHECK(driver_used_idx(driver) == (uint16_t)(before + 1));
    driver_used_event(driver, driver_used_idx(driver));
}

static void offer_buffer(uint16_t head)
{
    struct driver *driver = &drivers[VIRTIO_CONSOLE_RECEIVE];
    const struct virtq_desc desc = { DATA + 0x800u + 64u * head, 64, WRITE, 0 };
    driver_chain(driver, head, &desc, 1);
    driver_submit(driver, head);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, VIRTIO_CONSOLE_RECEIVE);
}

/* The promise: fewer than three exits for a line, whatever its length. The guest's tick is the next exit. */
static void a_line_costs_one_exit(void)
{
    static char text[LINE_BYTES + 1];
    memset(text, 'x', LINE_BYTES);
    run();
    exits = 0;
    const uint32_t told = fake.notified_count[MUX];
    for (uint32_t line = 0; line < 3; line++) {
        write_line(text);
        CHECK(guest_waits_for_event());
        CHECK(strcmp(came(&out), text) == 0);
    }
    CHECK(exits == 3 && fake_injected(HVC->intid) == 0);
    CHECK(fake.notified_count[MUX] == told + 3);
}

static void who_waits_for_the_interrupt_gets_it_at_the_next_exit(void)
{
    run();
    write_line("x");
    driver_used_event(&drivers[VIRTIO_CONSOLE_TRANSMIT], 0);
    CHECK(fake_injected(HVC->intid) == 0);
    CHECK(guest_waits_for_event());
    CHECK(fake_injected(HVC->intid) == 1);
}

static void what_is_typed_is_hvcs(void)
{
    run();
    offer_buffer(0);
    type("ls\r");
    CHECK(fake_held(HVC->intid) && fake_injected(UART->intid) == 0);
    CHECK(driver_used_nth(&drivers[VIRTIO_CONSOLE_RECEIVE], 0).len == 3);
    CHECK(memcmp(driver_at(&drivers[VIRTIO_CONSOLE_RECEIVE], DATA + 0x800u), "ls\r", 3) == 0);
}

static void before_hvc_it_is_the_uarts(void)
{
    uint64_t value = 0;
    boot();
    CHECK(guest_enable(UART->intid));
    CHECK(guest_store(UART->gpa + PL011_IMSC, 4, PL011_INT_RX));
    type("ab");
    CHECK(fake_held(UART->intid));
    CHECK(guest_load(UART->gpa + PL011_DR, 4, &value) && value == 'a');
    CHECK(guest_load(UART->gpa + PL011_DR, 4, &value) && value == 'b');
    CHECK(guest_load(UART->gpa + PL011_FR, 4, &value) && (value & PL011_FR_RXFE) != 0);
}

static void a_uarts_line_is_told_when_it_ends(void)
{
    boot();
    const uint32_t told = fake.notified_count[MUX];
    for (const char *text = "early"; *text != '\0'; text++) {
        CHECK(guest_store(UART->gpa + PL011_DR, 1, (uint8_t)*text));
    }
    CHECK(fake.notified_count[MUX] == told);
    CHECK(guest_store(UART->gpa + PL011_DR, 1, '\n'));
    CHECK(fake.notified_count[MUX] == told + 1 && strcmp(came(&out), "early\n") == 0);
    CHECK(guest_store(UART->gpa + PL011_DR, 1, '>'));
    CHECK(guest_rests());
    CHECK(strcmp(came(&out), ">") == 0);
}

static void a_uart_without_room_is_full(void)
{
    const struct vmm_virtio_console_config *config = HVC->config;
    uint64_t value = 0;
    boot();
    for (uint32_t i = 0; i < config->console.connection.tx.size_bytes; i++) {
        CHECK(guest_load(UART->gpa + PL011_FR, 4, &value) && (value & PL011_FR_TXFF) == 0);
        CHECK(guest_store(UART->gpa + PL011_DR, 1, 'x'));
    }
    CHECK(guest_load(UART->gpa + PL011_FR, 4, &value) && (value & PL011_FR_TXFF) != 0);
    CHECK(guest_store(UART->gpa + PL011_DR, 1, 'y'));
    CHECK(strlen(came(&out)) == config->console.connection.tx.size_bytes);
}

static void the_vmm_says_things_behind_its_own_name(void)
{
    boot();
    pd_say("the guest starts again", NULL);
    CHECK(strcmp(came(&said), "the guest starts again\n") == 0);
    CHECK(strcmp(came(&out), "") == 0 && fake.console[0] == '\0');
}

static void the_device_is_reset_with_its_guest(void)
{
    run();
    CHECK(!guest_calls(0x84000009u)); /* PSCI: SYSTEM_RESET */
    const struct vmm_virtio_console *state = HVC->state;
    CHECK(!virtio_console_listens(&state->device) && !state->console->virtio);
    CHECK(strstr(came(&said), "the guest starts again\n") != NULL);
}

/* How often the guest may do something for which its VMM takes some time, before others go first. */
static uint32_t times_until_it_stands_below(void (*act)(void))
{
    uint32_t times = 0;
    for (; times < 1000 && fake.vcpus[0].below == 0; times++) {
        fake.look_ticks = BURST_TICKS / 64;
        act();
        fake.look_ticks = 0;
        (void)came(&out);
    }
    return times;
}

static void acknowledge(void)
{
    set(VIRTIO_MMIO_INTERRUPT_ACK, 0);
}

static void write_to_hvc(void)
{
    write_line("spam\n");
}

static void write_to_the_uart(void)
{
    CHECK(guest_store(UART->gpa + PL011_DR, 1, '\n'));
}

static void load_from_the_uart(void)
{
    uint64_t value = 0;
    CHECK(guest_load(UART->gpa + PL011_FR, 4, &value));
}

static void what_asks_nothing_of_others_counts_once(void)
{
    run();
    const uint32_t times = times_until_it_stands_below(acknowledge);
    CHECK(times >= 15 && times <= 40);
}

static void a_load_from_the_uart_counts_once(void)
{
    run();
    const uint32_t times = times_until_it_stands_below(load_from_the_uart);
    CHECK(times >= 15 && times <= 40);
}

static void what_others_do_for_a_line_is_charged_too(void)
{
    run();
    const uint32_t times = times_until_it_stands_below(write_to_hvc);
    CHECK(times >= 2 && times <= 8);
}

static void what_others_do_for_a_line_of_the_uart_is_charged_too(void)
{
    run();
    const uint32_t times = times_until_it_stands_below(write_to_the_uart);
    CHECK(times >= 2 && times <= 8);
}

/* It is typed by somebody else. */
static void input_is_not_charged_so(void)
{
    run();
    offer_buffer(0);
    fake.look_ticks = BURST_TICKS / 64;
    for (uint32_t i = 0; i < 9; i++) {
        type("x");
    }
    fake.look_ticks = 0;
    CHECK(fake.vcpus[0].below == 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_line_costs_one_exit),
    UNIT_TEST(who_waits_for_the_interrupt_gets_it_at_the_next_exit),
    UNIT_TEST(what_is_typed_is_hvcs),
    UNIT_TEST(before_hvc_it_is_the_uarts),
    UNIT_TEST(a_uarts_line_is_told_when_it_ends),
    UNIT_TEST(a_uart_without_room_is_full),
    UNIT_TEST(the_vmm_says_things_behind_its_own_name),
    UNIT_TEST(the_device_is_reset_with_its_guest),
    UNIT_TEST(what_asks_nothing_of_others_counts_once),
    UNIT_TEST(a_load_from_the_uart_counts_once),
    UNIT_TEST(what_others_do_for_a_line_is_charged_too),
    UNIT_TEST(what_others_do_for_a_line_of_the_uart_is_charged_too),
    UNIT_TEST(input_is_not_charged_so),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
