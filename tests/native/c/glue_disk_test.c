/* SPDX-License-Identifier: BSD-2-Clause */
/* A client's VMM of the two-client system, run against glue_libvmm.c with its generated table. */
#include <sdfgen/counters.h>
#include <sdfgen/pl011.h>

#include "vmm_trap.h"

#include "glue_disk_rig.h"

#define CONSOLE vmm_config.devices[0]
#define WRITEBACK (VIRTIO_MMIO_CONFIG + 32u)

static void the_guest_starts_when_the_disk_is_published(void)
{
    map_regions();
    init();
    CHECK(strcmp(fake.log, "guest_init ") == 0);
    notified(VIRT);
    notified(TIMER);
    CHECK(strcmp(fake.log, "guest_init ") == 0);
    publish_disk();
    notified(TIMER); /* not the virtualiser's */
    CHECK(strcmp(fake.log, "guest_init ") == 0);
    notified(VIRT);
    CHECK(strcmp(fake.log, STARTED) == 0);
    CHECK(fake.ram_gpa == 0x40000000 && fake.ram_bytes == 0x8000000 && fake.ram_vaddr == 0x40000000);
    CHECK(fake.entry_gpa == 0x40080000 && fake.dtb_gpa == 0x47f00000 && fake.initrd_gpa == 0x47000000);
    notified(VIRT);
    CHECK(strcmp(fake.log, STARTED) == 0);
    CHECK(fake_notifications() == 0 && fake.console[0] == '\0');
}

static void a_disk_that_is_there_already_is_not_waited_for(void)
{
    boot();
    CHECK(fake_notifications() == 0);
}

static void a_guest_that_can_not_be_made_is_not_started(void)
{
    map_regions();
    publish_disk();
    fake.guest_init_fails = true;
    init();
    notified(VIRT);
    CHECK(strcmp(fake.log, "guest_init ") == 0);
    CHECK(strcmp(fake.console, "test_pd: the guest can't be made\n"
                               "test_pd: the guest is not started\n") == 0);
}

static void images_that_do_not_fit_are_tried_once(void)
{
    map_regions();
    publish_disk();
    fake.images_do_not_fit = true;
    init();
    notified(VIRT);
    CHECK(strcmp(fake.log, "guest_init linux_setup_images ") == 0);
    CHECK(strcmp(fake.console, "test_pd: the guest's images can't be placed\n"
                               "test_pd: the guest is not started\n") == 0);
}

static void a_request_goes_all_the_way(void)
{
    run();
    CHECK(get(VIRTIO_MMIO_MAGIC_VALUE) == VIRTIO_MMIO_MAGIC);
    CHECK(get(VIRTIO_MMIO_DEVICE_ID) == VIRTIO_DEVICE_ID_BLOCK);
    CHECK(get(VIRTIO_MMIO_CONFIG) == CAPACITY_BLOCKS * 8);
    submit_read(0);
    CHECK(fake.notified_count[VIRT] == 1 && fake_notifications() == 1);
    CHECK(driver_used_count(&disk->driver) == 0 && !fake_held(INTID));
    virtualiser_answers(0x5a);
    CHECK(driver_used_count(&disk->driver) == 1 && driver_used_nth(&disk->driver, 0).len == 513);
    CHECK(*at(STATUS) == VIRTIO_BLK_S_OK);
    CHECK(*at(DATA) == 0x5a && *at(DATA + 511) == 0x5a);
    CHECK(*at(DATA + 512) == 0);
    CHECK(fake_injected(INTID) == 1);
    acknowledge_used();
    CHECK(guest_end(INTID));
    CHECK(fake_injected(INTID) == 1 && !fake_held(INTID));
    CHECK(fake.notified_count[VIRT] == 1);
    CHECK(fake.refused_count == 0 && fake.console[0] == '\0');
}

