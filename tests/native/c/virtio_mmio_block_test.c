/* SPDX-License-Identifier: BSD-2-Clause */
/* The register file in front of the block device, with a disk in memory behind it. */
#include <sdfgen/virtio_blk_ops.h>
#include <sdfgen/virtio_mmio.h>

#include "device_disk.h"
#include "driver_side.h"

#define BLOCKS 256u
#define RING 8u
#define INIT (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER)
#define NEGOTIATED (INIT | VIRTIO_STATUS_FEATURES_OK)
#define RUNNING (NEGOTIATED | VIRTIO_STATUS_DRIVER_OK)
#define WRITEBACK 32u /* in struct virtio_blk_config */

static uint8_t low[RAM_BYTES];
static uint8_t high[RAM_BYTES];
static struct driver driver;
static struct device_disk disk;
static struct block_client_config config;
static struct virtio_blk block;
static struct virtio_mmio mmio;

static uint32_t get(uint64_t offset)
{
    return (uint32_t)virtio_mmio_read(&mmio, offset, 4);
}

static struct virtio_effects set(uint64_t offset, uint32_t value)
{
    return virtio_mmio_write(&mmio, offset, 4, value);
}

static uint64_t offered(void)
{
    set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    uint64_t features = get(VIRTIO_MMIO_DEVICE_FEATURES);
    set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    return features | (uint64_t)get(VIRTIO_MMIO_DEVICE_FEATURES) << 32;
}

static void choose(uint64_t features)
{
    set(VIRTIO_MMIO_STATUS, INIT);
    for (uint32_t half = 0; half < 2; half++) {
        set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
        set(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32 * half));
    }
    set(VIRTIO_MMIO_STATUS, NEGOTIATED);
}

static void make_ready(const struct virtq_geometry *geometry)
{
    set(VIRTIO_MMIO_QUEUE_SEL, 0);
    set(VIRTIO_MMIO_QUEUE_NUM, geometry->size);
    set(VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)geometry->desc_gpa);
    set(VIRTIO_MMIO_QUEUE_DESC_HIGH, (uint32_t)(geometry->desc_gpa >> 32));
    set(VIRTIO_MMIO_QUEUE_DRIVER_LOW, (uint32_t)geometry->avail_gpa);
    set(VIRTIO_MMIO_QUEUE_DRIVER_HIGH, (uint32_t)(geometry->avail_gpa >> 32));
    set(VIRTIO_MMIO_QUEUE_DEVICE_LOW, (uint32_t)geometry->used_gpa);
    set(VIRTIO_MMIO_QUEUE_DEVICE_HIGH, (uint32_t)(geometry->used_gpa >> 32));
    set(VIRTIO_MMIO_QUEUE_READY, 1);
}

static void negotiate(void)
{
    driver_init(&driver, low, high, RAM_BYTES, RING);
    disk_init(&disk, BLOCKS, 16, 16);
    config = disk_client(&disk, true);
    virtio_blk_init(&block, &config, &driver.ram);
    CHECK(virtio_blk_ready(&block));
    virtio_mmio_init(&mmio, &virtio_blk_ops, &block);
    choose(offered() & ~(UINT64_C(1) << VIRTIO_F_EVENT_IDX));
    CHECK(get(VIRTIO_MMIO_STATUS) == NEGOTIATED);
}

static void run(void)
{
    negotiate();
    make_ready(&driver.geometry);
    CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 1);
    set(VIRTIO_MMIO_STATUS, RUNNING);
    CHECK(get(VIRTIO_MMIO_STATUS) == RUNNING);
}

/* A read of one sector into DATA, with descriptors from `first` on. */
static void offer_read(uint16_t first)
{
    const uint32_t header[4] = { VIRTIO_BLK_T_IN, 0, 0, 0 };
    const struct virtq_desc descs[] = {
        { HEADER, 16, NEXT, (uint16_t)(first + 1) },
        { DATA, 512, NEXT_WRITE, (uint16_t)(first + 2) },
        { STATUS, 1, WRITE, 0 },
    };
    driver_write(&driver, HEADER, header, sizeof(header));
    driver_fill(&driver, DATA, 0xcc, 512);
    driver_fill(&driver, STATUS, 0xff, 1);
    driver_chain(&driver, first, descs, 3);
    driver_submit(&driver, first);
}

