/* SPDX-License-Identifier: BSD-2-Clause */
/* Several requests at once: what may overtake what, who waits for whom, and who is told. */
#include "device_rig.h"
#include "device_scenarios.h"

static struct rig_options many(void)
{
    struct rig_options options = rig_usual;
    options.ring_size = 64;
    return options;
}

static struct rig_options narrow(uint32_t cells, uint32_t queue_capacity)
{
    struct rig_options options = many();
    options.cells = cells;
    options.queue_capacity = queue_capacity;
    return options;
}

static void check_all_ok(uint32_t slots)
{
    CHECK(driver_used_count(&rig.driver) == slots);
    for (uint32_t slot = 0; slot < slots; slot++) {
        CHECK(rig_status(slot) == VIRTIO_BLK_S_OK);
    }
}

static bool read_data_is_disk(uint32_t slot, uint64_t sector, uint32_t size_bytes)
{
    return memcmp(driver_at(&rig.driver, rig_data(slot)), &rig.disk.bytes[sector * 512], size_bytes) == 0;
}

/* S03 */
static void nine_requests_pass_two_slots_and_a_flush(void)
{
    struct rig_options options = narrow(16, 2);
    rig_start(&options);
    for (uint32_t slot = 0; slot < 9; slot++) {
        uint32_t type = slot == 4 ? VIRTIO_BLK_T_FLUSH : VIRTIO_BLK_T_OUT;
        rig_offer(slot, type, 8 * slot, slot == 4 ? 0 : 4096, (uint8_t)(slot + 1));
    }
    driver_publish(&rig.driver);
    rig_hold();
    /* What waits is not read from the ring again. */
    driver_fill(&rig.driver, rig.driver.geometry.desc_gpa, 0xff, 9 * 3 * 16);
    rig_settle();
    check_all_ok(9);
    CHECK(rig.disk.log_count == 9);
    for (uint32_t slot = 0; slot < 9; slot++) {
        CHECK(rig.disk.log[slot].code == (slot == 4 ? SDDF_BLK_FLUSH : SDDF_BLK_WRITE));
        CHECK(slot == 4 || (rig.disk.log[slot].block_number == slot && rig_sector_is(8 * slot, (uint8_t)(slot + 1))));
    }
}

static void twenty_requests_share_one_cell(void)
{
    struct rig_options options = narrow(1, 2);
    rig_start(&options);
    for (uint32_t slot = 0; slot < 20; slot++) {
        rig_offer(slot, slot % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, 40 * slot + slot % 8, 4096 * 3, 0x40);
    }
    driver_publish(&rig.driver);
    rig_settle();
    check_all_ok(20);
    CHECK(rig.disk.held_most == 1);
    for (uint32_t slot = 0; slot < 20; slot++) {
        uint64_t sector = 40 * slot + slot % 8;
        CHECK(slot % 2 ? read_data_is_disk(slot, sector, 4096 * 3) : rig_sector_is(sector + 23, 0x40));
        CHECK(rig_sectors_untouched(sector + 24, 2));
    }
}

static void answers_in_reverse_order(void)
{
    struct rig_options options = many();
    options.queue_capacity = 64;
    rig_start(&options);
    for (uint32_t slot = 0; slot < 12; slot++) {
        rig_offer(slot, VIRTIO_BLK_T_IN, 8 * slot, 4096, 0);
    }
    driver_publish(&rig.driver);
    rig_settle_backwards();
    check_all_ok(12);
    for (uint16_t slot = 0; slot < 12; slot++) {
        CHECK(driver_used_nth(&rig.driver, slot).id == 3u * (11u - slot));
        CHECK(read_data_is_disk(slot, 8 * slot, 4096));
    }
}

static void requests_are_under_way_together(void)
{
    struct rig_options options = narrow(16, 64);
    rig_start(&options);
    for (uint32_t slot = 0; slot < 16; slot++) {
        rig_offer(slot, slot % 2 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT, 8 * slot, 4096, 1);
    }
    driver_publish(&rig.driver);
    struct virtio_effects effects = rig_step();
    CHECK(effects.notify && !effects.used_interrupt);
    disk_take(&rig.disk);
    CHECK(rig.disk.held_count == 16);
    while (rig.disk.held_count > 0) {
        disk_answer(&rig.disk, 0);
    }
    effects = rig_step();
    CHECK(effects.used_interrupt && !effects.notify);
    check_all_ok(16);
}

