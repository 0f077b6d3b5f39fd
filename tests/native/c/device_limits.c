/* SPDX-License-Identifier: BSD-2-Clause */
/* What the device offers and tells of itself, and requests beyond it; when writes are durable. */
#include <sdfgen/virtio_blk_ops.h>

#include "device_rig.h"
#include "device_scenarios.h"

#define CONFIG_END 0x400u

static uint64_t config_number(uint32_t offset, uint32_t size_bytes)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < size_bytes; i++) {
        number |= (uint64_t)virtio_blk_read_config(&rig.device, offset + i) << (8 * i);
    }
    return number;
}

/* S10: what was never offered is not accepted, whatever the transport lets through. */
static void features_that_were_not_offered_do_nothing(void)
{
    rig_start(&rig_usual);
    virtio_blk_set_features(&rig.device, UINT64_MAX);
    CHECK((rig.device.features & ~virtio_blk_features(&rig.device)) == 0);
}

static void the_offer_follows_the_disk(void)
{
    const uint64_t always = FEATURE(VIRTIO_BLK_F_SIZE_MAX) | FEATURE(VIRTIO_BLK_F_SEG_MAX) |
                            FEATURE(VIRTIO_BLK_F_BLK_SIZE) | FEATURE(VIRTIO_BLK_F_FLUSH) |
                            FEATURE(VIRTIO_BLK_F_TOPOLOGY) | FEATURE(VIRTIO_BLK_F_CONFIG_WCE) |
                            FEATURE(VIRTIO_F_INDIRECT_DESC) | FEATURE(VIRTIO_F_EVENT_IDX) | FEATURE(VIRTIO_F_VERSION_1);
    struct rig_options options = rig_usual;
    rig_start(&options);
    CHECK(virtio_blk_features(&rig.device) == always);
    options.read_only = true;
    rig_start(&options);
    CHECK(virtio_blk_features(&rig.device) == (always | FEATURE(VIRTIO_BLK_F_RO)));
    options = rig_usual;
    options.extended = true;
    rig_start(&options);
    CHECK(virtio_blk_features(&rig.device) ==
          (always | FEATURE(VIRTIO_BLK_F_DISCARD) | FEATURE(VIRTIO_BLK_F_WRITE_ZEROES)));
}

static void start_with_traits(uint8_t traits)
{
    struct rig_options options = rig_usual;
    options.extended = true;
    rig_start(&options);
    rig.disk.info.sdfgen_traits = traits;
    virtio_blk_init(&rig.device, &rig.config, &rig.driver.ram);
    CHECK(virtio_blk_ready(&rig.device));
    virtio_blk_set_features(&rig.device, virtio_blk_features(&rig.device) & ~options.without);
    CHECK(virtio_blk_start_queue(&rig.device, &rig.driver.geometry) == VIRTQ_OK);
    virtio_blk_driver_ok(&rig.device);
}

static void discard_and_unmap_are_offered_where_the_disk_can(void)
{
    for (uint8_t traits = 0; traits < 4; traits++) {
        bool discards = (traits & SDFGEN_BLOCK_TRAIT_NO_DISCARD) == 0;
        start_with_traits(traits);
        CHECK(((virtio_blk_features(&rig.device) & FEATURE(VIRTIO_BLK_F_DISCARD)) != 0) == discards);
        CHECK((virtio_blk_features(&rig.device) & FEATURE(VIRTIO_BLK_F_WRITE_ZEROES)) != 0);
        CHECK((config_number(36, 4) != 0) == discards && (config_number(40, 4) != 0) == discards);
        CHECK(config_number(48, 4) == VIRTIO_BLK_RANGE_MAX_SECTORS && config_number(52, 4) == 1);
        CHECK(config_number(56, 1) == ((traits & SDFGEN_BLOCK_TRAIT_ZEROES_UNMAP) != 0));
    }
}