static void the_disk_answers(void)
{
    disk_take(&disk);
    while (disk.held_count > 0) {
        disk_answer(&disk, 0);
    }
    virtio_mmio_step(&mmio);
}

static void it_is_a_block_device(void)
{
    negotiate();
    CHECK(get(VIRTIO_MMIO_DEVICE_ID) == 2);
    CHECK(virtio_mmio_read(&mmio, VIRTIO_MMIO_CONFIG, 8) == BLOCKS * 8);
    CHECK((offered() >> VIRTIO_F_VERSION_1 & 1) == 1);
    CHECK(get(VIRTIO_MMIO_QUEUE_NUM_MAX) == VIRTQ_MAX_SIZE);
}

/* S10, each bit there is. */
static void features_never_offered_are_refused(void)
{
    for (uint32_t bit = 0; bit < 64; bit++) {
        negotiate();
        const uint64_t all = offered();
        set(VIRTIO_MMIO_STATUS, 0);
        choose(all | UINT64_C(1) << bit);
        const bool was_offered = (all >> bit & 1) == 1;
        CHECK(get(VIRTIO_MMIO_STATUS) == (was_offered ? NEGOTIATED : INIT));
    }
}

static void bad_geometry_leaves_the_queue_off(void)
{
    negotiate();
    const struct virtq_geometry good = driver.geometry;
    const struct virtq_geometry bad[] = {
        { 0, good.desc_gpa, good.avail_gpa, good.used_gpa, 0 },
        { 3, good.desc_gpa, good.avail_gpa, good.used_gpa, 0 },
        { 2 * VIRTQ_MAX_SIZE, good.desc_gpa, good.avail_gpa, good.used_gpa, 0 },
        { 0x80000000, good.desc_gpa, good.avail_gpa, good.used_gpa, 0 },
        { RING, good.desc_gpa + 8, good.avail_gpa, good.used_gpa, 0 },
        { RING, good.desc_gpa, good.avail_gpa + 1, good.used_gpa, 0 },
        { RING, good.desc_gpa, good.avail_gpa, good.used_gpa + 2, 0 },
        { RING, END - 16 * RING + 16, good.avail_gpa, good.used_gpa, 0 },
        { RING, good.desc_gpa, END - 2 * RING, good.used_gpa, 0 },
        { RING, good.desc_gpa, good.avail_gpa, END - 8 * RING, 0 },
        { RING, good.desc_gpa | UINT64_C(1) << 32, good.avail_gpa, good.used_gpa, 0 },
        { RING, good.desc_gpa, UINT64_MAX - 1, good.used_gpa, 0 },
        { RING, good.desc_gpa, good.avail_gpa, UINT64_MAX - 3, 0 },
    };
    for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        make_ready(&bad[i]);
        CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 0);
    }
    make_ready(&good);
    CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 1);
}

/* S04 */
static void nothing_is_consumed_too_early(void)
{
    negotiate();
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    make_ready(&driver.geometry);
    offer_read(0);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    virtio_mmio_step(&mmio);
    disk_take(&disk);
    CHECK(disk.log_count == 0 && driver_used_count(&driver) == 0);
    CHECK(set(VIRTIO_MMIO_STATUS, RUNNING).notify);
    the_disk_answers();
    CHECK(disk.log_count == 1 && driver_used_count(&driver) == 1);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0); /* an empty ring */
    CHECK(driver_used_count(&driver) == 1);
    set(VIRTIO_MMIO_QUEUE_READY, 0);
    offer_read(3);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    virtio_mmio_step(&mmio);
    disk_take(&disk);
    CHECK(disk.log_count == 1 && driver_used_count(&driver) == 1);
}