/* It takes no more requests than it has room to answer, and does not look at that room by itself. */
static void a_virtualiser_that_waits_for_room_is_told(void)
{
    for (uint32_t answers = 2; answers <= 4; answers++) {
        struct rig_options options = narrow(16, 4);
        rig_start(&options);
        for (uint32_t slot = 0; slot < answers; slot++) {
            rig_offer(slot, VIRTIO_BLK_T_IN, 8 * slot, 4096, 0);
        }
        driver_publish(&rig.driver);
        rig_hold();
        while (rig.disk.held_count > 0) {
            disk_answer(&rig.disk, 0);
        }
        struct virtio_effects effects = rig_step();
        CHECK(effects.used_interrupt && effects.notify == (answers >= 3));
        check_all_ok(answers);
    }
}

static void eight_partial_writes_to_one_block_keep_each_other(void)
{
    struct rig_options options = many();
    rig_start(&options);
    for (uint32_t slot = 0; slot < 8; slot++) {
        rig_offer(slot, VIRTIO_BLK_T_OUT, 80 + slot, 512, (uint8_t)(0xa0 + slot));
    }
    driver_publish(&rig.driver);
    rig_settle_backwards();
    check_all_ok(8);
    for (uint32_t slot = 0; slot < 8; slot++) {
        CHECK(rig_sector_is(80 + slot, (uint8_t)(0xa0 + slot)));
    }
    CHECK(rig_sectors_untouched(72, 8) && rig_sectors_untouched(88, 8));
}

static void a_whole_write_waits_for_a_partial_one(void)
{
    struct rig_options options = many();
    rig_start(&options);
    rig_offer(0, VIRTIO_BLK_T_OUT, 81, 512, 0x11);
    driver_publish(&rig.driver);
    rig_hold();
    rig_offer(1, VIRTIO_BLK_T_OUT, 72, 3 * 4096, 0x22);
    driver_publish(&rig.driver);
    rig_hold();
    CHECK(rig.disk.held_count == 1 && rig.disk.held[0].code == SDDF_BLK_READ);
    disk_answer(&rig.disk, 0);
    rig_hold();
    CHECK(rig.disk.held_count == 1 && rig.disk.held[0].code == SDDF_BLK_WRITE && rig.disk.held[0].block_count == 1);
    rig_settle();
    check_all_ok(2);
    CHECK(rig_sector_is(80, 0x22) && rig_sector_is(81, 0x22) && rig_sector_is(95, 0x22));
}

static void a_partial_write_waits_for_a_whole_one(void)
{
    struct rig_options options = many();
    rig_start(&options);
    rig_offer(0, VIRTIO_BLK_T_OUT, 72, 3 * 4096, 0x22);
    rig_offer(1, VIRTIO_BLK_T_OUT, 95, 512, 0x11);
    driver_publish(&rig.driver);
    rig_hold();
    CHECK(rig.disk.held_count == 1 && rig.disk.held[0].code == SDDF_BLK_WRITE);
    rig_settle();
    check_all_ok(2);
    CHECK(rig_sector_is(94, 0x22) && rig_sector_is(95, 0x11));
}

static void a_partial_write_does_not_hold_up_its_neighbour(void)
{
    struct rig_options options = many();
    rig_start(&options);
    rig_offer(0, VIRTIO_BLK_T_OUT, 81, 512, 0x11);
    rig_offer(1, VIRTIO_BLK_T_OUT, 72, 4096, 0x22);
    rig_offer(2, VIRTIO_BLK_T_OUT, 88, 4096, 0x33);
    rig_offer(3, VIRTIO_BLK_T_OUT, 97, 512, 0x44);
    rig_offer(4, VIRTIO_BLK_T_IN, 80, 4096, 0);
    driver_publish(&rig.driver);
    rig_hold();
    CHECK(rig.disk.held_count == 5);
    rig_settle();
    check_all_ok(5);
}

