/* SPDX-License-Identifier: BSD-2-Clause */
/* Start, reset and end of a device, and what it does against a guest or a virtualiser that breaks the rules. */
#include "device_rig.h"
#include "device_scenarios.h"

static struct rig_options many(void)
{
    struct rig_options options = rig_usual;
    options.ring_size = 64;
    return options;
}

static void start_many(void)
{
    struct rig_options options = many();
    rig_start(&options);
}

/* The device once more as a driver does after a reset: an empty ring, the same features. */
static void restart(uint16_t start)
{
    driver_fill(&rig.driver, R0, 0, 0x1000);
    driver_ring(&rig.driver, 64, start);
    virtio_blk_set_features(&rig.device, virtio_blk_features(&rig.device) & ~rig_usual.without);
    CHECK(virtio_blk_start_queue(&rig.device, &rig.driver.geometry) == VIRTQ_OK);
    virtio_blk_driver_ok(&rig.device);
}

static void offer_read(uint32_t slot)
{
    rig_offer(slot, VIRTIO_BLK_T_IN, 8 * slot, 512, 0xcc);
    driver_publish(&rig.driver);
}

static void check_works(void)
{
    uint16_t before = driver_used_count(&rig.driver);
    offer_read(20);
    rig_settle();
    CHECK(driver_used_count(&rig.driver) == (uint16_t)(before + 1));
    CHECK(rig_status(20) == VIRTIO_BLK_S_OK);
    CHECK(memcmp(driver_at(&rig.driver, rig_data(20)), &rig.disk.bytes[160 * 512], 512) == 0);
}

/* S04 */
static void nothing_is_consumed_before_driver_ok(void)
{
    struct rig_options options = many();
    rig_prepare(&options);
    offer_read(0);
    rig_hold();
    CHECK(rig.disk.log_count == 0 && driver_used_count(&rig.driver) == 0);
    virtio_blk_driver_ok(&rig.device);
    rig_settle();
    CHECK(rig_status(0) == VIRTIO_BLK_S_OK);
}

static void steps_without_a_queue_or_with_an_empty_one_do_nothing(void)
{
    start_many();
    for (int i = 0; i < 3; i++) {
        struct virtio_effects effects = rig_step();
        CHECK(!effects.used_interrupt && !effects.config_interrupt && !effects.notify && !effects.again);
    }
    virtio_blk_stop_queue(&rig.device);
    offer_read(0);
    rig_hold();
    CHECK(rig.disk.log_count == 0 && driver_used_count(&rig.driver) == 0);
    virtio_blk_reset(&rig.device);
    rig_hold();
    CHECK(rig.disk.log_count == 0 && driver_used_count(&rig.driver) == 0);
}

static void nothing_happens_before_the_disk_is_known(void)
{
    struct rig_options options = many();
    rig_start(&options);
    rig.disk.info.ready = 0;
    virtio_blk_init(&rig.device, &rig.config, &rig.driver.ram);
    CHECK(!virtio_blk_ready(&rig.device));
    CHECK(!rig_step().notify);
    rig.disk.info.ready = 1;
    CHECK(virtio_blk_ready(&rig.device));
    CHECK(virtio_blk_ready(&rig.device));
    restart(0);
    check_works();
}

/* S02 */
static void a_reset_drains_and_touches_nothing(void)
{
    static uint8_t before[RAM_BYTES];
    start_many();
    for (uint32_t slot = 0; slot < 6; slot++) {
        rig_offer(slot, slot % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, 8 * slot + slot % 3, 512, 0x5a);
    }
    driver_publish(&rig.driver);
    rig_hold();
    virtio_blk_reset(&rig.device);
    memcpy(before, rig.high, sizeof(before));
    uint32_t interrupts = rig.used_interrupts;
    while (rig.disk.held_count > 0) {
        CHECK(virtio_blk_draining(&rig.device));
        disk_answer(&rig.disk, 0);
        rig_hold();
    }
    CHECK(!virtio_blk_draining(&rig.device));
    CHECK(driver_used_count(&rig.driver) == 0 && rig.used_interrupts == interrupts && rig.config_interrupts == 0);
    CHECK(memcmp(before, rig.high, sizeof(before)) == 0);
    restart(0);
    check_works();
}

static void a_new_driver_waits_for_the_old_ones_writes(void)
{
    start_many();
    rig_offer(0, VIRTIO_BLK_T_OUT, 0, 4096, 0x11);
    driver_publish(&rig.driver);
    rig_hold();
    virtio_blk_reset(&rig.device);
    restart(0);
    rig_offer(0, VIRTIO_BLK_T_OUT, 0, 4096, 0x22);
    driver_publish(&rig.driver);
    rig_hold();
    CHECK(rig.disk.held_count == 1 && virtio_blk_draining(&rig.device));
    rig_settle();
    CHECK(driver_used_count(&rig.driver) == 1 && rig_status(0) == VIRTIO_BLK_S_OK && rig_sector_is(0, 0x22));
}

