/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that are not answered in time, and disks that are described anew. */
#include <sdfgen/virtio_blk_ops.h>

#include "device_rig.h"
#include "device_scenarios.h"

#define CELL_BYTES SDDF_BLK_BLOCK_BYTES

static void start_with(uint32_t cells, uint32_t queue_capacity)
{
    struct rig_options options = rig_usual;
    options.ring_size = 64;
    options.cells = cells;
    options.queue_capacity = queue_capacity;
    rig_start(&options);
}

static void offer(uint32_t slot, uint32_t type, uint64_t sector, uint32_t data_bytes)
{
    rig_offer(slot, type, sector, data_bytes, (uint8_t)(0xa0 + slot));
    driver_publish(&rig.driver);
    rig_hold();
}

static void a_late_request_fails_and_keeps_its_cells(void)
{
    start_with(4, 8);
    offer(0, VIRTIO_BLK_T_IN, 0, 2 * CELL_BYTES);
    disk_be_late(&rig.disk, 0);
    rig_hold();
    CHECK(rig_status(0) == VIRTIO_BLK_S_IOERR && driver_used_count(&rig.driver) == 1);
    offer(1, VIRTIO_BLK_T_IN, 80, 2 * CELL_BYTES);
    CHECK(rig.disk.held_count == 2);
    disk_answer(&rig.disk, 1);
    rig_hold();
    CHECK(rig_status(1) == VIRTIO_BLK_S_OK);
    driver_fill(&rig.driver, rig_data(0), 0x11, 2 * CELL_BYTES);
    disk_answer(&rig.disk, 0);
    rig_hold();
    CHECK(*driver_at(&rig.driver, rig_data(0)) == 0x11 && driver_used_count(&rig.driver) == 2);
    offer(2, VIRTIO_BLK_T_IN, 0, 4 * CELL_BYTES);
    CHECK(rig.disk.held_count == 1 && rig.disk.held[0].block_count == 4);
    rig_settle();
    CHECK(rig_status(2) == VIRTIO_BLK_S_OK && rig.device.late_count == 0 && rig.device.awaited_count == 0);
}

static void what_could_only_wait_for_late_cells_fails_at_once(void)
{
    start_with(2, 8);
    offer(0, VIRTIO_BLK_T_OUT, 0, 2 * CELL_BYTES);
    offer(1, VIRTIO_BLK_T_OUT, 16, 2 * CELL_BYTES);
    offer(2, VIRTIO_BLK_T_FLUSH, 0, 0);
    CHECK(rig.disk.held_count == 1 && driver_used_count(&rig.driver) == 0);
    disk_be_late(&rig.disk, 0);
    rig_hold();
    CHECK(driver_used_count(&rig.driver) == 3);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(rig_status(i) == VIRTIO_BLK_S_IOERR);
    }
    offer(3, VIRTIO_BLK_T_OUT, 32, CELL_BYTES);
    CHECK(rig_status(3) == VIRTIO_BLK_S_IOERR && rig.disk.held_count == 1);
    disk_fail(&rig.disk, 0, SDDF_BLK_ERR_IO, 0);
    offer(4, VIRTIO_BLK_T_OUT, 32, CELL_BYTES);
    rig_settle();
    CHECK(rig_status(4) == VIRTIO_BLK_S_OK && rig_sector_is(32, 0xa4) && rig_sectors_untouched(0, 32));
}

static void what_can_still_be_answered_is_waited_for(void)
{
    start_with(2, 8);
    offer(0, VIRTIO_BLK_T_IN, 0, CELL_BYTES);
    offer(1, VIRTIO_BLK_T_IN, 8, CELL_BYTES);
    offer(2, VIRTIO_BLK_T_IN, 16, CELL_BYTES);
    disk_be_late(&rig.disk, 0);
    rig_hold();
    CHECK(driver_used_count(&rig.driver) == 1);
    disk_answer(&rig.disk, 1);
    rig_hold();
    CHECK(rig_status(1) == VIRTIO_BLK_S_OK && rig.disk.held_count == 2);
    disk_answer(&rig.disk, 1);
    rig_hold();
    CHECK(rig_status(2) == VIRTIO_BLK_S_OK && driver_used_count(&rig.driver) == 3);
}