/* S14: whichever half of the first write fails, the two that wait for it are done. */
static void fail_first_of_three(uint32_t answered_before)
{
    struct rig_options options = many();
    rig_start(&options);
    for (uint32_t slot = 0; slot < 3; slot++) {
        rig_offer(slot, VIRTIO_BLK_T_OUT, 80 + slot, 512, (uint8_t)(0xa0 + slot));
    }
    driver_publish(&rig.driver);
    for (uint32_t i = 0; i < answered_before; i++) {
        rig_hold();
        disk_answer(&rig.disk, 0);
    }
    rig_hold();
    CHECK(rig.disk.held_count == 1);
    disk_fail(&rig.disk, 0, SDDF_BLK_ERR_IO, 0);
    rig_settle();
    CHECK(driver_used_count(&rig.driver) == 3);
    CHECK(rig_status(0) == VIRTIO_BLK_S_IOERR && rig_status(1) == VIRTIO_BLK_S_OK && rig_status(2) == VIRTIO_BLK_S_OK);
    CHECK(rig_sectors_untouched(80, 1) && rig_sector_is(81, 0xa1) && rig_sector_is(82, 0xa2));
}

static void a_partial_write_whose_read_fails_wakes_those_that_wait(void)
{
    fail_first_of_three(0);
}

static void a_partial_write_whose_write_fails_wakes_those_that_wait(void)
{
    fail_first_of_three(1);
}

static void every_failure_of_the_disk_is_an_error_of_that_request_only(void)
{
    for (uint32_t status = SDDF_BLK_ERR_UNSPEC; status <= SDDF_BLK_ERR_NO_DEVICE + 1; status++) {
        struct rig_options options = many();
        options.extended = true;
        rig_start(&options);
        rig_offer(0, VIRTIO_BLK_T_IN, 0, 4096, 0xcc);
        rig_offer(1, VIRTIO_BLK_T_OUT, 8, 4096, 1);
        rig_offer(2, VIRTIO_BLK_T_FLUSH, 0, 0, 0);
        rig_offer(3, VIRTIO_BLK_T_IN, 16, 4096, 0);
        driver_publish(&rig.driver);
        rig_hold();
        CHECK(rig.disk.held_count == 4);
        for (uint32_t i = 0; i < 3; i++) {
            disk_fail(&rig.disk, 0, status, 0);
        }
        rig_settle();
        CHECK(driver_used_count(&rig.driver) == 4);
        for (uint16_t slot = 0; slot < 4; slot++) {
            CHECK(rig_status(slot) == (slot < 3 ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK));
        }
        CHECK(driver_used_nth(&rig.driver, 0).len == 0);
        CHECK(driver_used_nth(&rig.driver, 1).len == 1);
        CHECK(driver_used_nth(&rig.driver, 2).len == 1);
    }
}

static void a_piece_that_fails_ends_the_request(void)
{
    struct rig_options options = narrow(2, 2);
    rig_start(&options);
    rig_offer(0, VIRTIO_BLK_T_OUT, 0, 6 * 4096, 0x77);
    driver_publish(&rig.driver);
    rig_hold();
    disk_answer(&rig.disk, 0);
    rig_hold();
    CHECK(rig.disk.held[0].block_number == 2);
    disk_fail(&rig.disk, 0, SDDF_BLK_ERR_IO, 1);
    rig_settle();
    CHECK(rig_status(0) == VIRTIO_BLK_S_IOERR && driver_used_count(&rig.driver) == 1);
    CHECK(rig_sector_is(0, 0x77) && rig_sector_is(23, 0x77) && rig_sectors_untouched(24, 24));
}

/* S06 and S07 */
static void five_at_once(uint16_t start)
{
    struct rig_options options = many();
    options.without = 0;
    options.start = start;
    rig_start(&options);
    driver_used_event(&rig.driver, (uint16_t)(start + 3));
    for (uint32_t slot = 0; slot < 5; slot++) {
        rig_offer(slot, VIRTIO_BLK_T_IN, 8 * slot, 512, 0);
    }
    driver_publish(&rig.driver);
    rig_settle();
    check_all_ok(5);
    CHECK(rig.used_interrupts == 1);
    CHECK(driver_used_idx(&rig.driver) == (uint16_t)(start + 5));
    CHECK(driver_avail_event(&rig.driver) == (uint16_t)(start + 5));
}