static void what_is_counted_is_seen_in_the_page(void)
{
    static struct counters_page page;
    const uint64_t *vmm = page.rows[0].values;
    counters_page_vaddr = (uintptr_t)&page;
    run();
    const uint64_t *row = page.rows[1 + (disk->row - vmm_config.devices)].values;
    CHECK(page.magic == COUNTERS_MAGIC && row[COUNTERS_REQUESTS_TAKEN] == 0 && vmm[COUNTERS_VMM_INJECTIONS] == 0);
    submit_read(0);
    CHECK(row[COUNTERS_REQUESTS_TAKEN] == 1 && row[COUNTERS_REQUESTS_DEPTH] == 1 && row[COUNTERS_REQUESTS_BYTES] == 0);
    virtualiser_answers(1);
    CHECK(row[COUNTERS_REQUESTS_BYTES] == 512 && row[COUNTERS_REQUESTS_ERRORS] == 0);
    CHECK(vmm[COUNTERS_VMM_INJECTIONS] == 1 && vmm[COUNTERS_VMM_RESTARTS] == 0 && vmm[COUNTERS_VMM_STOPS] == 0);
    uint64_t value;
    CHECK(!guest_load(REGISTERS, 4, &value) && vmm[COUNTERS_VMM_STOPS] == 1);
}

/* Completes while the guest still handles the interrupt before, after it has read the status. */
static void a_completion_during_an_interrupt_is_not_lost(void)
{
    run();
    submit_read(0);
    submit_read(3);
    virtualiser_answers(1);
    acknowledge_used();
    virtualiser_answers(2);
    CHECK(fake_injected(INTID) == 1);
    CHECK(guest_end(INTID));
    CHECK(fake_injected(INTID) == 2 && driver_used_count(&disk->driver) == 2);
    acknowledge_used();
    CHECK(guest_end(INTID));
    CHECK(fake_injected(INTID) == 2);
}

static void a_line_that_stays_high_interrupts_again(void)
{
    run();
    submit_read(0);
    virtualiser_answers(1);
    CHECK(guest_end(INTID)); /* without having looked why */
    CHECK(fake_injected(INTID) == 2);
    acknowledge_used();
    CHECK(guest_end(INTID));
    CHECK(fake_injected(INTID) == 2);
}

static void a_completion_that_the_guest_saw_itself_is_no_second_interrupt(void)
{
    run();
    submit_read(0);
    submit_read(3);
    virtualiser_answers(1);
    virtualiser_answers(2);
    acknowledge_used();
    CHECK(guest_end(INTID));
    CHECK(fake_injected(INTID) == 1);
}

static void a_completion_while_the_interrupt_is_disabled_is_kept(void)
{
    boot();
    start_driver();
    submit_read(0);
    virtualiser_answers(1);
    CHECK(guest_waits_for_event());
    CHECK(fake_injected(INTID) == 0 && fake.refused_count == 0);
    CHECK(guest_enable(INTID));
    CHECK(fake_injected(INTID) == 1);
}

static void a_completion_that_was_polled_is_not_injected_late(void)
{
    boot();
    start_driver();
    submit_read(0);
    virtualiser_answers(1);
    acknowledge_used();
    CHECK(guest_enable(INTID));
    CHECK(fake_injected(INTID) == 0);
}

#define PLAYED_GPA UINT64_C(0x1000)
#define PLAYED UINT64_C(0x8877665584838281)

/* A device whose registers all read the same, as wide as they are read. */
static bool read_played(void *owner, uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    (void)owner;
    (void)offset;
    *value = PLAYED & UINT64_MAX >> (64 - 8 * width_bytes);
    return true;
}

static const struct vmm_trap played = { .read = read_played };

static uint64_t loaded(uint32_t width_bytes, bool into_64, bool sign_extend)
{
    const uint64_t before = sign_extend ? 0 : UINT64_MAX;
    uint64_t value;
    CHECK(guest_load_into(PLAYED_GPA + 1, width_bytes, before, into_64, sign_extend, &value));
    return value;
}

static void a_load_extends_as_the_instruction_says(void)
{
    boot();
    CHECK(vmm_trap_register(PLAYED_GPA, 16, &played));
    for (uint32_t width = 1; width <= 4; width *= 2) {
        CHECK(loaded(width, false, false) == (PLAYED & UINT64_MAX >> (64 - 8 * width)));
        CHECK(loaded(width, true, false) == (PLAYED & UINT64_MAX >> (64 - 8 * width)));
    }
    /* A misaligned access stops a debug build of libvmm. */
    CHECK(loaded(8, true, false) == PLAYED);
}

static void a_load_sign_extends_to_the_registers_width(void)
{
    boot();
    CHECK(vmm_trap_register(PLAYED_GPA, 16, &played));
    CHECK(loaded(1, false, true) == 0xffffff81 && loaded(1, true, true) == UINT64_C(0xffffffffffffff81));
    CHECK(loaded(2, false, true) == 0xffff8281 && loaded(2, true, true) == UINT64_C(0xffffffffffff8281));
    CHECK(loaded(4, true, true) == UINT64_C(0xffffffff84838281));
}

