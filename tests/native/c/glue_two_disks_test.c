/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM of a guest with two disks, of two virtualisers, run against glue_libvmm.c with its generated table. */
#include <sdfgen/pl011.h>

#include "vmm.h"

#include "glue_disk_rig.h"

#define FIRST 0u
#define LOGS 1u
#define SYSTEM_RESET 0x84000009u

/* Both drivers run, and the guest has both interrupts enabled; the first disk is chosen. */
static void run_both(void)
{
    boot();
    for (uint32_t i = disk_count; i-- > 0;) {
        choose(i);
        CHECK(guest_enable(INTID));
        start_driver();
    }
}

static void each_disk_has_what_is_its_own(void)
{
    map_regions();
    CHECK(disk_count == 2);
    CHECK(disks[FIRST].row->gpa != disks[LOGS].row->gpa && disks[FIRST].row->intid != disks[LOGS].row->intid);
    CHECK(disks[FIRST].row->channel != disks[LOGS].row->channel && disks[FIRST].mmio != disks[LOGS].mmio);
}

static void the_guest_waits_for_both(uint32_t first_ready, uint32_t last_ready)
{
    map_regions();
    init();
    choose(first_ready);
    publish_disk();
    notified(VIRT);
    CHECK(strcmp(fake.log, "guest_init ") == 0);
    choose(last_ready);
    notified(VIRT);
    CHECK(strcmp(fake.log, "guest_init ") == 0);
    publish_disk();
    notified(VIRT);
    CHECK(strcmp(fake.log, STARTED) == 0 && fake_notifications() == 0);
    for (uint32_t i = 0; i < disk_count; i++) {
        choose(i);
        check_page();
        CHECK(get(VIRTIO_MMIO_CONFIG) == CAPACITY_BLOCKS * 8);
    }
}

static void the_first_may_be_ready_before_the_other(void)
{
    the_guest_waits_for_both(FIRST, LOGS);
}

static void the_other_may_be_ready_before_the_first(void)
{
    the_guest_waits_for_both(LOGS, FIRST);
}

/* Of the one that was not notified: its virtualiser is about to. */
static void a_disk_that_is_ready_unannounced_is_seen(void)
{
    map_regions();
    init();
    publish_disks();
    choose(LOGS);
    notified(VIRT);
    CHECK(strcmp(fake.log, STARTED) == 0);
    choose(FIRST);
    check_page();
    notified(VIRT);
    CHECK(strcmp(fake.log, STARTED) == 0);
}

static void disks_may_be_of_different_sizes(void)
{
    map_regions();
    publish_disks();
    choose(LOGS);
    disk->info->capacity_blocks = 7;
    disk->info->read_only = 1;
    init();
    CHECK(get(VIRTIO_MMIO_CONFIG) == 7 * 8 && (get(VIRTIO_MMIO_DEVICE_FEATURES) >> VIRTIO_BLK_F_RO & 1) == 1);
    choose(FIRST);
    CHECK(get(VIRTIO_MMIO_CONFIG) == CAPACITY_BLOCKS * 8);
    CHECK((get(VIRTIO_MMIO_DEVICE_FEATURES) >> VIRTIO_BLK_F_RO & 1) == 0);
}

/* The other's virtualiser, interrupt, page and memory see nothing of it. */
static void a_request_goes_to_its_disk_alone(uint32_t used, uint32_t other)
{
    run_both();
    choose(used);
    const uint32_t virt = VIRT;
    submit_read(0);
    CHECK(fake.notified_count[virt] == 1 && fake_notifications() == 1);
    choose(other);
    CHECK(block_queue_filled(&disk->requests.end) == 0);
    notified(VIRT);
    check_page();
    CHECK(fake_injected(INTID) == 0 && get(VIRTIO_MMIO_INTERRUPT_STATUS) == 0);
    choose(used);
    CHECK(driver_used_count(&disk->driver) == 0);
    virtualiser_answers(0x5a);
    CHECK(driver_used_count(&disk->driver) == 1 && *at(DATA) == 0x5a && *at(STATUS) == VIRTIO_BLK_S_OK);
    CHECK(fake_injected(INTID) == 1);
    acknowledge_used();
    CHECK(guest_end(INTID));
    choose(other);
    check_page();
    CHECK(driver_used_count(&disk->driver) == 0 && *at(DATA) == 0 && fake_injected(INTID) == 0);
    CHECK(fake_notifications() == 1 && fake.console[0] == '\0' && fake.refused_count == 0);
}