static void what_waits_in_line_is_gone_after_a_reset(void)
{
    struct rig_options options = many();
    options.cells = 1;
    rig_start(&options);
    for (uint32_t slot = 0; slot < 10; slot++) {
        rig_offer(slot, VIRTIO_BLK_T_OUT, 8 * slot, 8192, 0x33);
    }
    driver_publish(&rig.driver);
    rig_hold();
    virtio_blk_reset(&rig.device);
    rig_settle();
    CHECK(rig.disk.log_count == 1 && rig_sectors_untouched(8, 100));
    for (int i = 0; i < 300; i++) {
        restart((uint16_t)i);
        check_works();
        offer_read(0);
        rig_hold();
        virtio_blk_reset(&rig.device);
        rig_settle();
    }
}

static void a_partial_write_stops_half_way_at_a_reset(void)
{
    start_many();
    rig_offer(0, VIRTIO_BLK_T_OUT, 1, 512, 0x44);
    driver_publish(&rig.driver);
    rig_hold();
    virtio_blk_stop_queue(&rig.device);
    rig_settle();
    CHECK(rig_sectors_untouched(0, 8) && disk_count(&rig.disk, SDDF_BLK_WRITE) == 0);
    restart(0);
    rig_offer(0, VIRTIO_BLK_T_OUT, 1, 512, 0x44);
    driver_publish(&rig.driver);
    rig_settle();
    CHECK(rig_sector_is(1, 0x44) && rig_sectors_untouched(2, 6));
}

static void a_queue_goes_on_at_any_index(void)
{
    for (uint32_t start = 1; start < 0x10000; start = 3 * start + 1) {
        struct rig_options options = many();
        options.start = (uint16_t)start;
        rig_start(&options);
        check_works();
        CHECK(driver_used_idx(&rig.driver) == (uint16_t)(start + 1));
    }
}

static void seventy_thousand_requests_go_around(void)
{
    struct rig_options options = rig_usual;
    options.without = 0;
    rig_start(&options);
    rig_request(0, VIRTIO_BLK_T_IN, 0, 512, 0);
    for (uint32_t i = 0; i < 70000; i++) {
        driver_submit(&rig.driver, 0);
        driver_used_event(&rig.driver, driver_used_idx(&rig.driver));
        rig_settle();
    }
    CHECK(driver_used_idx(&rig.driver) == (uint16_t)70000 && rig.used_interrupts == 70000);
    CHECK(driver_avail_event(&rig.driver) == (uint16_t)70000);
}

/* S01 */
static void a_head_in_flight_that_comes_again_breaks_the_ring(void)
{
    start_many();
    offer_read(0);
    rig_hold();
    driver_submit(&rig.driver, 0);
    rig_hold();
    CHECK(virtio_blk_needs_reset(&rig.device) && rig.config_interrupts == 1);
    rig_settle();
    CHECK(driver_used_count(&rig.driver) <= 1 && rig.config_interrupts == 1);
    virtio_blk_reset(&rig.device);
    CHECK(!virtio_blk_needs_reset(&rig.device));
    restart(0);
    check_works();
}

static void an_avail_index_too_far_ahead_breaks_the_ring(void)
{
    const uint16_t aheads[] = { 65, 66, 0x7fff, 0x8000, 0xffff };
    for (size_t i = 0; i < sizeof(aheads) / sizeof(aheads[0]); i++) {
        start_many();
        offer_read(0);
        rig_settle();
        driver_put_u16(&rig.driver, rig.driver.geometry.avail_gpa + 2, (uint16_t)(1 + aheads[i]));
        rig_hold();
        CHECK(virtio_blk_needs_reset(&rig.device) && rig.config_interrupts == 1);
        CHECK(driver_used_count(&rig.driver) == 1 && rig.disk.log_count == 1);
    }
}

static void a_full_ring_is_not_broken(void)
{
    const struct virtq_desc flush[] = { { HEADER, 16, NEXT, 1 }, { STATUS, 1, WRITE, 0 } };
    const struct virtq_desc indirect[] = { { TABLE, 32, INDIRECT, 0 } };
    start_many();
    rig_header(HEADER, VIRTIO_BLK_T_FLUSH, 0);
    driver_write(&rig.driver, TABLE, flush, sizeof(flush));
    for (uint16_t head = 0; head < 64; head++) {
        driver_chain(&rig.driver, head, indirect, 1);
        driver_offer(&rig.driver, (uint16_t)(63 - head));
    }
    driver_publish(&rig.driver);
    rig_settle();
    CHECK(driver_used_count(&rig.driver) == 64 && !virtio_blk_needs_reset(&rig.device));
    CHECK(disk_count(&rig.disk, SDDF_BLK_FLUSH) == 64);
}