static void the_configuration_describes_the_disk(void)
{
    rig_start(&rig_usual);
    CHECK(config_number(0, 8) == 2048);
    CHECK(config_number(8, 4) >= 4096);
    CHECK(config_number(12, 4) == VIRTQ_MAX_CHAIN - 2);
    CHECK(config_number(20, 4) == 512);
    CHECK(config_number(24, 1) == 3 && config_number(25, 1) == 0);
    CHECK(config_number(26, 2) == 8);
    CHECK(config_number(32, 1) == 1);
    CHECK(virtio_blk_ops.config_generation(&rig.device) == virtio_blk_ops.config_generation(&rig.device));
}

static void a_disk_of_4096_byte_sectors_says_so(void)
{
    rig_start(&rig_usual);
    rig.disk.info.sector_bytes = 4096;
    virtio_blk_init(&rig.device, &rig.config, &rig.driver.ram);
    CHECK(virtio_blk_ready(&rig.device));
    CHECK(config_number(0, 8) == 2048 && config_number(20, 4) == 4096 && config_number(24, 1) == 0);
    CHECK(config_number(26, 2) == 1);
}

static void a_disk_of_any_size_does_not_wrap(void)
{
    rig_start(&rig_usual);
    rig.disk.info.capacity_blocks = UINT64_MAX;
    virtio_blk_init(&rig.device, &rig.config, &rig.driver.ram);
    CHECK(virtio_blk_ready(&rig.device));
    CHECK(config_number(0, 8) == UINT64_MAX / 8 * 8);
}

/* S11 */
static void nothing_lies_behind_the_configuration(void)
{
    rig_start(&rig_usual);
    for (uint32_t offset = VIRTIO_BLK_CONFIG_BYTES; offset < CONFIG_END; offset++) {
        CHECK(virtio_blk_read_config(&rig.device, offset) == 0);
    }
    CHECK(virtio_blk_read_config(&rig.device, UINT32_MAX) == 0);
    CHECK(virtio_blk_read_config(&rig.device, 0x80000000) == 0);
}

static void nothing_but_writeback_can_be_written(void)
{
    static struct virtio_blk before;
    rig_start(&rig_usual);
    memcpy(&before, &rig.device, sizeof(before));
    for (uint32_t offset = 0; offset < CONFIG_END; offset++) {
        if (offset != VIRTIO_BLK_CONFIG_WRITEBACK) {
            virtio_blk_write_config(&rig.device, offset, 0xa5);
        }
    }
    virtio_blk_write_config(&rig.device, UINT32_MAX, 0xa5);
    CHECK(memcmp(&before, &rig.device, sizeof(before)) == 0);
    virtio_blk_write_config(&rig.device, VIRTIO_BLK_CONFIG_WRITEBACK, 0);
    CHECK(config_number(32, 1) == 0);
    virtio_blk_write_config(&rig.device, VIRTIO_BLK_CONFIG_WRITEBACK, 0xff);
    CHECK(config_number(32, 1) == 1);
}

/* QEMU reads the configuration once, before its guest has chosen; nothing is cached on the strength of it. */
static void the_cache_is_shown_as_on_before_features_are_chosen(void)
{
    rig_start(&rig_usual);
    virtio_blk_reset(&rig.device);
    CHECK(virtio_blk_read_config(&rig.device, VIRTIO_BLK_CONFIG_WRITEBACK) == 1);
    CHECK(!rig.device.write_back);
    virtio_blk_set_features(&rig.device, FEATURE(VIRTIO_F_VERSION_1));
    CHECK(virtio_blk_read_config(&rig.device, VIRTIO_BLK_CONFIG_WRITEBACK) == 0);
}

static void writeback_is_fixed_without_config_wce(void)
{
    struct rig_options options = rig_usual;
    options.without |= FEATURE(VIRTIO_BLK_F_CONFIG_WCE);
    rig_start(&options);
    virtio_blk_write_config(&rig.device, VIRTIO_BLK_CONFIG_WRITEBACK, 0);
    CHECK(config_number(32, 1) == 1);
}