static void a_request_goes_to_the_first_disk_alone(void)
{
    a_request_goes_to_its_disk_alone(FIRST, LOGS);
}

static void a_request_goes_to_the_other_disk_alone(void)
{
    a_request_goes_to_its_disk_alone(LOGS, FIRST);
}

static void requests_to_both_are_under_way_at_once(void)
{
    run_both();
    submit_read(0);
    choose(LOGS);
    submit_read(0);
    virtualiser_answers(2);
    CHECK(*at(DATA) == 2 && fake_injected(INTID) == 1);
    choose(FIRST);
    CHECK(*at(DATA) == 0 && fake_injected(INTID) == 0);
    virtualiser_answers(1);
    CHECK(*at(DATA) == 1 && fake_injected(INTID) == 1);
}

static void a_broken_ring_is_its_disks_alone(void)
{
    run_both();
    driver_put_u16(&disk->driver, disk->driver.geometry.avail_gpa + 2, RING + 1);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK((get(VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET) != 0 && fake_injected(INTID) == 1);
    choose(LOGS);
    CHECK(get(VIRTIO_MMIO_STATUS) == 15 && fake_injected(INTID) == 0);
    submit_read(0);
    virtualiser_answers(3);
    CHECK(driver_used_count(&disk->driver) == 1);
}

/* Its queue's words make no sense: its requests fail, the other disk's do not. */
static void a_virtualiser_that_breaks_the_protocol_harms_its_disk_alone(void)
{
    run_both();
    submit_read(0);
    const struct vmm_virtio_blk_config *config = disk->row->config;
    volatile struct sddf_blk_response_queue *queue = (void *)config->client.connection.response_vaddr;
    queue->tail = queue->head + 100000;
    notified(VIRT);
    CHECK(driver_used_count(&disk->driver) == 1 && *at(STATUS) == VIRTIO_BLK_S_IOERR);
    choose(LOGS);
    submit_read(0);
    virtualiser_answers(4);
    CHECK(driver_used_count(&disk->driver) == 1 && *at(STATUS) == VIRTIO_BLK_S_OK);
}

static void a_reset_of_one_leaves_the_other(void)
{
    run_both();
    submit_read(0);
    choose(LOGS);
    submit_read(0);
    choose(FIRST);
    set(VIRTIO_MMIO_STATUS, 0);
    CHECK(get(VIRTIO_MMIO_STATUS) == 15);
    choose(LOGS);
    CHECK(get(VIRTIO_MMIO_STATUS) == 15);
    virtualiser_answers(5);
    CHECK(driver_used_count(&disk->driver) == 1 && get(VIRTIO_MMIO_STATUS) == 15);
    choose(FIRST);
    virtualiser_answers(6);
    CHECK(get(VIRTIO_MMIO_STATUS) == 0 && driver_used_count(&disk->driver) == 0 && *at(DATA) == 0);
    start_driver();
    submit_read(0);
    virtualiser_answers(7);
    CHECK(driver_used_count(&disk->driver) == 1 && *at(DATA) == 7);
}

/* With requests of both under way: what their answers bring touches nothing of the new guest's. */
static void a_guest_that_resets_itself_has_both_anew(void)
{
    run_both();
    for (uint32_t i = 0; i < disk_count; i++) {
        choose(i);
        submit_read(0);
    }
    CHECK(!guest_calls(SYSTEM_RESET));
    CHECK(strcmp(fake.console, "test_pd: the guest starts again\n") == 0);
    for (uint32_t i = 0; i < disk_count; i++) {
        choose(i);
        check_page();
        virtualiser_answers(0x77);
        CHECK(*at(DATA) == 0 && *at(STATUS) == 0xff && fake_injected(INTID) == 0);
        start_driver();
        CHECK(guest_enable(INTID));
        submit_read(0);
        virtualiser_answers((uint8_t)(8 + i));
        CHECK(*at(DATA) == 8 + i && fake_injected(INTID) == 1);
    }
}

static void interrupts_of_both_are_ended_apart(void)
{
    run_both();
    submit_read(0);
    virtualiser_answers(1);
    choose(LOGS);
    submit_read(0);
    virtualiser_answers(2);
    acknowledge_used();
    CHECK(guest_end(INTID) && !fake_held(INTID) && fake_injected(INTID) == 1);
    choose(FIRST);
    CHECK(fake_held(INTID));
    CHECK(guest_end(INTID)); /* without having looked why */
    CHECK(fake_injected(INTID) == 2);
}

static void either_wakes_a_guest_at_rest(void)
{
    run_both();
    for (uint32_t i = 0; i < disk_count; i++) {
        choose(i);
        submit_read(0);
    }
    for (uint32_t i = 0; i < disk_count; i++) {
        CHECK(guest_rests());
        choose(i);
        virtualiser_answers(1);
        CHECK(!fake.vcpus[0].suspended);
        acknowledge_used();
        CHECK(guest_end(INTID));
    }
    CHECK(fake.vcpus[0].suspend_count == 2 && fake.vcpus[0].resume_count == 2);
}

/* Stores to one's registers, whatever they are, show in its page only. */
static void registers_are_their_disks_alone(void)
{
    run_both();
    for (uint64_t offset = 0; offset < 0x200; offset += 4) {
        CHECK(guest_store(disks[FIRST].row->gpa + offset, 4, UINT64_MAX));
        choose(LOGS);
        check_page();
        CHECK(get(VIRTIO_MMIO_STATUS) == 15);
    }
    submit_read(0);
    virtualiser_answers(9);
    CHECK(driver_used_count(&disk->driver) == 1);
}

static void an_unknown_channel_does_nothing(void)
{
    run_both();
    for (uint32_t channel = 0; channel < MICROKIT_MAX_CHANNELS; channel++) {
        if (channel != disks[FIRST].row->channel && channel != disks[LOGS].row->channel && channel != TIMER) {
            notified(channel);
        }
    }
    CHECK(vmm_unknown_notifications() == MICROKIT_MAX_CHANNELS - 3);
    CHECK(fake_notifications() == 0 && fake.console[0] == '\0');
}

static const struct unit_test tests[] = {
    UNIT_TEST(each_disk_has_what_is_its_own),
    UNIT_TEST(the_first_may_be_ready_before_the_other),
    UNIT_TEST(the_other_may_be_ready_before_the_first),
    UNIT_TEST(a_disk_that_is_ready_unannounced_is_seen),
    UNIT_TEST(disks_may_be_of_different_sizes),
    UNIT_TEST(a_request_goes_to_the_first_disk_alone),
    UNIT_TEST(a_request_goes_to_the_other_disk_alone),
    UNIT_TEST(requests_to_both_are_under_way_at_once),
    UNIT_TEST(a_broken_ring_is_its_disks_alone),
    UNIT_TEST(a_virtualiser_that_breaks_the_protocol_harms_its_disk_alone),
    UNIT_TEST(a_reset_of_one_leaves_the_other),
    UNIT_TEST(a_guest_that_resets_itself_has_both_anew),
    UNIT_TEST(interrupts_of_both_are_ended_apart),
    UNIT_TEST(either_wakes_a_guest_at_rest),
    UNIT_TEST(registers_are_their_disks_alone),
    UNIT_TEST(an_unknown_channel_does_nothing),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