static void a_load_of_a_positive_value_has_no_sign(void)
{
    uint64_t value;
    boot();
    CHECK(guest_load_into(CONSOLE.gpa + PL011_CR, 2, UINT64_MAX, true, true, &value) && value == 0x300);
}

static void the_zero_register_is_zero(void)
{
    boot();
    start_driver();
    CHECK((get(WRITEBACK) & 0xff) == 1);
    CHECK(guest_load_zero_register(CONSOLE.gpa + PL011_FR, 4));
    CHECK(guest_store_zero_register(REGISTERS + WRITEBACK, 1));
    CHECK((get(WRITEBACK) & 0xff) == 0);
    check_page();
}

static void an_instruction_that_can_not_be_emulated_stops_the_guest(void)
{
    boot();
    CHECK(!guest_access_without_syndrome(REGISTERS));
    CHECK(strcmp(fake.console,
                 "test_pd: the guest accessed a device with an instruction that can't be emulated\n"
                 "test_pd: the guest is stopped\n") == 0);
}

static void a_register_that_is_written_in_any_width_is_shown(void)
{
    boot();
    for (uint64_t offset = 0; offset < 0x300; offset++) {
        for (uint32_t width = 1; width <= 8; width *= 2) {
            CHECK(guest_store(REGISTERS + offset, width, UINT64_MAX));
            check_page();
            CHECK(guest_store(REGISTERS + offset, width, 1));
            check_page();
        }
    }
    CHECK(guest_store(REGISTERS + disk->row->size_bytes - 1, 8, 1));
    CHECK(fake.console[0] == '\0');
    start_driver();
}

/* They are mapped: whoever maps them not makes that visible. */
static void a_load_from_the_registers_that_traps_stops_the_guest(void)
{
    uint64_t value;
    run();
    CHECK(!guest_load(REGISTERS, 4, &value));
    CHECK(strcmp(fake.console, "test_pd: the guest is stopped\n") == 0);
}

static void a_broken_ring_asks_for_a_reset(void)
{
    run();
    driver_put_u16(&disk->driver, disk->driver.geometry.avail_gpa + 2, RING + 1);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(get(VIRTIO_MMIO_STATUS) == (15 | VIRTIO_STATUS_NEEDS_RESET));
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_CONFIG);
    CHECK(fake_injected(INTID) == 1);
    start_driver();
    submit_read(0);
    virtualiser_answers(3);
    CHECK(driver_used_count(&disk->driver) == 1);
}

/* The device has none of its own: the test changes one for it. */
static void a_new_configuration_is_shown_with_its_interrupt(void)
{
    run();
    struct virtio_blk *device = disk->mmio->device;
    device->config[0] ^= 0xff;
    driver_put_u16(&disk->driver, disk->driver.geometry.avail_gpa + 2, RING + 1);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_CONFIG);
}

/* As many chains as the ring has, none with a status: the device has to look once more before it can sleep. */
static void a_full_ring_is_emptied_and_watched_again(void)
{
    run();
    for (uint16_t i = 0; i < RING; i++) {
        driver_chain(&disk->driver, i, &(struct virtq_desc){ HEADER, 16, 0, 0 }, 1);
        driver_offer(&disk->driver, i);
    }
    driver_publish(&disk->driver);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(driver_used_count(&disk->driver) == RING);
    CHECK(driver_used_flags(&disk->driver) == 0);
    CHECK(fake_notifications() == 0 && fake_injected(INTID) == 1);
}

/* Each is dropped after as many descriptors. */
static void what_is_more_than_a_step_waits_for_its_turn(void)
{
    const uint32_t count = 200;
    run();
    for (uint32_t i = 0; i < count; i++) {
        const struct virtq_desc desc = { HEADER, 16, (uint16_t)(i + 1 < count ? NEXT : 0), (uint16_t)(i + 1) };
        driver_write(&disk->driver, TABLE + 16 * i, &desc, sizeof(desc));
    }
    for (uint16_t i = 0; i < RING; i++) {
        driver_chain(&disk->driver, i, &(struct virtq_desc){ TABLE, 16 * count, INDIRECT, 0 }, 1);
        driver_offer(&disk->driver, i);
    }
    driver_publish(&disk->driver);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(driver_used_count(&disk->driver) == VIRTIO_BLK_STEP_DESCRIPTORS / count + 1);
    CHECK(fake.notified_count[TIMER] == 1 && wake->wake_ticks == fake.now_ticks + 1);
    notified(TIMER);
    CHECK(driver_used_count(&disk->driver) < RING);
    fake.now_ticks++;
    notified(TIMER);
    CHECK(driver_used_count(&disk->driver) == RING);
}