/* Of the two requests that change part of a block; others to that block do not wait for one that is late. */
static void a_late_part_of_a_block(bool stored)
{
    start_with(8, 8);
    offer(0, VIRTIO_BLK_T_OUT, 1, 512);
    if (stored) {
        disk_answer(&rig.disk, 0);
        rig_hold();
    }
    CHECK(rig.disk.held_count == 1 && rig.disk.held[0].code == (stored ? SDDF_BLK_WRITE : SDDF_BLK_READ));
    offer(1, VIRTIO_BLK_T_OUT, 2, 512);
    CHECK(rig.disk.held_count == 1);
    disk_be_late(&rig.disk, 0);
    rig_hold();
    CHECK(rig_status(0) == VIRTIO_BLK_S_IOERR && rig_status(1) == 0xff);
    CHECK(rig.disk.held_count == 2 && rig.device.partial_count == 1);
    disk_answer(&rig.disk, 0);
    rig_settle();
    CHECK(rig_status(1) == VIRTIO_BLK_S_OK && rig_sector_is(2, 0xa1));
    CHECK(rig.device.writer_count == 0 && rig.device.partial_count == 0);
}

static void a_late_part_of_a_block_is_no_writer(void)
{
    a_late_part_of_a_block(false);
    a_late_part_of_a_block(true);
}

static void a_reset_does_not_wait_for_what_is_late(void)
{
    start_with(4, 8);
    offer(0, VIRTIO_BLK_T_OUT, 0, CELL_BYTES);
    offer(1, VIRTIO_BLK_T_OUT, 8, CELL_BYTES);
    disk_be_late(&rig.disk, 0);
    rig_hold();
    virtio_blk_reset(&rig.device);
    CHECK(virtio_blk_draining(&rig.device));
    disk_be_late(&rig.disk, 1);
    rig_hold();
    CHECK(!virtio_blk_draining(&rig.device) && rig.device.late_count == 2);
    CHECK(rig_status(1) == 0xff);
    disk_answer(&rig.disk, 0);
    disk_answer(&rig.disk, 0);
    rig_hold();
    CHECK(rig.device.late_count == 0 && rig.device.cells.used[0] == 0);
}

static void more_late_requests_than_there_are_tasks_fail(void)
{
    start_with(4, 64);
    for (uint32_t asked = 0; asked < VIRTIO_BLK_MAX_TASKS; asked++) {
        offer(asked % 20, VIRTIO_BLK_T_FLUSH, 0, 0);
        CHECK(rig.disk.held_count == asked + 1);
        disk_be_late(&rig.disk, asked);
        rig_hold();
        CHECK(rig_status(asked % 20) == VIRTIO_BLK_S_IOERR);
    }
    offer(0, VIRTIO_BLK_T_FLUSH, 0, 0);
    offer(1, VIRTIO_BLK_T_GET_ID, 0, VIRTIO_BLK_ID_BYTES);
    CHECK(rig_status(0) == VIRTIO_BLK_S_IOERR && rig_status(1) == VIRTIO_BLK_S_OK);
    disk_answer(&rig.disk, 7);
    rig_hold();
    offer(2, VIRTIO_BLK_T_FLUSH, 0, 0);
    disk_answer(&rig.disk, VIRTIO_BLK_MAX_TASKS - 1);
    rig_hold();
    CHECK(rig_status(2) == VIRTIO_BLK_S_OK);
}

static void only_who_knows_it_takes_late_for_more_than_an_error(void)
{
    start_with(4, 8);
    rig.device.resilient = false;
    offer(0, VIRTIO_BLK_T_IN, 0, CELL_BYTES);
    disk_fail(&rig.disk, 0, SDFGEN_BLOCK_ERR_LATE, 0);
    rig_hold();
    CHECK(rig_status(0) == VIRTIO_BLK_S_IOERR && rig.device.late_count == 0 && rig.device.cells.used[0] == 0);
}