/* Reads two sectors through an indirect table of that many segments, header and status. */
static void read_in_segments(uint32_t segments)
{
    uint32_t count = segments + 2;
    rig_header(HEADER, VIRTIO_BLK_T_IN, 8);
    *driver_at(&rig.driver, STATUS) = 0xff;
    for (uint32_t i = 0; i < count; i++) {
        bool last = i == segments;
        struct virtq_desc desc = { DATA + 8 * (i - 1), last ? 1024 - 4 * (segments - 1) : 4, NEXT_WRITE,
                                   (uint16_t)(i + 1) };
        desc = i == 0 ? (struct virtq_desc){ HEADER, 16, NEXT, 1 } : desc;
        desc = i == count - 1 ? (struct virtq_desc){ STATUS, 1, WRITE, 0 } : desc;
        driver_write(&rig.driver, TABLE + 16u * i, &desc, sizeof(desc));
    }
    const struct virtq_desc indirect = { TABLE, 16 * count, INDIRECT, 0 };
    driver_chain(&rig.driver, 0, &indirect, 1);
    driver_submit(&rig.driver, 0);
    rig_settle();
}

/* S13 */
static void as_many_segments_as_are_promised(void)
{
    rig_start(&rig_usual);
    read_in_segments((uint32_t)config_number(12, 4));
    CHECK(driver_used_count(&rig.driver) == 1 && driver_used_nth(&rig.driver, 0).len == 1025);
    CHECK(*driver_at(&rig.driver, STATUS) == VIRTIO_BLK_S_OK);
    CHECK(memcmp(driver_at(&rig.driver, DATA + 8), &rig.disk.bytes[8 * 512 + 4], 4) == 0);
}

static void one_segment_more_is_dropped(void)
{
    rig_start(&rig_usual);
    read_in_segments((uint32_t)config_number(12, 4) + 1);
    CHECK(driver_used_count(&rig.driver) == 1 && driver_used_nth(&rig.driver, 0).len == 0);
    CHECK(*driver_at(&rig.driver, STATUS) == 0xff && rig.disk.log_count == 0);
}

static void more_requests_than_can_be_under_way(void)
{
    struct rig_options options = rig_usual;
    options.ring_size = 256;
    options.queue_capacity = 64;
    options.cells = 64;
    rig_start(&options);
    for (uint32_t i = 0; i < 256; i++) {
        const struct virtq_desc table[] = {
            { HEADER + 16 * i, 16, NEXT, 1 }, { R1 + 512 * i, 512, NEXT_WRITE, 2 }, { R1 + 0x80000 + i, 1, WRITE, 0 },
        };
        const struct virtq_desc indirect = { R1 + 0xc0000 + 48 * i, 48, INDIRECT, 0 };
        rig_header(HEADER + 16 * i, VIRTIO_BLK_T_IN, i);
        *driver_at(&rig.driver, R1 + 0x80000 + i) = 0xff;
        driver_write(&rig.driver, R1 + 0xc0000 + 48 * i, table, sizeof(table));
        driver_chain(&rig.driver, i, &indirect, 1);
        driver_offer(&rig.driver, (uint16_t)i);
    }
    driver_publish(&rig.driver);
    rig_settle();
    CHECK(driver_used_count(&rig.driver) == 256);
    CHECK(memcmp(rig.high, rig.disk.bytes, 256 * 512) == 0);
    for (uint32_t i = 0; i < 256; i++) {
        CHECK(*driver_at(&rig.driver, R1 + 0x80000 + i) == VIRTIO_BLK_S_OK);
    }
}

/* A write that the disk has when it completes, or not; and how many flushes that took. */
static void check_write(bool durable)
{
    uint32_t flushes = disk_count(&rig.disk, SDDF_BLK_FLUSH);
    rig_offer(0, VIRTIO_BLK_T_OUT, 3, 512 * 20, 0x99);
    driver_publish(&rig.driver);
    rig_settle();
    CHECK(rig_status(0) == VIRTIO_BLK_S_OK && rig_sector_is(3, 0x99) && rig_sector_is(22, 0x99));
    CHECK(disk_count(&rig.disk, SDDF_BLK_FLUSH) == flushes + durable);
    CHECK((memcmp(rig.disk.bytes, rig.disk.durable, sizeof(rig.disk.bytes)) == 0) == durable);
}