static bool kicks_are_asked_for(void)
{
    return driver_used_flags(&disk->driver) == 0;
}

static void what_came_without_a_kick_is_taken_at_the_next_exit(void)
{
    run();
    CHECK(kicks_are_asked_for());
    submit_read(0);
    CHECK(fake.notified_count[VIRT] == 1 && !kicks_are_asked_for());
    offer_read(3);
    CHECK(fake.notified_count[VIRT] == 1);
    CHECK(guest_waits_for_event());
    CHECK(fake.notified_count[VIRT] == 2 && block_queue_filled(&disk->requests.end) == 2);
    CHECK(guest_waits_for_event());
    CHECK(fake.notified_count[VIRT] == 2);
    virtualiser_answers(1);
    CHECK(!kicks_are_asked_for());
    virtualiser_answers(2);
    CHECK(driver_used_count(&disk->driver) == 2 && kicks_are_asked_for());
}

/* The answer makes the device idle, but for what came meanwhile. */
static void what_came_without_a_kick_is_taken_with_an_answer(void)
{
    run();
    submit_read(0);
    offer_read(3);
    virtualiser_answers(1);
    CHECK(fake.notified_count[VIRT] == 2 && !kicks_are_asked_for());
    virtualiser_answers(2);
    CHECK(driver_used_count(&disk->driver) == 2 && kicks_are_asked_for());
}

static void pass_ms(uint64_t milliseconds)
{
    fake.now_ticks += milliseconds * FAKE_TICKS_IN_MS;
}

/* One more request, of which an exit tells, the first of the two in flight being answered before. */
static bool offer_and_exit(bool (*exits)(void))
{
    static uint16_t first;
    virtualiser_answers(1);
    acknowledge_used();
    CHECK(guest_end(INTID));
    offer_read(first);
    first = 3 - first;
    return exits();
}

static void two_in_flight(void)
{
    run();
    submit_read(0);
    offer_read(3);
    CHECK(guest_waits_for_event());
    CHECK(block_queue_filled(&disk->requests.end) == 2 && !kicks_are_asked_for());
}

static void compute_on(uint32_t looks)
{
    for (uint32_t i = 0; i < looks; i++) {
        CHECK(offer_and_exit(guest_waits_for_event));
    }
}

/* It is asked for kicks for a while, and then it is tried again. */
static void a_guest_that_computes_on_is_asked_for_kicks(void)
{
    two_in_flight();
    compute_on(VMM_VIRTIO_BLK_BUSY_LOOKS - 2);
    CHECK(!kicks_are_asked_for());
    compute_on(1);
    CHECK(kicks_are_asked_for());
    pass_ms(VMM_VIRTIO_BLK_KICKS_MS - 1);
    compute_on(1);
    CHECK(kicks_are_asked_for());
    pass_ms(1);
    compute_on(VMM_VIRTIO_BLK_BUSY_LOOKS - 2); /* the one before counts */
    CHECK(!kicks_are_asked_for());
    compute_on(1);
    CHECK(kicks_are_asked_for());
}

static void a_guest_that_waits_after_its_requests_is_not(void)
{
    two_in_flight();
    for (uint32_t i = 0; i < 3; i++) {
        compute_on(VMM_VIRTIO_BLK_BUSY_LOOKS - 2);
        CHECK(offer_and_exit(guest_rests));
        CHECK(!kicks_are_asked_for());
    }
}

/* Nor does it count that it waits with nothing in the ring, or exits with nothing in it. */
static void only_looks_that_find_requests_count(void)
{
    two_in_flight();
    compute_on(VMM_VIRTIO_BLK_BUSY_LOOKS - 2);
    for (uint32_t i = 0; i < VMM_VIRTIO_BLK_BUSY_LOOKS; i++) {
        CHECK(guest_waits_for_event());
    }
    CHECK(!kicks_are_asked_for());
    compute_on(1);
    CHECK(kicks_are_asked_for());
}