static void one_interrupt_for_a_batch_that_passes_the_event(void)
{
    five_at_once(0);
}

static void one_interrupt_across_the_wrap(void)
{
    for (uint32_t start = 0xfff8; start <= 0xffff; start++) {
        five_at_once((uint16_t)start);
    }
}

static void interrupts_only_for_the_entry_that_was_asked_for(void)
{
    for (uint32_t start = 0xfffa; start <= 0x10002; start += 4) {
        struct rig_options options = many();
        options.without = 0;
        options.start = (uint16_t)start;
        rig_start(&options);
        driver_used_event(&rig.driver, (uint16_t)(start + 3));
        for (uint32_t slot = 0; slot < 8; slot++) {
            rig_offer(slot, VIRTIO_BLK_T_IN, 8 * slot, 512, 0);
            driver_publish(&rig.driver);
            rig_settle();
            CHECK(rig.used_interrupts == (slot >= 3 ? 1u : 0u));
        }
    }
}

static void flags_mean_nothing_with_event_idx(void)
{
    struct rig_options options = many();
    options.without = 0;
    rig_start(&options);
    driver_avail_flags(&rig.driver, NO_INTERRUPT);
    rig_offer(0, VIRTIO_BLK_T_IN, 0, 512, 0);
    driver_publish(&rig.driver);
    rig_settle();
    check_all_ok(1);
    CHECK(rig.used_interrupts == 1 && driver_used_flags(&rig.driver) == 0);
}

/* S08 */
static void no_interrupt_where_none_is_wanted(void)
{
    struct rig_options options = many();
    rig_start(&options);
    driver_avail_flags(&rig.driver, NO_INTERRUPT);
    rig_offer(0, VIRTIO_BLK_T_IN, 0, 512, 0);
    driver_publish(&rig.driver);
    rig_settle();
    check_all_ok(1);
    CHECK(rig.used_interrupts == 0);
    driver_avail_flags(&rig.driver, 0);
    rig_offer(1, VIRTIO_BLK_T_IN, 0, 512, 0);
    driver_publish(&rig.driver);
    rig_settle();
    CHECK(rig.used_interrupts == 1);
}

static void kicks_are_wanted_when_nobody_watches(void)
{
    struct rig_options options = many();
    rig_start(&options);
    for (uint32_t slot = 0; slot < 20; slot++) {
        rig_offer(slot, VIRTIO_BLK_T_IN, 0, 512, 0);
        driver_publish(&rig.driver);
        rig_hold();
        CHECK(driver_used_flags(&rig.driver) == 0);
    }
    rig_settle();
    check_all_ok(20);
}

static void check_kicks(bool event_idx, bool asked)
{
    if (event_idx) {
        CHECK((driver_avail_event(&rig.driver) == rig.driver.avail_idx) == asked);
    } else {
        CHECK((driver_used_flags(&rig.driver) == 0) == asked);
    }
}

static void start_watched(bool event_idx)
{
    struct rig_options options = many();
    options.watched = true;
    options.without = event_idx ? 0 : options.without;
    options.start = 0xffff;
    rig_start(&options);
    (void)rig_step();
    check_kicks(event_idx, true);
}

static void kicks_are_not_asked_for_while_somebody_watches_and_requests_are_in_flight(void)
{
    for (int event_idx = 0; event_idx < 2; event_idx++) {
        start_watched(event_idx == 1);
        CHECK(!virtio_blk_waits(&rig.device));
        for (uint32_t slot = 0; slot < 20; slot++) {
            rig_offer(slot, VIRTIO_BLK_T_IN, 0, 512, 0);
            driver_publish(&rig.driver);
            CHECK(virtio_blk_waits(&rig.device) == (slot != 0));
            rig_hold();
            CHECK(!virtio_blk_waits(&rig.device));
            check_kicks(event_idx == 1, false);
        }
        rig_settle();
        check_all_ok(20);
        check_kicks(event_idx == 1, true);
    }
}