/* S05 */
static void what_changes_after_the_fetch_changes_nothing(void)
{
    start_many();
    rig_offer(0, VIRTIO_BLK_T_IN, 8, 512, 0xcc);
    rig_offer(1, VIRTIO_BLK_T_OUT, 9, 512, 0x5a);
    driver_publish(&rig.driver);
    rig_hold();
    const struct virtq_desc hostile[] = {
        { 0, 16, NEXT, 0 }, { rig_data(0), 65536, NEXT_WRITE, 1 }, { END, 1, WRITE, 0 }, { 0, 16, NEXT, 3 },
        { rig_data(1), 65536, NEXT, 4 }, { END, 1, WRITE, 0 },
    };
    driver_chain(&rig.driver, 0, hostile, 6);
    rig_header(R1, VIRTIO_BLK_T_OUT, 2000);
    rig_header(rig_data(1) - 0x1000, VIRTIO_BLK_T_IN, 2000);
    driver_fill(&rig.driver, rig.driver.geometry.avail_gpa + 4, 0xff, 128);
    rig_settle();
    CHECK(driver_used_count(&rig.driver) == 2);
    CHECK(rig_status(0) == VIRTIO_BLK_S_OK && rig_status(1) == VIRTIO_BLK_S_OK);
    CHECK(memcmp(driver_at(&rig.driver, rig_data(0)), &rig.disk.bytes[8 * 512], 512) == 0);
    CHECK(rig_sector_is(9, 0x5a) && rig_sectors_untouched(10, 2000));
    CHECK(*driver_at(&rig.driver, rig_data(0) + 512) == 0);
}

static void answers_to_nothing_are_ignored(void)
{
    const uint32_t ids[] = { 1, 127, 128, 129, 0xffff, 0x10000, 0x80000000, 0xffffffff };
    start_many();
    offer_read(0);
    rig_hold();
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct sddf_blk_response response = { SDDF_BLK_OK, 1, rig.disk.held[0].id ^ ids[i] };
        block_response_put(&rig.disk.responses, &response);
        block_queue_publish(&rig.disk.responses.end);
        rig_hold();
        CHECK(driver_used_count(&rig.driver) == 0);
    }
    rig_settle();
    CHECK(driver_used_count(&rig.driver) == 1 && rig_status(0) == VIRTIO_BLK_S_OK);
}

static void check_lost(void)
{
    (void)rig_step();
    CHECK(driver_used_count(&rig.driver) == 10);
    for (uint32_t slot = 0; slot < 10; slot++) {
        CHECK(rig_status(slot) == VIRTIO_BLK_S_IOERR);
    }
    offer_read(11);
    (void)rig_step();
    CHECK(driver_used_count(&rig.driver) == 11 && rig_status(11) == VIRTIO_BLK_S_IOERR);
    CHECK(!virtio_blk_needs_reset(&rig.device));
}

static void hold_ten(void)
{
    struct rig_options options = many();
    options.queue_capacity = 4;
    rig_start(&options);
    for (uint32_t slot = 0; slot < 10; slot++) {
        rig_offer(slot, slot % 2 ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN, slot, 512, 1);
    }
    driver_publish(&rig.driver);
    rig_hold();
}

static void a_request_queue_that_lies_fails_everything(void)
{
    hold_ten();
    shared_store_u32(rig.disk.requests.end.own_word, 0x80000000);
    check_lost();
}

static void a_response_queue_that_lies_fails_everything(void)
{
    hold_ten();
    shared_store_u32(rig.disk.responses.end.own_word, 0x80000000);
    check_lost();
}

static void a_lost_disk_ends_a_reset(void)
{
    hold_ten();
    virtio_blk_reset(&rig.device);
    shared_store_u32(rig.disk.responses.end.own_word, 0x80000000);
    (void)rig_step();
    CHECK(!virtio_blk_draining(&rig.device) && driver_used_count(&rig.driver) == 0);
}

const struct unit_test life_tests[] = {
    UNIT_TEST(nothing_is_consumed_before_driver_ok),
    UNIT_TEST(steps_without_a_queue_or_with_an_empty_one_do_nothing),
    UNIT_TEST(nothing_happens_before_the_disk_is_known),
    UNIT_TEST(a_reset_drains_and_touches_nothing),
    UNIT_TEST(a_new_driver_waits_for_the_old_ones_writes),
    UNIT_TEST(what_waits_in_line_is_gone_after_a_reset),
    UNIT_TEST(a_partial_write_stops_half_way_at_a_reset),
    UNIT_TEST(a_queue_goes_on_at_any_index),
    UNIT_TEST(seventy_thousand_requests_go_around),
    UNIT_TEST(a_head_in_flight_that_comes_again_breaks_the_ring),
    UNIT_TEST(an_avail_index_too_far_ahead_breaks_the_ring),
    UNIT_TEST(a_full_ring_is_not_broken),
    UNIT_TEST(what_changes_after_the_fetch_changes_nothing),
    UNIT_TEST(answers_to_nothing_are_ignored),
    UNIT_TEST(a_request_queue_that_lies_fails_everything),
    UNIT_TEST(a_response_queue_that_lies_fails_everything),
    UNIT_TEST(a_lost_disk_ends_a_reset),
};

const size_t life_test_count = sizeof(life_tests) / sizeof(life_tests[0]);