static void a_guest_whose_exits_are_far_apart_is_asked_for_kicks(void)
{
    two_in_flight();
    pass_ms(VMM_VIRTIO_BLK_PATIENCE_MS + 1);
    CHECK(guest_waits_for_event() && !kicks_are_asked_for()); /* nothing had waited */
    pass_ms(VMM_VIRTIO_BLK_PATIENCE_MS);
    compute_on(1);
    CHECK(!kicks_are_asked_for());
    virtualiser_answers(1);
    pass_ms(VMM_VIRTIO_BLK_PATIENCE_MS + 1);
    offer_read(3);
    CHECK(guest_waits_for_event() && kicks_are_asked_for());
}

static void an_answer_that_finds_what_waited_long_asks_for_kicks_too(void)
{
    run();
    submit_read(0);
    offer_read(3);
    pass_ms(VMM_VIRTIO_BLK_PATIENCE_MS + 1);
    virtualiser_answers(1);
    CHECK(kicks_are_asked_for() && block_queue_filled(&disk->requests.end) == 1);
}

/* S02 */
static void a_reset_waits_for_what_is_under_way(void)
{
    run();
    submit_read(0);
    set(VIRTIO_MMIO_STATUS, 0);
    CHECK(get(VIRTIO_MMIO_STATUS) == 15);
    virtualiser_answers(0x77);
    CHECK(get(VIRTIO_MMIO_STATUS) == 0);
    CHECK(driver_used_count(&disk->driver) == 0 && *at(DATA) == 0 && *at(STATUS) == 0xff);
    CHECK(fake_injected(INTID) == 0);
    start_driver();
    submit_read(0);
    virtualiser_answers(3);
    CHECK(driver_used_count(&disk->driver) == 1 && fake_injected(INTID) == 1);
}

static void a_driver_that_does_not_wait_for_the_reset_works(void)
{
    run();
    submit_read(0);
    set(VIRTIO_MMIO_STATUS, 0);
    set(VIRTIO_MMIO_STATUS, 1);
    CHECK(get(VIRTIO_MMIO_STATUS) == 1);
    make_ring();
    set(VIRTIO_MMIO_STATUS, 3);
    set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    set(VIRTIO_MMIO_DRIVER_FEATURES, 1);
    set(VIRTIO_MMIO_STATUS, 11);
    set(VIRTIO_MMIO_QUEUE_NUM, RING);
    set_address(VIRTIO_MMIO_QUEUE_DESC_LOW, disk->driver.geometry.desc_gpa);
    set_address(VIRTIO_MMIO_QUEUE_DRIVER_LOW, disk->driver.geometry.avail_gpa);
    set_address(VIRTIO_MMIO_QUEUE_DEVICE_LOW, disk->driver.geometry.used_gpa);
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    set(VIRTIO_MMIO_STATUS, 15);
    submit_read(0);
    CHECK(fake.notified_count[VIRT] == 1); /* held back until the old one is answered */
    virtualiser_answers(1);
    CHECK(driver_used_count(&disk->driver) == 0);
    CHECK(fake.notified_count[VIRT] == 2);
    virtualiser_answers(2);
    CHECK(driver_used_count(&disk->driver) == 1 && *at(DATA) == 2);
}

static void guest_says(const char *text)
{
    for (; *text != '\0'; text++) {
        CHECK(guest_store(CONSOLE.gpa + PL011_DR, 4, (uint8_t)*text));
    }
}

static void a_line_of_the_guests_is_printed_at_once_with_its_name(void)
{
    uint64_t flags;
    strcpy(microkit_name, "client1_vmm");
    boot();
    CHECK(guest_load(CONSOLE.gpa + PL011_FR, 4, &flags) && (flags & PL011_FR_TXFF) == 0);
    guest_says("hello\r");
    CHECK(fake.puts_count == 0);
    guest_says("\n");
    CHECK(fake.puts_count == 1 && strcmp(fake.console, "client1| hello\n") == 0);
    guest_says("client2| forged\n");
    CHECK(fake.puts_count == 2 && strcmp(fake.console, "client1| hello\nclient1| client2| forged\n") == 0);
    CHECK(fake_notifications() == 0 && fake_injected(CONSOLE.intid) == 0);
}

