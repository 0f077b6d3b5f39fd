/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory, and which rings may lie where in it. */
#include "driver_side.h"
#include "virtq_tests.h"

_Alignas(4096) static uint8_t low[RAM_BYTES];
_Alignas(4096) static uint8_t high[RAM_BYTES];
static struct driver driver;
static struct virtq queue;
static struct virtq_chain chain;

static enum virtq_popped pop(void)
{
    return virtq_pop(&queue, &driver.ram, &chain);
}

/* ---- Guest memory ---- */

static void regions_that_do_not_fit_are_refused(void)
{
    struct guest_ram ram = { 0 };
    CHECK(!guest_ram_add(&ram, R0, 0, low));
    CHECK(!guest_ram_add(&ram, UINT64_MAX - 4094, 4096, low));
    CHECK(!guest_ram_add(&ram, R0, 4096, (uint8_t *)(UINTPTR_MAX - 4094)));
    CHECK(ram.region_count == 0);
    CHECK(guest_ram_add(&ram, UINT64_MAX - 4095, 4096, low));
    CHECK(guest_ram_add(&ram, R0, 4096, low));
    CHECK(!guest_ram_add(&ram, R0, 4096, high));
    CHECK(!guest_ram_add(&ram, R0 - 1, 2, high));
    CHECK(!guest_ram_add(&ram, R0 + 4095, 1, high));
    CHECK(!guest_ram_add(&ram, R0 + 1, 1, high));
    CHECK(!guest_ram_add(&ram, R0 - 1, 8192, high));
    CHECK(guest_ram_add(&ram, R0 - 1, 1, high));
    CHECK(guest_ram_add(&ram, R0 + 4096, 1, high));
    CHECK(ram.region_count == 4);
}

static void as_many_regions_as_there_can_be(void)
{
    struct guest_ram ram = { 0 };
    for (uint32_t i = 0; i < GUEST_RAM_MAX_REGIONS; i++) {
        CHECK(guest_ram_add(&ram, R0 + 8192u * i, 4096, low + 4096 * i));
    }
    CHECK(!guest_ram_add(&ram, 0, 4096, high));
    for (uint32_t i = 0; i < GUEST_RAM_MAX_REGIONS; i++) {
        CHECK(guest_ram_whole(&ram, R0 + 8192u * i, 4096) == low + 4096 * i);
        CHECK(guest_ram_whole(&ram, R0 + 8192u * i + 4096, 1) == NULL);
    }
}

static void spans_end_where_regions_do(void)
{
    uint64_t span = 7;
    driver_init(&driver, low, high, RAM_BYTES, 8);
    CHECK(guest_ram_span(&driver.ram, R0, 1, &span) == low && span == 1);
    CHECK(guest_ram_span(&driver.ram, R0, UINT64_MAX, &span) == low && span == RAM_BYTES);
    CHECK(guest_ram_span(&driver.ram, R1 - 1, 2, &span) == low + RAM_BYTES - 1 && span == 1);
    CHECK(guest_ram_span(&driver.ram, R1, 2, &span) == high && span == 2);
    CHECK(guest_ram_span(&driver.ram, END - 1, 1, &span) == high + RAM_BYTES - 1 && span == 1);
    CHECK(guest_ram_span(&driver.ram, END, 1, &span) == NULL && span == 0);
    CHECK(guest_ram_span(&driver.ram, R0 - 1, 4, &span) == NULL && span == 0);
    CHECK(guest_ram_span(&driver.ram, UINT64_MAX, UINT64_MAX, &span) == NULL && span == 0);
    CHECK(guest_ram_whole(&driver.ram, R1 - 1, 1) == low + RAM_BYTES - 1);
    CHECK(guest_ram_whole(&driver.ram, R1 - 1, 2) == NULL);
    CHECK(guest_ram_whole(&driver.ram, END - 16, 16) == high + RAM_BYTES - 16);
    CHECK(guest_ram_whole(&driver.ram, END - 16, 17) == NULL);
}

static void reads_go_over_borders_and_not_beyond(void)
{
    uint8_t bytes[64];
    driver_init(&driver, low, high, RAM_BYTES, 8);
    for (uint64_t i = 0; i < 64; i++) {
        *driver_at(&driver, R1 - 32 + i) = (uint8_t)i;
    }
    for (uint64_t offset = 0; offset < 32; offset++) {
        for (size_t size = 0; size + offset <= 64; size++) {
            CHECK(guest_ram_read(&driver.ram, R1 - 32 + offset, bytes, size));
            CHECK(size == 0 || bytes[0] == offset);
            CHECK(size == 0 || bytes[size - 1] == offset + size - 1);
        }
    }
    CHECK(guest_ram_read(&driver.ram, END - 64, bytes, 64));
    CHECK(!guest_ram_read(&driver.ram, END - 63, bytes, 64));
    CHECK(!guest_ram_read(&driver.ram, R0 - 1, bytes, 64));
    CHECK(!guest_ram_read(&driver.ram, UINT64_MAX, bytes, 2));
}