static void a_read_completes_with_an_interrupt(void)
{
    run();
    offer_read(0);
    CHECK(set(VIRTIO_MMIO_QUEUE_NOTIFY, 0).notify);
    CHECK(!virtio_mmio_interrupt(&mmio));
    the_disk_answers();
    CHECK(virtio_mmio_interrupt(&mmio) && get(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_USED);
    CHECK(*driver_at(&driver, STATUS) == VIRTIO_BLK_S_OK && *driver_at(&driver, DATA + 1) == 1);
    set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_USED);
    CHECK(!virtio_mmio_interrupt(&mmio));
}

/* S11 */
static void configuration_is_bounded(void)
{
    const uint32_t widths[] = { 1, 2, 4, 8 };
    uint8_t before[256];
    run();
    for (uint32_t at = 0; at < 256; at++) {
        before[at] = (uint8_t)virtio_mmio_read(&mmio, VIRTIO_MMIO_CONFIG + at, 1);
        CHECK(at < VIRTIO_BLK_CONFIG_BYTES || before[at] == 0);
    }
    for (uint32_t at = 0; at < 256; at++) {
        for (uint32_t i = 0; i < 4; i++) {
            virtio_mmio_write(&mmio, VIRTIO_MMIO_CONFIG + at, widths[i], UINT64_C(0xffffffffffffff00));
        }
        for (uint32_t byte = 0; byte < 256; byte++) {
            const uint64_t now = virtio_mmio_read(&mmio, VIRTIO_MMIO_CONFIG + byte, 1);
            CHECK(byte == WRITEBACK ? now <= 1 : now == before[byte]);
        }
    }
    virtio_mmio_write(&mmio, VIRTIO_MMIO_CONFIG + WRITEBACK, 1, 0);
    CHECK(virtio_mmio_read(&mmio, VIRTIO_MMIO_CONFIG + WRITEBACK, 1) == 0);
    virtio_mmio_write(&mmio, VIRTIO_MMIO_CONFIG + WRITEBACK, 1, 1);
    CHECK(virtio_mmio_read(&mmio, VIRTIO_MMIO_CONFIG + WRITEBACK, 1) == 1);
    CHECK(get(VIRTIO_MMIO_STATUS) == RUNNING);
}

static void a_broken_ring_is_told_once(void)
{
    run();
    driver_put_u16(&driver, driver.geometry.avail_gpa + 2, RING + 1);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(get(VIRTIO_MMIO_STATUS) == (RUNNING | VIRTIO_STATUS_NEEDS_RESET));
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_CONFIG);
    set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == 0);
    set(VIRTIO_MMIO_STATUS, 0);
    CHECK(get(VIRTIO_MMIO_STATUS) == 0);
}

/* S02 */
static void a_reset_is_complete_when_drained(void)
{
    run();
    offer_read(0);
    offer_read(3);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    disk_take(&disk);
    CHECK(disk.held_count == 2);
    set(VIRTIO_MMIO_STATUS, 0);
    disk_answer(&disk, 0);
    virtio_mmio_step(&mmio);
    CHECK(get(VIRTIO_MMIO_STATUS) == RUNNING);
    disk_answer(&disk, 0);
    virtio_mmio_step(&mmio);
    CHECK(get(VIRTIO_MMIO_STATUS) == 0 && !virtio_mmio_interrupt(&mmio));
    CHECK(driver_used_count(&driver) == 0 && *driver_at(&driver, STATUS) == 0xff && *driver_at(&driver, DATA) == 0xcc);
}

static const struct unit_test tests[] = {
    UNIT_TEST(it_is_a_block_device),
    UNIT_TEST(features_never_offered_are_refused),
    UNIT_TEST(bad_geometry_leaves_the_queue_off),
    UNIT_TEST(nothing_is_consumed_too_early),
    UNIT_TEST(a_read_completes_with_an_interrupt),
    UNIT_TEST(configuration_is_bounded),
    UNIT_TEST(a_broken_ring_is_told_once),
    UNIT_TEST(a_reset_is_complete_when_drained),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