static void the_name_is_the_pds_up_to_the_suffix(void)
{
    strcpy(microkit_name, "a_vmm_vmm");
    boot();
    guest_says("x\n");
    CHECK(strcmp(fake.console, "a_vmm| x\n") == 0);
}

static void a_pd_of_another_name_is_named_whole(void)
{
    strcpy(microkit_name, "vmm");
    boot();
    guest_says("x\n");
    CHECK(strcmp(fake.console, "vmm| x\n") == 0);
}

static void a_name_that_fills_its_array_ends_there(void)
{
    memset(microkit_name, 'n', MICROKIT_PD_NAME_LENGTH);
    boot();
    guest_says("x\n");
    CHECK(strlen(fake.console) == MICROKIT_PD_NAME_LENGTH + strlen("| x\n"));
}

static void a_console_without_a_line_break_says_nothing(void)
{
    boot();
    guest_says("prompt# ");
    CHECK(guest_rests());
    CHECK(fake.puts_count == 0);
}

static void the_console_interrupts_when_it_is_asked_to(void)
{
    boot();
    CHECK(guest_enable(CONSOLE.intid));
    guest_says("a");
    CHECK(fake_injected(CONSOLE.intid) == 0);
    CHECK(guest_store(CONSOLE.gpa + PL011_IMSC, 2, PL011_INT_TX));
    CHECK(fake_injected(CONSOLE.intid) == 1);
    CHECK(guest_store(CONSOLE.gpa + PL011_ICR, 2, PL011_INT_TX));
    CHECK(guest_end(CONSOLE.intid));
    CHECK(fake_injected(CONSOLE.intid) == 1);
    guest_says("b");
    CHECK(fake_injected(CONSOLE.intid) == 2 && fake_injected(INTID) == 0);
}

/* 4 KiB of registers, of which one sends. */
static void every_console_register_in_every_width_is_answered(void)
{
    uint64_t value;
    boot();
    for (uint64_t offset = 1; offset < CONSOLE.size_bytes; offset++) {
        for (uint32_t width = 1; width <= 8; width *= 2) {
            CHECK(guest_load(CONSOLE.gpa + offset, width, &value));
            CHECK(guest_store(CONSOLE.gpa + offset, width, UINT64_MAX));
        }
    }
    CHECK(fake.console[0] == '\0' && fake.refused_count == 0);
    guest_says("still here\n");
    CHECK(strcmp(fake.console, "test_pd| still here\n") == 0);
}

#define SYSTEM_OFF 0x84000008u
#define SYSTEM_RESET 0x84000009u
#define STARTED_AGAIN \
    STARTED "microkit_vcpu_stop vgic_init clean clean clean guest_start "

static void a_guest_that_resets_itself_starts_again(void)
{
    run();
    submit_read(0);
    fake.vcpus[0].control = UINT64_MAX;
    fake.vcpus[0].timer_control = 1;
    CHECK(!guest_calls(UINT64_C(0xffffffff00000000) | SYSTEM_RESET));
    CHECK(strcmp(fake.log, STARTED_AGAIN) == 0);
    CHECK(fake.vcpus[0].control == 0x30d00800 && fake.vcpus[0].timer_control == 0);
    CHECK(fake.entry_gpa == 0x40080000 && fake.dtb_gpa == 0x47f00000 && fake.initrd_gpa == 0x47000000);
    CHECK(strcmp(fake.console, "test_pd: the guest starts again\n") == 0);
    virtualiser_answers(0x77);
    CHECK(*at(DATA) == 0 && *at(STATUS) == 0xff);
    CHECK(fake_injected(INTID) == 0 && fake.refused_count == 0);
    start_driver();
    CHECK(guest_enable(INTID));
    submit_read(0);
    virtualiser_answers(3);
    CHECK(driver_used_count(&disk->driver) == 1 && *at(DATA) == 3 && fake_injected(INTID) == 1);
}

static void an_interrupt_that_the_guest_had_is_forgotten_when_it_resets_itself(void)
{
    run();
    submit_read(0);
    virtualiser_answers(1);
    CHECK(fake_held(INTID));
    CHECK(!guest_calls(SYSTEM_RESET));
    CHECK(fake.parked_count == 1);
    CHECK(guest_enable(INTID));
    CHECK(!fake_held(INTID));
    start_driver();
    submit_read(0);
    virtualiser_answers(2);
    CHECK(fake_injected(INTID) == 1);
}