static void a_read_does_not_go_around_the_end_of_the_address_space(void)
{
    struct guest_ram ram = { 0 };
    uint8_t bytes[2];
    CHECK(guest_ram_add(&ram, UINT64_MAX - 4095, 4096, low));
    CHECK(guest_ram_add(&ram, 0, 4096, high));
    CHECK(guest_ram_read(&ram, UINT64_MAX, bytes, 1));
    CHECK(!guest_ram_read(&ram, UINT64_MAX, bytes, 2));
}

/* ---- Geometry ---- */

static enum virtq_code try_geometry(uint32_t size, uint64_t desc, uint64_t avail, uint64_t used)
{
    const struct virtq_geometry geometry = { size, desc, avail, used, 0 };
    driver_init(&driver, low, high, RAM_BYTES, 8);
    enum virtq_code code = virtq_start(&queue, &driver.ram, &geometry, false, false);
    CHECK(queue.live == (code == VIRTQ_OK));
    CHECK(code == VIRTQ_OK || pop() == VIRTQ_EMPTY);
    return code;
}

static void sizes_are_powers_of_two_up_to_what_is_offered(void)
{
    const uint32_t refused[] = { 0, 3, 5, 6, 7, 9, 12, 255, 257, 384, 512, 32768, 65536, 0x80000000, 0xffffffff };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        CHECK(try_geometry(refused[i], R0, R0 + 0x2000, R0 + 0x4000) == VIRTQ_ERR_SIZE);
    }
    for (uint32_t size = 1; size <= VIRTQ_MAX_SIZE; size *= 2) {
        CHECK(try_geometry(size, R0, R0 + 0x2000, R0 + 0x4000) == VIRTQ_OK);
    }
}

static void misaligned_rings_are_refused(void)
{
    for (uint32_t off = 1; off < 16; off++) {
        CHECK(try_geometry(8, R0 + off, R0 + 0x400, R0 + 0x800) == VIRTQ_ERR_DESC);
        CHECK(try_geometry(8, R0, R0 + 0x400 + off, R0 + 0x800) == (off % 2 ? VIRTQ_ERR_AVAIL : VIRTQ_OK));
        CHECK(try_geometry(8, R0, R0 + 0x400, R0 + 0x800 + off) == (off % 4 ? VIRTQ_ERR_USED : VIRTQ_OK));
    }
}

/* The event word at a ring's end is part of it. */
static void rings_outside_ram_are_refused(void)
{
    CHECK(try_geometry(8, END - 128, END - 150, END - 220) == VIRTQ_OK);
    CHECK(try_geometry(8, END - 112, R0 + 0x400, R0 + 0x800) == VIRTQ_ERR_DESC);
    CHECK(try_geometry(8, R0, END - 22, R0 + 0x800) == VIRTQ_OK);
    CHECK(try_geometry(8, R0, END - 20, R0 + 0x800) == VIRTQ_ERR_AVAIL);
    CHECK(try_geometry(8, R0, R0 + 0x400, END - 72) == VIRTQ_OK);
    CHECK(try_geometry(8, R0, R0 + 0x400, END - 68) == VIRTQ_ERR_USED);
    const uint64_t outside[] = { 0, R0 - 128, R0 - 16, END, UINT64_MAX - 15, UINT64_C(1) << 63 };
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
        CHECK(try_geometry(8, outside[i], R0 + 0x400, R0 + 0x800) == VIRTQ_ERR_DESC);
        CHECK(try_geometry(8, R0, outside[i] & ~UINT64_C(1), R0 + 0x800) == VIRTQ_ERR_AVAIL);
        CHECK(try_geometry(8, R0, R0 + 0x400, outside[i] & ~UINT64_C(3)) == VIRTQ_ERR_USED);
    }
}

static void a_refused_start_ends_what_was_live(void)
{
    CHECK(try_geometry(8, R0, R0 + 0x400, R0 + 0x800) == VIRTQ_OK);
    struct virtq_geometry odd = driver.geometry;
    odd.size = 7;
    CHECK(virtq_start(&queue, &driver.ram, &odd, false, false) == VIRTQ_ERR_SIZE);
    driver_submit(&driver, 0);
    CHECK(pop() == VIRTQ_EMPTY);
}

const struct unit_test memory_tests[] = {
    UNIT_TEST(regions_that_do_not_fit_are_refused),
    UNIT_TEST(as_many_regions_as_there_can_be),
    UNIT_TEST(spans_end_where_regions_do),
    UNIT_TEST(reads_go_over_borders_and_not_beyond),
    UNIT_TEST(a_read_does_not_go_around_the_end_of_the_address_space),
    UNIT_TEST(sizes_are_powers_of_two_up_to_what_is_offered),
    UNIT_TEST(misaligned_rings_are_refused),
    UNIT_TEST(rings_outside_ram_are_refused),
    UNIT_TEST(a_refused_start_ends_what_was_live),
};

const size_t memory_test_count = sizeof(memory_tests) / sizeof(memory_tests[0]);