/* Headers too short, each in a chain of one descriptor: answered at once. */
static void a_whole_ring_in_one_step_leaves_kicks_on(void)
{
    struct rig_options options = rig_usual;
    const struct virtq_desc descs[2] = { { STATUS, 1, WRITE, 0 }, { STATUS + 1, 1, WRITE, 0 } };
    options.ring_size = 2;
    rig_start(&options);
    driver_chain(&rig.driver, 0, descs, 2);
    for (uint16_t round = 1; round <= 3; round++) {
        driver_offer(&rig.driver, 0);
        driver_submit(&rig.driver, 1);
        struct virtio_effects effects = rig_step();
        CHECK(!effects.again && effects.used_interrupt);
        CHECK(driver_used_count(&rig.driver) == 2 * round && driver_used_flags(&rig.driver) == 0);
    }
}

/* As much as a step does, and one chain more; the rest in further steps, whatever is in it. */
static void a_step_loads_so_many_descriptors_at_most(void)
{
    struct rig_options options = rig_usual;
    const uint32_t count = 250;
    options.ring_size = 256;
    rig_start(&options);
    for (uint32_t i = 0; i < count; i++) {
        const struct virtq_desc desc = { DATA + i, 1, (uint16_t)(i + 1 < count ? NEXT : 0), (uint16_t)(i + 1) };
        driver_write(&rig.driver, TABLE + 4 + 16u * i, &desc, sizeof(desc));
    }
    for (uint32_t i = 0; i < 256; i++) {
        driver_chain(&rig.driver, i, &(struct virtq_desc){ TABLE + 4, 16 * count, INDIRECT, 0 }, 1);
        driver_offer(&rig.driver, (uint16_t)i);
    }
    driver_publish(&rig.driver);
    const uint32_t most = VIRTIO_BLK_STEP_DESCRIPTORS / count + 1;
    uint32_t used = 0;
    while (used < 256) {
        struct virtio_effects effects = rig_step();
        uint32_t done = driver_used_count(&rig.driver) - used;
        used += done;
        CHECK(done > 0 && done <= most && effects.again == (used < 256));
    }
    CHECK(!rig_step().again);
}

/* Reads, all answered at once; then writes, all asked for at once. */
static void a_step_moves_so_many_bytes_at_most(void)
{
    struct rig_options options = rig_usual;
    const uint32_t bytes = 0x80000;
    options.ring_size = 64;
    options.cells = 1024;
    for (uint32_t type = VIRTIO_BLK_T_IN; type <= VIRTIO_BLK_T_OUT; type++) {
        rig_start(&options);
        for (uint32_t i = 0; i < 6; i++) {
            const uint16_t flags = (uint16_t)(type == VIRTIO_BLK_T_IN ? NEXT_WRITE : NEXT);
            const uint16_t second = (uint16_t)(3 * i + 1);
            const struct virtq_desc chain[] = {
                { HEADER, 16, NEXT, second }, { R1, bytes, flags, (uint16_t)(second + 1) }, { STATUS, 1, WRITE, 0 },
            };
            rig_header(HEADER, type, 0);
            driver_chain(&rig.driver, 3 * i, chain, 3);
            driver_offer(&rig.driver, (uint16_t)(3 * i));
        }
        driver_publish(&rig.driver);
        uint32_t steps = 0;
        bool again = true;
        for (; again || rig.disk.held_count > 0; steps++) {
            again = rig_step().again;
            CHECK(rig.device.moved_bytes <= VIRTIO_BLK_STEP_BYTES + bytes && steps < 40);
            disk_take(&rig.disk);
            while (!again && disk_can_answer(&rig.disk)) {
                disk_answer(&rig.disk, 0);
                again = true;
            }
        }
        CHECK(driver_used_count(&rig.driver) == 6);
    }
}

