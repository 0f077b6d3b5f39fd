/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-console between a driver's two rings and two serial queues. */
#include <sdfgen/virtio_console.h>

#include "driver_side.h"

#define QUEUE_BYTES 512u
#define RING 8u
#define SECOND_RING (R0 + 0x6000u)

struct wire {
    struct sddf_serial_queue indices;
    uint8_t data[QUEUE_BYTES];
};

static uint8_t low[RAM_BYTES];
static uint8_t high[RAM_BYTES];
static struct driver sending;
static struct driver receiving;
static struct wire out;
static struct wire in;
static struct serial_writer device_out;
static struct serial_reader device_in;
static struct serial_reader far_out;
static struct serial_writer far_in;
static struct virtio_console device;

static struct console_queue queue_of(struct wire *wire)
{
    memset(wire, 0, sizeof(*wire));
    return (struct console_queue) { (uintptr_t)&wire->indices, (uintptr_t)wire->data, QUEUE_BYTES };
}

static void start_without(uint64_t without)
{
    const struct console_queue out_queue = queue_of(&out);
    const struct console_queue in_queue = queue_of(&in);
    driver_init(&sending, low, high, RAM_BYTES, RING);
    receiving = sending;
    receiving.geometry = (struct virtq_geometry) { RING, SECOND_RING, SECOND_RING + 0x400, SECOND_RING + 0x800, 0 };
    serial_writer_init(&device_out, &out_queue);
    serial_reader_init(&device_in, &in_queue);
    serial_reader_init(&far_out, &out_queue);
    serial_writer_init(&far_in, &in_queue);
    virtio_console_init(&device, &sending.ram, &device_out, &device_in);
    virtio_console_ops.reset(&device);
    virtio_console_ops.set_features(&device, virtio_console_ops.features(&device) & ~without);
    CHECK(virtio_console_ops.start_queue(&device, VIRTIO_CONSOLE_RECEIVE, &receiving.geometry) == VIRTQ_OK);
    CHECK(virtio_console_ops.start_queue(&device, VIRTIO_CONSOLE_TRANSMIT, &sending.geometry) == VIRTQ_OK);
    virtio_console_ops.driver_ok(&device);
}

static void start(void)
{
    start_without(0);
}

static struct virtio_effects step(void)
{
    return virtio_console_ops.step(&device);
}

static void offer_text(uint16_t head, uint64_t gpa, const char *text)
{
    const struct virtq_desc desc = { gpa, (uint32_t)strlen(text), 0, 0 };
    driver_write(&sending, gpa, text, strlen(text));
    driver_chain(&sending, head, &desc, 1);
    driver_submit(&sending, head);
}

static void offer_buffer(uint16_t head, uint64_t gpa, uint32_t size_bytes)
{
    const struct virtq_desc desc = { gpa, size_bytes, WRITE, 0 };
    driver_chain(&receiving, head, &desc, 1);
    driver_submit(&receiving, head);
}

/* All that came out so far. */
static const char *came_out(void)
{
    static char text[QUEUE_BYTES + 1];
    uint32_t count = 0;
    for (uint32_t filled = serial_filled(&far_out); filled > 0; filled--) {
        text[count++] = (char)serial_take(&far_out);
    }
    text[count] = '\0';
    return text;
}

static void type(const char *text)
{
    for (; *text != '\0'; text++) {
        serial_put(&far_in, (uint8_t)*text);
    }
    serial_publish(&far_in);
}

static void a_line_comes_out_and_its_buffer_is_used(void)
{
    start();
    offer_text(0, DATA, "hello\n");
    CHECK(step().notify);
    CHECK(strcmp(came_out(), "hello\n") == 0);
    CHECK(driver_used_count(&sending) == 1 && driver_used_nth(&sending, 0).id == 0);
    CHECK(!step().notify);
}

static void a_chain_of_several_descriptors_is_one_stream(void)
{
    start();
    const struct virtq_desc descs[] = { { DATA, 2, NEXT, 1 }, { R1 - 3, 6, NEXT, 2 }, { DATA + 8, 1, 0, 0 } };
    driver_write(&sending, DATA, "ab", 2);
    driver_write(&sending, R1 - 3, "cdefgh", 6);
    driver_write(&sending, DATA + 8, "i", 1);
    driver_chain(&sending, 0, descs, 3);
    driver_submit(&sending, 0);
    (void)step();
    CHECK(strcmp(came_out(), "abcdefghi") == 0);
}

static void what_does_not_fit_waits_for_room(void)
{
    static char text[QUEUE_BYTES + 100 + 1];
    memset(text, 'x', sizeof(text) - 1);
    start();
    offer_text(0, DATA, text);
    CHECK(step().notify);
    CHECK(driver_used_count(&sending) == 0);
    CHECK(out.indices.producer_signalled == 0);
    CHECK(strlen(came_out()) == QUEUE_BYTES);
    CHECK(serial_release(&far_out));
    CHECK(step().notify);
    CHECK(strlen(came_out()) == 100);
    CHECK(driver_used_count(&sending) == 1);
}

static void no_interrupt_for_who_has_seen_the_buffer_used(void)
{
    start();
    offer_text(0, DATA, "hello\n");
    CHECK(!step().used_interrupt);
    CHECK(virtio_console_owes(&device));
    driver_used_event(&sending, 1); /* as Linux does when it has taken the buffer back */
    CHECK(!virtio_console_owes(&device));
    CHECK(!step().used_interrupt);
}