static uint64_t capacity_sectors(void)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < 8; i++) {
        number |= (uint64_t)virtio_blk_read_config(&rig.device, i) << (8 * i);
    }
    return number;
}

static void a_disk_that_is_described_anew_interrupts_once(void)
{
    start_with(4, 8);
    virtio_blk_write_config(&rig.device, VIRTIO_BLK_CONFIG_WRITEBACK, 0);
    uint32_t generation = virtio_blk_ops.config_generation(&rig.device);
    rig.disk.info.capacity_blocks = 128;
    rig_hold();
    CHECK(rig.config_interrupts == 0 && capacity_sectors() == 2048);
    rig.disk.info.ready = 0;
    rig.disk.start++;
    rig_hold();
    CHECK(rig.config_interrupts == 0 && capacity_sectors() == 2048);
    rig.disk.info.ready = 1;
    rig_hold();
    rig_hold();
    CHECK(rig.config_interrupts == 1 && capacity_sectors() == 1024);
    CHECK(virtio_blk_ops.config_generation(&rig.device) != generation);
    CHECK(virtio_blk_read_config(&rig.device, VIRTIO_BLK_CONFIG_WRITEBACK) == 0);
    offer(0, VIRTIO_BLK_T_IN, 1024, CELL_BYTES);
    rig_settle();
    CHECK(rig_status(0) == VIRTIO_BLK_S_IOERR);
}

/* Whether the device notifies for two answers that it takes at once, its queue having so many slots. */
static bool tells_of_two_answers(uint32_t queue_capacity, bool one_is_late)
{
    start_with(8, queue_capacity);
    offer(0, VIRTIO_BLK_T_IN, 0, CELL_BYTES);
    offer(1, VIRTIO_BLK_T_IN, 8, CELL_BYTES);
    if (one_is_late) {
        disk_be_late(&rig.disk, 0);
        disk_answer(&rig.disk, 1);
    } else {
        disk_answer(&rig.disk, 0);
        disk_answer(&rig.disk, 0);
    }
    const bool tells = rig_step().notify;
    CHECK(driver_used_count(&rig.driver) == 2 && !rig_step().notify);
    return tells;
}

/*
 * The virtualiser found two of four slots free, of which one is kept for what is late: too few for a request with two
 * answers. Two, or five of seven, are enough.
 */
static void slots_that_are_kept_for_what_is_late_are_told_of(void)
{
    CHECK(tells_of_two_answers(4, true));
    CHECK(!tells_of_two_answers(4, false));
    CHECK(!tells_of_two_answers(8, true));
}

/* The answer that is taken last is that of the late one: it was kept a slot for until then. */
static void a_second_answer_is_counted_as_it_was_waited_for(void)
{
    start_with(8, 4);
    offer(0, VIRTIO_BLK_T_IN, 0, CELL_BYTES);
    offer(1, VIRTIO_BLK_T_IN, 8, CELL_BYTES);
    disk_be_late(&rig.disk, 0);
    rig_hold();
    disk_answer(&rig.disk, 0);
    disk_answer(&rig.disk, 0);
    CHECK(rig_step().notify && rig.device.late_count == 0);
}

const struct unit_test silence_tests[] = {
    UNIT_TEST(a_late_request_fails_and_keeps_its_cells),
    UNIT_TEST(what_could_only_wait_for_late_cells_fails_at_once),
    UNIT_TEST(what_can_still_be_answered_is_waited_for),
    UNIT_TEST(a_late_part_of_a_block_is_no_writer),
    UNIT_TEST(a_reset_does_not_wait_for_what_is_late),
    UNIT_TEST(more_late_requests_than_there_are_tasks_fail),
    UNIT_TEST(only_who_knows_it_takes_late_for_more_than_an_error),
    UNIT_TEST(a_disk_that_is_described_anew_interrupts_once),
    UNIT_TEST(slots_that_are_kept_for_what_is_late_are_told_of),
    UNIT_TEST(a_second_answer_is_counted_as_it_was_waited_for),
};

const size_t silence_test_count = sizeof(silence_tests) / sizeof(silence_tests[0]);