static void writes_are_cached_where_the_driver_can_flush(void)
{
    rig_start(&rig_usual);
    check_write(false);
    rig_offer(1, VIRTIO_BLK_T_FLUSH, 0, 0, 0);
    driver_publish(&rig.driver);
    rig_settle();
    CHECK(memcmp(rig.disk.bytes, rig.disk.durable, sizeof(rig.disk.bytes)) == 0);
}

static void writes_are_durable_where_the_driver_cannot_flush(void)
{
    struct rig_options options = rig_usual;
    options.without |= FEATURE(VIRTIO_BLK_F_FLUSH) | FEATURE(VIRTIO_BLK_F_CONFIG_WCE);
    rig_start(&options);
    check_write(true);
}

static void writes_are_durable_while_the_cache_is_off(void)
{
    rig_start(&rig_usual);
    virtio_blk_write_config(&rig.device, VIRTIO_BLK_CONFIG_WRITEBACK, 0);
    check_write(true);
    virtio_blk_write_config(&rig.device, VIRTIO_BLK_CONFIG_WRITEBACK, 1);
    driver_fill(&rig.driver, rig_data(0), 0x99, 512 * 20);
    memset(&rig.disk.durable, 0, 512);
    check_write(false);
}

static void a_flush_that_fails_fails_the_write(void)
{
    rig_start(&rig_usual);
    virtio_blk_write_config(&rig.device, VIRTIO_BLK_CONFIG_WRITEBACK, 0);
    rig_offer(0, VIRTIO_BLK_T_OUT, 0, 4096, 0x99);
    driver_publish(&rig.driver);
    rig_hold();
    disk_answer(&rig.disk, 0);
    rig_hold();
    CHECK(rig.disk.held_count == 1 && rig.disk.held[0].code == SDDF_BLK_FLUSH);
    CHECK(driver_used_count(&rig.driver) == 0);
    disk_fail(&rig.disk, 0, SDDF_BLK_ERR_IO, 0);
    rig_settle();
    CHECK(rig_status(0) == VIRTIO_BLK_S_IOERR);
}

static void submit_range(uint32_t type, uint64_t sector, uint32_t sectors, uint32_t flags)
{
    const uint64_t range[] = { sector, sectors | (uint64_t)flags << 32 };
    rig_request(0, VIRTIO_BLK_T_OUT, 0, 16, 0);
    rig_header(R1, type, 0);
    driver_write(&rig.driver, rig_data(0), range, sizeof(range));
    driver_submit(&rig.driver, 0);
}

static void discard(uint64_t sector, uint32_t sectors)
{
    submit_range(VIRTIO_BLK_T_DISCARD, sector, sectors, 0);
    rig_settle();
    CHECK(rig_status(0) == VIRTIO_BLK_S_OK);
}

static void a_discard_that_was_not_offered_is_refused(void)
{
    start_with_traits(SDFGEN_BLOCK_TRAIT_NO_DISCARD);
    submit_range(VIRTIO_BLK_T_DISCARD, 8, 8, 0);
    rig_settle();
    CHECK(rig_status(0) == VIRTIO_BLK_S_UNSUPP && rig.disk.log_count == 0);
}

static void zeroes_unmap_where_that_was_offered_and_is_asked_for(void)
{
    for (uint8_t i = 0; i < 4; i++) {
        bool unmaps = i == 3;
        start_with_traits((i & 1) != 0 ? SDFGEN_BLOCK_TRAIT_ZEROES_UNMAP : 0);
        submit_range(VIRTIO_BLK_T_WRITE_ZEROES, 8, 20, i >> 1);
        rig_settle();
        CHECK(rig_status(0) == VIRTIO_BLK_S_OK && rig_sector_is(8, 0) && rig_sector_is(27, 0));
        CHECK(rig.disk.log[0].code == (unmaps ? SDFGEN_BLOCK_WRITE_ZEROES_UNMAP : SDFGEN_BLOCK_WRITE_ZEROES));
    }
}

