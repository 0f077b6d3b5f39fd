/* SPDX-License-Identifier: BSD-2-Clause */
/* The available and the used ring, and the chains between them. */
#include "driver_side.h"
#include "virtq_tests.h"

_Alignas(4096) static uint8_t low[RAM_BYTES];
_Alignas(4096) static uint8_t high[RAM_BYTES];
static struct driver driver;
static struct virtq queue;
static struct virtq_chain chain;

static void start(uint32_t size, uint16_t index, bool event_idx)
{
    driver_init(&driver, low, high, RAM_BYTES, size);
    driver_ring(&driver, size, index);
    CHECK(virtq_start(&queue, &driver.ram, &driver.geometry, event_idx, true) == VIRTQ_OK);
}

static enum virtq_popped pop(void)
{
    return virtq_pop(&queue, &driver.ram, &chain);
}

/* ---- The rings ---- */

static const struct virtq_desc one_byte[] = { { STATUS, 1, WRITE, 0 } };

static void a_ring_of_one_goes_around(void)
{
    start(1, 0xfff0, false);
    driver_chain(&driver, 0, one_byte, 1);
    for (uint32_t i = 0; i < 40; i++) {
        CHECK(pop() == VIRTQ_EMPTY);
        driver_submit(&driver, 0);
        CHECK(pop() == VIRTQ_CHAIN && chain.head == 0 && chain.writable_bytes == 1);
        virtq_push(&queue, 0, i);
        CHECK(driver_used_count(&driver) == i);
        CHECK(virtq_publish(&queue));
        CHECK(driver_used_count(&driver) == i + 1 && driver_used_nth(&driver, (uint16_t)i).len == i);
    }
}

static void the_largest_ring_holds_as_many_chains(void)
{
    start(VIRTQ_MAX_SIZE, 0xff80, false);
    for (uint32_t i = 0; i < VIRTQ_MAX_SIZE; i++) {
        driver_chain(&driver, i, one_byte, 1);
        driver_offer(&driver, (uint16_t)(i ^ 0x55));
    }
    driver_publish(&driver);
    for (uint32_t i = 0; i < VIRTQ_MAX_SIZE; i++) {
        CHECK(pop() == VIRTQ_CHAIN && chain.head == (i ^ 0x55));
    }
    CHECK(pop() == VIRTQ_EMPTY && queue.in_flight_count == VIRTQ_MAX_SIZE);
    for (uint32_t i = VIRTQ_MAX_SIZE; i-- > 0;) {
        virtq_push(&queue, (uint16_t)i, i);
    }
    CHECK(driver_used_count(&driver) == 0 && virtq_publish(&queue));
    CHECK(driver_used_count(&driver) == VIRTQ_MAX_SIZE && queue.in_flight_count == 0);
    for (uint32_t i = 0; i < VIRTQ_MAX_SIZE; i++) {
        CHECK(driver_used_nth(&driver, (uint16_t)i).id == VIRTQ_MAX_SIZE - 1 - i);
    }
}

static void heads_that_are_not_in_flight_are_not_returned(void)
{
    start(8, 0, false);
    driver_chain(&driver, 0, one_byte, 1);
    driver_submit(&driver, 0);
    CHECK(pop() == VIRTQ_CHAIN);
    virtq_push(&queue, 1, 1);
    virtq_push(&queue, 8, 1);
    virtq_push(&queue, 0xffff, 1);
    CHECK(!virtq_publish(&queue));
    virtq_push(&queue, 0, 1);
    virtq_push(&queue, 0, 1);
    CHECK(virtq_publish(&queue) && !virtq_publish(&queue) && driver_used_count(&driver) == 1);
}

static void a_stopped_queue_touches_nothing(void)
{
    static uint8_t before[0x1000];
    start(8, 0, false);
    driver_chain(&driver, 0, one_byte, 1);
    driver_submit(&driver, 0);
    CHECK(pop() == VIRTQ_CHAIN);
    memcpy(before, low, sizeof(before));
    virtq_stop(&queue);
    virtq_push(&queue, 0, 1);
    CHECK(!virtq_publish(&queue) && !virtq_enable_kicks(&queue) && pop() == VIRTQ_EMPTY);
    virtq_disable_kicks(&queue);
    CHECK(memcmp(before, low, sizeof(before)) == 0);
}

static void broken_is_for_ever(void)
{
    start(8, 0, false);
    driver_chain(&driver, 0, one_byte, 1);
    driver_submit(&driver, 8);
    CHECK(pop() == VIRTQ_BROKEN);
    driver_submit(&driver, 0);
    CHECK(pop() == VIRTQ_BROKEN && queue.broken);
    start(8, 0, false);
    driver_chain(&driver, 0, one_byte, 1);
    driver_submit(&driver, 0);
    CHECK(pop() == VIRTQ_CHAIN);
}

/* Every window of used entries against every event, around the wrap: interrupted iff the event is among them. */
static void the_interrupt_is_for_the_window_that_holds_the_event(void)
{
    for (uint32_t base = 0xfff0; base <= 0x10010; base++) {
        for (uint32_t count = 1; count <= 8; count++) {
            for (uint32_t event = base - 4; event < base + 12; event++) {
                start(8, (uint16_t)base, true);
                driver_used_event(&driver, (uint16_t)event);
                for (uint16_t i = 0; i < count; i++) {
                    driver_chain(&driver, i, one_byte, 1);
                    driver_submit(&driver, i);
                    CHECK(pop() == VIRTQ_CHAIN);
                    virtq_push(&queue, i, 1);
                }
                CHECK(virtq_publish(&queue) == (event >= base && event < base + count));
                CHECK(!virtq_publish(&queue));
            }
        }
    }
}