static void every_reset_has_all_list_registers_free(void)
{
    for (uint32_t i = 0; i < 5; i++) {
        if (i == 0) {
            run();
        } else {
            start_driver();
            CHECK(guest_enable(INTID));
        }
        submit_read(0);
        virtualiser_answers(1);
        CHECK(fake_held(INTID) && !guest_calls(SYSTEM_RESET));
    }
}

static void the_processors_own_interrupts_are_there_after_a_reset(void)
{
    run();
    CHECK(!guest_calls(SYSTEM_RESET));
    for (uint32_t intid = 0; intid < 16; intid++) {
        CHECK(fake_registered(intid));
    }
    CHECK(guest_enable(FAKE_TIMER_INTID) && guest_timer_fires() && fake_held(FAKE_TIMER_INTID));
    CHECK(guest_end(FAKE_TIMER_INTID));
    CHECK(fake.vcpus[0].timer_acknowledged_count == 2);
}

static void the_console_is_as_new_after_a_reset(void)
{
    run();
    CHECK(guest_enable(CONSOLE.intid) && guest_store(CONSOLE.gpa + PL011_IMSC, 2, PL011_INT_TX));
    CHECK(!guest_calls(SYSTEM_RESET));
    CHECK(guest_enable(CONSOLE.intid));
    CHECK(guest_store(CONSOLE.gpa + PL011_DR, 4, 'a'));
    CHECK(fake_injected(CONSOLE.intid) == 0);
}

/* Its images are where its device tree was. */
static void a_guest_that_resets_itself_in_an_interrupt_ends_it_first(void)
{
    run();
    submit_read(0);
    virtualiser_answers(1);
    fake.vcpus[0].took = true;
    CHECK(!guest_calls(SYSTEM_RESET));
    CHECK(strstr(fake.log, "vgic_init") == NULL && !fake.vcpus[0].suspended);
    CHECK(fake.vcpus[0].entry_gpa == 0x47f00000 && fake.vcpus[0].context == 0x8010000);
    notified(VIRT);
    CHECK(!guest_ends_what_it_took());
    CHECK(strstr(fake.log, "clean park microkit_vcpu_stop vgic_init clean clean clean guest_start ") != NULL);
    CHECK(strcmp(fake.console, "test_pd: the guest starts again\n") == 0);
    CHECK(guest_enable(INTID) && !fake_held(INTID));
    start_driver();
    submit_read(0);
    virtualiser_answers(2);
    CHECK(fake_injected(INTID) == 1);
}

static void a_guest_that_does_not_come_out_of_its_interrupt_is_stopped(void)
{
    run();
    submit_read(0);
    virtualiser_answers(1);
    fake.vcpus[0].took = true;
    CHECK(!guest_calls(SYSTEM_RESET));
    for (uint32_t i = 0; i < 9; i++) {
        CHECK(guest_calls(0));
    }
    CHECK(!guest_calls(0) && fake.vcpus[0].suspended);
    CHECK(strstr(fake.log, "vgic_init") == NULL);
    CHECK(strcmp(fake.console, "test_pd: the guest asked for a reset in the middle of an interrupt\n"
                               "test_pd: the guest is stopped\n") == 0);
}

/* The group is off; but a guest could turn it on. */
static void what_was_parked_and_is_ended_is_nobodys(void)
{
    run();
    submit_read(0);
    virtualiser_answers(1);
    CHECK(!guest_calls(SYSTEM_RESET));
    for (uint32_t i = 0; i < 5; i++) {
        CHECK(guest_ends_in(i));
    }
    CHECK(guest_enable(INTID) && !fake_held(INTID));
}

static void a_guest_that_turns_itself_off_is_off(void)
{
    run();
    submit_read(0);
    CHECK(!guest_calls(SYSTEM_OFF) && fake.vcpus[0].suspended);
    CHECK(strcmp(fake.console, "test_pd: the guest has turned itself off\n") == 0);
    virtualiser_answers(1);
    notified(TIMER);
    CHECK(fake.vcpus[0].suspended && fake_injected(INTID) == 0 && fake.refused_count == 0);
}