/* Nobody looks: the answer to what was in flight is a look as well. */
static void what_came_without_a_kick_is_taken_with_the_next_answer(void)
{
    start_watched(true);
    rig_offer(0, VIRTIO_BLK_T_IN, 0, 512, 0);
    driver_publish(&rig.driver);
    rig_hold();
    rig_offer(1, VIRTIO_BLK_T_IN, 0, 512, 0);
    driver_publish(&rig.driver);
    disk_answer(&rig.disk, 0);
    (void)rig_step();
    disk_take(&rig.disk);
    CHECK(rig.disk.held_count == 1);
    rig_settle();
    check_all_ok(2);
}

static void kicks_are_asked_for_again_when_nobody_watches_any_more(void)
{
    start_watched(false);
    rig_offer(0, VIRTIO_BLK_T_IN, 0, 512, 0);
    driver_publish(&rig.driver);
    rig_hold();
    check_kicks(false, false);
    rig.device.watched = false;
    rig_hold();
    check_kicks(false, true);
}

/* What the device answers by itself leaves nothing in flight, nor does what it drops. */
static void kicks_are_asked_for_after_what_is_answered_at_once(void)
{
    start_watched(false);
    rig_offer(0, VIRTIO_BLK_T_GET_ID, 0, VIRTIO_BLK_ID_BYTES, 0);
    rig_offer(1, 77, 0, 512, 0);
    driver_publish(&rig.driver);
    (void)rig_step();
    check_kicks(false, true);
    CHECK(driver_used_count(&rig.driver) == 2);
}

static void a_device_without_a_free_task_has_nothing_to_look_for(void)
{
    start_watched(false);
    rig_offer(0, VIRTIO_BLK_T_IN, 0, 512, 0);
    driver_publish(&rig.driver);
    rig_hold();
    rig_offer(1, VIRTIO_BLK_T_IN, 0, 512, 0);
    driver_publish(&rig.driver);
    const uint16_t free_head = rig.device.free_head;
    rig.device.free_head = UINT16_MAX;
    CHECK(!virtio_blk_waits(&rig.device));
    rig.device.free_head = free_head;
    CHECK(virtio_blk_waits(&rig.device));
    virtio_blk_reset(&rig.device);
    CHECK(!virtio_blk_waits(&rig.device));
}

const struct unit_test order_tests[] = {
    UNIT_TEST(nine_requests_pass_two_slots_and_a_flush),
    UNIT_TEST(twenty_requests_share_one_cell),
    UNIT_TEST(answers_in_reverse_order),
    UNIT_TEST(requests_are_under_way_together),
    UNIT_TEST(a_virtualiser_that_waits_for_room_is_told),
    UNIT_TEST(eight_partial_writes_to_one_block_keep_each_other),
    UNIT_TEST(a_whole_write_waits_for_a_partial_one),
    UNIT_TEST(a_partial_write_waits_for_a_whole_one),
    UNIT_TEST(a_partial_write_does_not_hold_up_its_neighbour),
    UNIT_TEST(a_partial_write_whose_read_fails_wakes_those_that_wait),
    UNIT_TEST(a_partial_write_whose_write_fails_wakes_those_that_wait),
    UNIT_TEST(every_failure_of_the_disk_is_an_error_of_that_request_only),
    UNIT_TEST(a_piece_that_fails_ends_the_request),
    UNIT_TEST(one_interrupt_for_a_batch_that_passes_the_event),
    UNIT_TEST(one_interrupt_across_the_wrap),
    UNIT_TEST(interrupts_only_for_the_entry_that_was_asked_for),
    UNIT_TEST(flags_mean_nothing_with_event_idx),
    UNIT_TEST(no_interrupt_where_none_is_wanted),
    UNIT_TEST(kicks_are_wanted_when_nobody_watches),
    UNIT_TEST(kicks_are_not_asked_for_while_somebody_watches_and_requests_are_in_flight),
    UNIT_TEST(what_came_without_a_kick_is_taken_with_the_next_answer),
    UNIT_TEST(kicks_are_asked_for_again_when_nobody_watches_any_more),
    UNIT_TEST(kicks_are_asked_for_after_what_is_answered_at_once),
    UNIT_TEST(a_device_without_a_free_task_has_nothing_to_look_for),
};

const size_t order_test_count = sizeof(order_tests) / sizeof(order_tests[0]);