/* ---- Chains ---- */

static void an_indirect_chain_as_long_as_promised(void)
{
    for (uint32_t count = VIRTQ_MAX_CHAIN - 1; count <= VIRTQ_MAX_CHAIN + 1; count++) {
        start(8, 0, false);
        for (uint32_t i = 0; i < count; i++) {
            struct virtq_desc desc = { R1 + i, 1, i + 1 < count ? NEXT : 0, (uint16_t)(i + 1) };
            driver_write(&driver, TABLE + 16u * i, &desc, sizeof(desc));
        }
        const struct virtq_desc indirect = { TABLE, 16 * count, INDIRECT, 0 };
        driver_chain(&driver, 3, &indirect, 1);
        driver_submit(&driver, 3);
        CHECK(pop() == (count <= VIRTQ_MAX_CHAIN ? VIRTQ_CHAIN : VIRTQ_DROPPED));
        CHECK(count > VIRTQ_MAX_CHAIN || (chain.readable_bytes == count && chain.segment_count == count));
    }
}

static void a_chain_over_a_whole_ring(void)
{
    start(VIRTQ_MAX_SIZE, 0, false);
    for (uint32_t i = 0; i < VIRTQ_MAX_SIZE; i++) {
        struct virtq_desc desc = { R1 - 1, 2, i != 0 ? NEXT : 0, (uint16_t)(i - 1) };
        driver_chain(&driver, i, &desc, 1);
    }
    driver_submit(&driver, VIRTQ_MAX_SIZE - 1);
    enum virtq_popped popped = pop();
    /* Each of them is cut by a border; that many cuts are more than there is room for. */
    CHECK(popped == VIRTQ_DROPPED);
    CHECK(virtq_publish(&queue) && driver_used_nth(&driver, 0).len == 0);
    for (uint32_t i = GUEST_RAM_MAX_REGIONS; i < VIRTQ_MAX_SIZE; i++) {
        struct virtq_desc desc = { R1, 1, NEXT, (uint16_t)(i - 1) };
        driver_chain(&driver, i, &desc, 1);
    }
    driver_submit(&driver, VIRTQ_MAX_SIZE - 1);
    CHECK(pop() == VIRTQ_CHAIN && chain.segment_count == VIRTQ_MAX_SEGMENTS);
}

/* With RAM at both ends of the address space, a buffer that goes around is still none. */
static void a_buffer_does_not_go_around_the_end_of_the_address_space(void)
{
    const uint64_t last_page = UINT64_MAX - 4095;
    const struct virtq_desc descs[] = { { UINT64_MAX, 2, 0, 0 }, { UINT64_MAX, 1, 0, 0 } };
    start(8, 0, false);
    driver_chain(&driver, 0, descs, 2);
    CHECK(guest_ram_add(&driver.ram, last_page, 4096, high) && guest_ram_add(&driver.ram, 0, 4096, low));
    driver_submit(&driver, 0);
    CHECK(pop() == VIRTQ_CHAIN && chain.unmapped && chain.segment_count == 1 && chain.segments[0].host == NULL);
    driver_submit(&driver, 1);
    CHECK(pop() == VIRTQ_CHAIN && !chain.unmapped && chain.segments[0].host == high + 4095);
}

static void cursors_go_over_segments(void)
{
    const struct virtq_desc descs[] = {
        { HEADER, 3, NEXT, 1 }, { R1 - 2, 4, NEXT, 2 }, { DATA, 1, NEXT_WRITE, 3 }, { R1 - 600, 5, WRITE, 0 },
    };
    uint8_t bytes[8];
    start(8, 0, false);
    driver_write(&driver, HEADER, "abc", 3);
    driver_write(&driver, R1 - 2, "defg", 4);
    driver_chain(&driver, 0, descs, 4);
    driver_submit(&driver, 0);
    CHECK(pop() == VIRTQ_CHAIN);
    CHECK(chain.readable_count == 3 && chain.segment_count == 5 && !chain.unmapped);
    CHECK(chain.readable_bytes == 7 && chain.writable_bytes == 6);
    struct virtq_cursor cursor = { 0, 0 };
    virtq_copy_from(&chain, &cursor, bytes, 2);
    virtq_copy_from(&chain, &cursor, bytes + 2, 5);
    CHECK(memcmp(bytes, "abcdefg", 7) == 0);
    CHECK(cursor.segment == 3 && cursor.offset_bytes == 0);
    virtq_copy_to(&chain, &cursor, (const uint8_t *)"uvw", 3);
    virtq_copy_to(&chain, &cursor, (const uint8_t *)"xyz", 3);
    CHECK(*driver_at(&driver, DATA) == 'u');
    driver_read(&driver, R1 - 600, bytes, 6);
    CHECK(memcmp(bytes, "vwxyz", 6) == 0);
}

const struct unit_test ring_tests[] = {
    UNIT_TEST(a_ring_of_one_goes_around),
    UNIT_TEST(the_largest_ring_holds_as_many_chains),
    UNIT_TEST(heads_that_are_not_in_flight_are_not_returned),
    UNIT_TEST(a_stopped_queue_touches_nothing),
    UNIT_TEST(broken_is_for_ever),
    UNIT_TEST(the_interrupt_is_for_the_window_that_holds_the_event),
    UNIT_TEST(an_indirect_chain_as_long_as_promised),
    UNIT_TEST(a_chain_over_a_whole_ring),
    UNIT_TEST(a_buffer_does_not_go_around_the_end_of_the_address_space),
    UNIT_TEST(cursors_go_over_segments),
};

const size_t ring_test_count = sizeof(ring_tests) / sizeof(ring_tests[0]);