static void what_the_disk_cannot_is_told_as_unsupported(void)
{
    static const struct {
        uint32_t type;
        uint8_t status;
    } cases[] = {
        { VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_S_UNSUPP },
        { VIRTIO_BLK_T_WRITE_ZEROES, VIRTIO_BLK_S_UNSUPP },
        { VIRTIO_BLK_T_OUT, VIRTIO_BLK_S_IOERR },
    };
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start_with_traits(0);
        if (cases[i].type == VIRTIO_BLK_T_OUT) {
            rig_request(0, VIRTIO_BLK_T_OUT, 8, 4096, 0x99);
            driver_submit(&rig.driver, 0);
        } else {
            submit_range(cases[i].type, 8, 8, 0);
        }
        rig_hold();
        disk_fail(&rig.disk, 0, SDFGEN_BLOCK_ERR_UNSUPPORTED, 0);
        rig_settle();
        CHECK(rig_status(0) == cases[i].status && rig.disk.log_count == 1);
    }
}

static void check_discarded(uint32_t index, uint64_t block, uint16_t blocks)
{
    CHECK(rig.disk.log[index].code == SDFGEN_BLOCK_DISCARD);
    CHECK(rig.disk.log[index].block_number == block && rig.disk.log[index].block_count == blocks);
}

static void what_is_done_is_counted(void)
{
    const struct virtio_blk_counters *counters = &rig.device.counters;
    const struct virtq_desc unanswerable = { HEADER, 16, 0, 0 };
    struct rig_options options = rig_usual;
    options.ring_size = 64;
    rig_start(&options);
    rig_offer(0, VIRTIO_BLK_T_IN, 0, 1024, 0);
    rig_offer(1, VIRTIO_BLK_T_OUT, 16, 512, 1);
    rig_offer(2, VIRTIO_BLK_T_FLUSH, 0, 0, 0);
    driver_publish(&rig.driver);
    rig_hold();
    CHECK(counters->requests == 3 && counters->most_under_way == 3 && counters->bytes == 0);
    rig_settle();
    CHECK(counters->bytes == 1536 && counters->errors == 0);
    rig_offer(3, VIRTIO_BLK_T_IN, UINT64_MAX, 512, 0);
    driver_publish(&rig.driver);
    rig_settle();
    CHECK(counters->requests == 4 && counters->errors == 1 && counters->refused == 1);
    driver_chain(&rig.driver, 40, &unanswerable, 1);
    driver_submit(&rig.driver, 40);
    rig_settle();
    CHECK(counters->requests == 5 && counters->errors == 2 && counters->refused == 2);
    const struct virtq_desc empty = { HEADER, 0, 0, 0 };
    driver_chain(&rig.driver, 41, &empty, 1);
    driver_submit(&rig.driver, 41);
    rig_settle();
    CHECK(counters->requests == 6 && counters->errors == 3 && counters->refused == 3);
    rig_offer(4, VIRTIO_BLK_T_IN, 0, 512, 0);
    driver_publish(&rig.driver);
    rig_hold();
    disk_fail(&rig.disk, 0, SDDF_BLK_ERR_IO, 0);
    rig_settle();
    CHECK(counters->errors == 4 && counters->refused == 3 && counters->bytes == 1536);
    rig_offer(5, VIRTIO_BLK_T_IN, 0, 512, 0);
    driver_publish(&rig.driver);
    rig_hold();
    virtio_blk_reset(&rig.device);
    rig_settle();
    CHECK(counters->errors == 4 && counters->bytes == 1536 && rig.device.under_way == 0);
    CHECK(counters->most_under_way == 3);
}

static void a_discard_asks_for_whole_blocks(void)
{
    struct rig_options options = rig_usual;
    options.extended = true;
    rig_start(&options);
    discard(9, 30);
    CHECK(rig.disk.log_count == 1);
    check_discarded(0, 2, 2);
}