static void an_interrupt_for_who_waits_for_it(void)
{
    start();
    offer_text(0, DATA, "hello\n");
    CHECK(!step().used_interrupt);
    CHECK(virtio_console_owes(&device));
    CHECK(step().used_interrupt);
    CHECK(!virtio_console_owes(&device) && !step().used_interrupt);
}

static void without_event_idx_the_interrupt_comes_at_once(void)
{
    start_without(UINT64_C(1) << VIRTIO_F_EVENT_IDX);
    offer_text(0, DATA, "hello\n");
    CHECK(step().used_interrupt);
    CHECK(!virtio_console_owes(&device));
}

static void what_is_typed_goes_into_a_buffer(void)
{
    start();
    offer_buffer(0, DATA, 16);
    (void)step();
    type("ls\r");
    CHECK(step().used_interrupt);
    const struct driver_used used = driver_used_nth(&receiving, 0);
    CHECK(used.id == 0 && used.len == 3);
    CHECK(memcmp(driver_at(&receiving, DATA), "ls\r", 3) == 0);
}

static void what_is_typed_waits_for_a_buffer(void)
{
    start();
    type("0123456789");
    (void)step();
    offer_buffer(0, DATA, 4);
    offer_buffer(1, DATA + 4, 4);
    (void)step();
    offer_buffer(2, DATA + 8, 4);
    (void)step();
    CHECK(driver_used_count(&receiving) == 3 && driver_used_nth(&receiving, 2).len == 2);
    CHECK(memcmp(driver_at(&receiving, DATA), "0123456789", 10) == 0);
}

static void a_buffer_that_is_no_ram_loses_nothing(void)
{
    start();
    offer_buffer(0, END + 0x1000, 16);
    offer_buffer(1, DATA, 16);
    type("x");
    (void)step();
    CHECK(driver_used_nth(&receiving, 0).len == 0);
    CHECK(driver_used_nth(&receiving, 1).len == 1 && *driver_at(&receiving, DATA) == 'x');
}

static void text_that_is_no_ram_is_returned(void)
{
    start();
    const struct virtq_desc desc = { END + 0x1000, 16, 0, 0 };
    driver_chain(&sending, 0, &desc, 1);
    driver_submit(&sending, 0);
    (void)step();
    CHECK(strcmp(came_out(), "") == 0 && driver_used_count(&sending) == 1);
}

static void a_broken_ring_is_told_once(void)
{
    start();
    driver_put_u16(&sending, sending.geometry.avail_gpa + 2, 1000);
    CHECK(step().config_interrupt);
    CHECK(virtio_console_ops.needs_reset(&device));
    CHECK(!step().config_interrupt);
}

static void nothing_is_taken_before_driver_ok(void)
{
    start();
    virtio_console_ops.reset(&device);
    CHECK(virtio_console_ops.start_queue(&device, VIRTIO_CONSOLE_TRANSMIT, &sending.geometry) == VIRTQ_OK);
    offer_text(0, DATA, "early");
    CHECK(!step().notify && strcmp(came_out(), "") == 0);
    CHECK(!virtio_console_listens(&device));
}

static void a_reset_lets_go_of_a_chain_that_waited(void)
{
    static char text[QUEUE_BYTES + 10 + 1];
    memset(text, 'x', sizeof(text) - 1);
    start();
    offer_text(0, DATA, text);
    (void)step();
    virtio_console_ops.reset(&device);
    memset(low, 0xff, sizeof(low));
    (void)came_out();
    (void)serial_release(&far_out);
    CHECK(!step().notify && strcmp(came_out(), "") == 0);
    memset(low, 0, sizeof(low));
    driver_ring(&sending, RING, 0);
    CHECK(virtio_console_ops.start_queue(&device, VIRTIO_CONSOLE_TRANSMIT, &sending.geometry) == VIRTQ_OK);
    virtio_console_ops.driver_ok(&device);
    offer_text(3, DATA, "new");
    (void)step();
    CHECK(strcmp(came_out(), "new") == 0 && driver_used_nth(&sending, 0).id == 3);
}

/* Whoever keeps the rules can't have more before these are used: who has, is served in another step. */
static void a_full_ring_is_one_step(void)
{
    start();
    for (uint16_t i = 0; i < RING; i++) {
        offer_text(i, DATA + 64u * i, "x\n");
    }
    CHECK(step().again);
    CHECK(driver_used_count(&sending) == RING && strlen(came_out()) == 2 * RING);
    CHECK(!step().again);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_line_comes_out_and_its_buffer_is_used),
    UNIT_TEST(a_chain_of_several_descriptors_is_one_stream),
    UNIT_TEST(what_does_not_fit_waits_for_room),
    UNIT_TEST(no_interrupt_for_who_has_seen_the_buffer_used),
    UNIT_TEST(an_interrupt_for_who_waits_for_it),
    UNIT_TEST(without_event_idx_the_interrupt_comes_at_once),
    UNIT_TEST(what_is_typed_goes_into_a_buffer),
    UNIT_TEST(what_is_typed_waits_for_a_buffer),
    UNIT_TEST(a_buffer_that_is_no_ram_loses_nothing),
    UNIT_TEST(text_that_is_no_ram_is_returned),
    UNIT_TEST(a_broken_ring_is_told_once),
    UNIT_TEST(nothing_is_taken_before_driver_ok),
    UNIT_TEST(a_reset_lets_go_of_a_chain_that_waited),
    UNIT_TEST(a_full_ring_is_one_step),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