static void an_unknown_channel_does_nothing(void)
{
    run();
    submit_read(0);
    for (uint32_t channel = 0; channel < MICROKIT_MAX_CHANNELS; channel++) {
        if (channel != VIRT) {
            notified(channel);
        }
    }
    for (uint32_t intid = 0; intid < FAKE_INTIDS; intid++) {
        CHECK(fake_injected(intid) == 0);
    }
    CHECK(fake_notifications() == 1 && fake.refused_count == 0 && fake.console[0] == '\0');
    CHECK(fake.vcpus[0].suspend_count == 0 && fake.vcpus[0].resume_count == 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(the_guest_starts_when_the_disk_is_published),
    UNIT_TEST(a_disk_that_is_there_already_is_not_waited_for),
    UNIT_TEST(a_guest_that_can_not_be_made_is_not_started),
    UNIT_TEST(images_that_do_not_fit_are_tried_once),
    UNIT_TEST(a_request_goes_all_the_way),
    UNIT_TEST(what_is_counted_is_seen_in_the_page),
    UNIT_TEST(a_completion_during_an_interrupt_is_not_lost),
    UNIT_TEST(a_line_that_stays_high_interrupts_again),
    UNIT_TEST(a_completion_that_the_guest_saw_itself_is_no_second_interrupt),
    UNIT_TEST(a_completion_while_the_interrupt_is_disabled_is_kept),
    UNIT_TEST(a_completion_that_was_polled_is_not_injected_late),
    UNIT_TEST(a_load_extends_as_the_instruction_says),
    UNIT_TEST(a_load_sign_extends_to_the_registers_width),
    UNIT_TEST(a_load_of_a_positive_value_has_no_sign),
    UNIT_TEST(the_zero_register_is_zero),
    UNIT_TEST(an_instruction_that_can_not_be_emulated_stops_the_guest),
    UNIT_TEST(a_register_that_is_written_in_any_width_is_shown),
    UNIT_TEST(a_load_from_the_registers_that_traps_stops_the_guest),
    UNIT_TEST(a_broken_ring_asks_for_a_reset),
    UNIT_TEST(a_new_configuration_is_shown_with_its_interrupt),
    UNIT_TEST(a_full_ring_is_emptied_and_watched_again),
    UNIT_TEST(what_is_more_than_a_step_waits_for_its_turn),
    UNIT_TEST(what_came_without_a_kick_is_taken_at_the_next_exit),
    UNIT_TEST(what_came_without_a_kick_is_taken_with_an_answer),
    UNIT_TEST(a_guest_that_computes_on_is_asked_for_kicks),
    UNIT_TEST(a_guest_that_waits_after_its_requests_is_not),
    UNIT_TEST(only_looks_that_find_requests_count),
    UNIT_TEST(a_guest_whose_exits_are_far_apart_is_asked_for_kicks),
    UNIT_TEST(an_answer_that_finds_what_waited_long_asks_for_kicks_too),
    UNIT_TEST(a_reset_waits_for_what_is_under_way),
    UNIT_TEST(a_driver_that_does_not_wait_for_the_reset_works),
    UNIT_TEST(a_line_of_the_guests_is_printed_at_once_with_its_name),
    UNIT_TEST(the_name_is_the_pds_up_to_the_suffix),
    UNIT_TEST(a_pd_of_another_name_is_named_whole),
    UNIT_TEST(a_name_that_fills_its_array_ends_there),
    UNIT_TEST(a_console_without_a_line_break_says_nothing),
    UNIT_TEST(the_console_interrupts_when_it_is_asked_to),
    UNIT_TEST(every_console_register_in_every_width_is_answered),
    UNIT_TEST(a_guest_that_resets_itself_starts_again),
    UNIT_TEST(an_interrupt_that_the_guest_had_is_forgotten_when_it_resets_itself),
    UNIT_TEST(every_reset_has_all_list_registers_free),
    UNIT_TEST(the_processors_own_interrupts_are_there_after_a_reset),
    UNIT_TEST(the_console_is_as_new_after_a_reset),
    UNIT_TEST(a_guest_that_resets_itself_in_an_interrupt_ends_it_first),
    UNIT_TEST(a_guest_that_does_not_come_out_of_its_interrupt_is_stopped),
    UNIT_TEST(what_was_parked_and_is_ended_is_nobodys),
    UNIT_TEST(a_guest_that_turns_itself_off_is_off),
    UNIT_TEST(an_unknown_channel_does_nothing),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