/* As many blocks as fit into one request of the queue's, and then the rest, from wherever in a block it began. */
static void a_large_discard_goes_on_where_it_was(void)
{
    for (uint32_t before = 0; before < 8; before++) {
        struct rig_options options = rig_usual;
        options.extended = true;
        rig_start(&options);
        rig.disk.info.capacity_blocks = 1u << 20;
        virtio_blk_init(&rig.device, &rig.config, &rig.driver.ram);
        CHECK(virtio_blk_ready(&rig.device));
        virtio_blk_set_features(&rig.device, virtio_blk_features(&rig.device) & ~options.without);
        CHECK(virtio_blk_start_queue(&rig.device, &rig.driver.geometry) == VIRTQ_OK);
        virtio_blk_driver_ok(&rig.device);
        discard(16 - before, before + 8 * (2 * UINT16_MAX + 5) + 7);
        CHECK(rig.disk.log_count == 3);
        check_discarded(0, 2, UINT16_MAX);
        check_discarded(1, 2 + UINT16_MAX, UINT16_MAX);
        check_discarded(2, 2 + 2 * UINT16_MAX, 5);
    }
}

static void an_id_without_an_end_is_cut(void)
{
    rig_start(&rig_usual);
    memset(rig.disk.info.serial_number, 'x', sizeof(rig.disk.info.serial_number));
    virtio_blk_init(&rig.device, &rig.config, &rig.driver.ram);
    CHECK(virtio_blk_ready(&rig.device));
    CHECK(virtio_blk_start_queue(&rig.device, &rig.driver.geometry) == VIRTQ_OK);
    virtio_blk_driver_ok(&rig.device);
    rig_request(0, VIRTIO_BLK_T_GET_ID, 0, 32, 0xcc);
    driver_submit(&rig.driver, 0);
    rig_settle();
    CHECK(memcmp(driver_at(&rig.driver, rig_data(0)), "xxxxxxxxxxxxxxxxxxxx\xcc\xcc", 22) == 0);
}

const struct unit_test limit_tests[] = {
    UNIT_TEST(features_that_were_not_offered_do_nothing),
    UNIT_TEST(the_offer_follows_the_disk),
    UNIT_TEST(discard_and_unmap_are_offered_where_the_disk_can),
    UNIT_TEST(the_configuration_describes_the_disk),
    UNIT_TEST(a_disk_of_4096_byte_sectors_says_so),
    UNIT_TEST(a_disk_of_any_size_does_not_wrap),
    UNIT_TEST(nothing_lies_behind_the_configuration),
    UNIT_TEST(nothing_but_writeback_can_be_written),
    UNIT_TEST(the_cache_is_shown_as_on_before_features_are_chosen),
    UNIT_TEST(writeback_is_fixed_without_config_wce),
    UNIT_TEST(as_many_segments_as_are_promised),
    UNIT_TEST(one_segment_more_is_dropped),
    UNIT_TEST(more_requests_than_can_be_under_way),
    UNIT_TEST(a_whole_ring_in_one_step_leaves_kicks_on),
    UNIT_TEST(a_step_loads_so_many_descriptors_at_most),
    UNIT_TEST(a_step_moves_so_many_bytes_at_most),
    UNIT_TEST(writes_are_cached_where_the_driver_can_flush),
    UNIT_TEST(writes_are_durable_where_the_driver_cannot_flush),
    UNIT_TEST(writes_are_durable_while_the_cache_is_off),
    UNIT_TEST(a_flush_that_fails_fails_the_write),
    UNIT_TEST(a_discard_that_was_not_offered_is_refused),
    UNIT_TEST(zeroes_unmap_where_that_was_offered_and_is_asked_for),
    UNIT_TEST(what_the_disk_cannot_is_told_as_unsupported),
    UNIT_TEST(what_is_done_is_counted),
    UNIT_TEST(a_discard_asks_for_whole_blocks),
    UNIT_TEST(a_large_discard_goes_on_where_it_was),
    UNIT_TEST(an_id_without_an_end_is_cut),
};

const size_t limit_test_count = sizeof(limit_tests) / sizeof(limit_tests[0]);
