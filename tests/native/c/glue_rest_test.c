/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM of glue_disk_test.c: when its guest rests, and what wakes it. */
#include "glue_disk_rig.h"

#define ARMED 1u /* CNTV_CTL: enabled */
#define MASKED 2u
#define FIRES 4u

static void arm_timer(uint64_t due_ticks)
{
    fake.vcpus[0].timer_control = ARMED;
    fake.vcpus[0].timer_due_ticks = due_ticks;
}

/* Its timer is due at that time, and the disk wakes it before. */
static void rest_until_the_disk_answers(uint64_t due_ticks)
{
    submit_read(0);
    arm_timer(due_ticks);
    CHECK(guest_rests());
    virtualiser_answers(1);
    CHECK(!fake.vcpus[0].suspended);
    acknowledge_used();
    CHECK(guest_end(INTID));
}

static void check_asked(uint64_t wake_ticks, uint32_t count)
{
    CHECK(wake->wake_ticks == wake_ticks && fake.notified_count[TIMER] == count);
}

static void a_guest_that_waits_is_suspended_until_an_interrupt_is_injected(void)
{
    run();
    submit_read(0);
    CHECK(fake.vcpus[0].suspend_count == 0);
    CHECK(guest_rests());
    CHECK(fake.vcpus[0].suspend_count == 1 && fake.vcpus[0].resume_count == 0);
    virtualiser_answers(1);
    CHECK(fake_injected(INTID) == 1);
    CHECK(fake.vcpus[0].suspend_count == 1 && fake.vcpus[0].resume_count == 1 && !fake.vcpus[0].suspended);
    check_asked(0, 0);
}

static void an_interrupt_that_is_disabled_does_not_wake(void)
{
    boot();
    start_driver();
    submit_read(0);
    CHECK(guest_rests());
    virtualiser_answers(1);
    CHECK(fake.vcpus[0].suspended && fake.vcpus[0].resume_count == 0 && fake.refused_count == 0);
}

#define CONTROLLER UINT64_C(0x8000000)

static void an_interrupt_while_the_controller_is_off_does_not_wake(void)
{
    run();
    submit_read(0);
    CHECK(guest_store(CONTROLLER, 4, 0));
    CHECK(guest_rests());
    virtualiser_answers(1);
    CHECK(fake.vcpus[0].suspended && fake.vcpus[0].resume_count == 0);
}

static void an_interrupt_that_rose_while_the_controller_was_off_comes_when_it_is_on(void)
{
    run();
    submit_read(0);
    CHECK(guest_store(CONTROLLER, 4, 0));
    virtualiser_answers(1);
    CHECK(guest_waits_for_event() && fake_injected(INTID) == 0);
    CHECK(guest_store(CONTROLLER, 4, 1) && fake_injected(INTID) == 1 && fake.refused_count == 0);
}

static void an_interrupt_that_comes_before_the_controller_is_first_on_is_not_lost(void)
{
    run();
    CHECK(guest_disable(INTID) && guest_store(CONTROLLER, 4, 0));
    submit_read(0);
    virtualiser_answers(1);
    CHECK(guest_enable(INTID) && fake_injected(INTID) == 0);
    CHECK(guest_timer_fires() && !fake_held(FAKE_TIMER_INTID));
    CHECK(guest_enable(FAKE_TIMER_INTID) && !fake_held(FAKE_TIMER_INTID));
    CHECK(guest_store(CONTROLLER, 4, 1) && fake_injected(INTID) == 1 && fake_held(FAKE_TIMER_INTID));
}

static void a_wait_that_began_before_an_injection_is_over(void)
{
    run();
    submit_read(0);
    virtualiser_answers(1);
    CHECK(guest_waits_in_vain());
    CHECK(fake.vcpus[0].suspend_count == 0);
    CHECK(guest_rests());
}

/* The store that enables it is what injects it. */
static void an_interrupt_that_the_guest_waited_to_enable_is_taken_before_a_rest(void)
{
    boot();
    start_driver();
    submit_read(0);
    virtualiser_answers(1);
    CHECK(guest_enable(INTID) && fake_held(INTID));
    acknowledge_used();
    CHECK(guest_end(INTID));
    CHECK(guest_rests() && fake.vcpus[0].suspend_count == 1);
}

static void a_guest_that_waits_for_an_event_goes_on(void)
{
    run();
    CHECK(guest_waits_for_event());
    CHECK(fake.vcpus[0].suspend_count == 0);
}

static void a_guest_whose_timer_is_due_does_not_rest(void)
{
    boot();
    fake.now_ticks = 1000;
    const uint64_t due[] = { 1000, 999, 0 };
    for (uint32_t i = 0; i < 3; i++) {
        arm_timer(due[i]);
        CHECK(guest_waits_in_vain());
        fake.vcpus[0].timer_control |= FIRES;
        CHECK(guest_waits_in_vain());
    }
    CHECK(fake.vcpus[0].suspend_count == 0);
    check_asked(0, 0);
    arm_timer(1001);
    CHECK(guest_rests());
}

static void a_timer_that_can_not_fire_is_not_waited_for(void)
{
    const uint32_t controls[] = { 0, MASKED, ARMED | MASKED, FIRES };
    run();
    fake.now_ticks = 1000;
    for (uint32_t i = 0; i < 4; i++) {
        submit_read(0);
        fake.vcpus[0].timer_control = controls[i];
        fake.vcpus[0].timer_due_ticks = i % 2 == 0 ? 0 : 5000;
        CHECK(guest_rests());
        virtualiser_answers(1);
        acknowledge_used();
        CHECK(guest_end(INTID));
    }
    arm_timer(GUEST_TIMER_NEVER);
    CHECK(guest_rests());
    check_asked(0, 0);
}

static void a_guest_at_rest_is_woken_when_its_timer_is_due(void)
{
    boot();
    CHECK(guest_enable(FAKE_TIMER_INTID));
    fake.now_ticks = 1000;
    arm_timer(5000);
    CHECK(guest_rests());
    check_asked(5000, 1);
    fake.now_ticks = 5000;
    notified(TIMER);
    CHECK(!fake.vcpus[0].suspended && fake.vcpus[0].resume_count == 1);
    CHECK(guest_timer_fires() && fake_held(FAKE_TIMER_INTID));
    check_asked(5000, 1);
}

static void an_early_notification_does_not_wake(void)
{
    boot();
    arm_timer(5000);
    CHECK(guest_rests());
    fake.now_ticks = 4999;
    for (int i = 0; i < 3; i++) {
        notified(TIMER);
        CHECK(fake.vcpus[0].suspended && fake.vcpus[0].resume_count == 0);
        check_asked(5000, 1);
    }
    fake.now_ticks = 5001;
    notified(TIMER);
    CHECK(!fake.vcpus[0].suspended);
}

static void a_time_is_asked_for_once(void)
{
    run();
    for (int i = 0; i < 3; i++) {
        rest_until_the_disk_answers(5000);
        check_asked(5000, 1);
    }
}

static void an_earlier_time_is_asked_for_at_once(void)
{
    run();
    rest_until_the_disk_answers(5000);
    arm_timer(3000);
    CHECK(guest_rests());
    check_asked(3000, 2);
    fake.now_ticks = 3000;
    notified(TIMER);
    CHECK(!fake.vcpus[0].suspended);
    arm_timer(5000); /* of which nobody knows any more */
    CHECK(guest_rests());
    check_asked(5000, 3);
}

static void a_later_time_is_asked_for_when_the_first_has_come(void)
{
    run();
    rest_until_the_disk_answers(5000);
    arm_timer(9000);
    CHECK(guest_rests());
    check_asked(5000, 1);
    fake.now_ticks = 5000;
    notified(TIMER);
    CHECK(fake.vcpus[0].suspended);
    check_asked(9000, 2);
    fake.now_ticks = 9000;
    notified(TIMER);
    CHECK(!fake.vcpus[0].suspended);
    check_asked(9000, 2);
}

static void a_time_that_comes_while_the_guest_runs_is_over(void)
{
    run();
    rest_until_the_disk_answers(5000);
    fake.now_ticks = 5000;
    notified(TIMER);
    CHECK(fake.vcpus[0].suspend_count == 1 && fake.vcpus[0].resume_count == 1);
    check_asked(5000, 1);
    arm_timer(9000);
    CHECK(guest_rests());
    check_asked(9000, 2);
}

/* Its own time was to be asked for next, had it rested on. */
static void a_guest_that_runs_asks_for_nothing(void)
{
    run();
    rest_until_the_disk_answers(5000);
    rest_until_the_disk_answers(9000);
    fake.now_ticks = 5000;
    notified(TIMER);
    check_asked(5000, 1);
}

/* The guest timer has not got round to notifying. */
static void a_time_that_has_passed_unnoticed_is_over(void)
{
    run();
    rest_until_the_disk_answers(5000);
    fake.now_ticks = 6000;
    arm_timer(9000);
    CHECK(guest_rests());
    check_asked(9000, 2);
    notified(TIMER); /* for the first */
    CHECK(fake.vcpus[0].suspended);
    check_asked(9000, 2);
}

static void a_vcpu_that_can_not_be_suspended_goes_on(void)
{
    run();
    arm_timer(5000);
    fake.vcpus[0].is_fixed = true;
    CHECK(guest_waits_in_vain());
    check_asked(0, 0);
    fake.vcpus[0].is_fixed = false;
    CHECK(guest_rests());
    check_asked(5000, 1);
}

static void a_vcpu_that_can_not_be_resumed_is_tried_again(void)
{
    boot();
    arm_timer(5000);
    CHECK(guest_rests());
    fake.now_ticks = 5000;
    fake.vcpus[0].is_fixed = true;
    notified(TIMER);
    CHECK(fake.vcpus[0].suspended);
    check_asked(5000, 1);
    fake.vcpus[0].is_fixed = false;
    notified(TIMER);
    CHECK(!fake.vcpus[0].suspended && fake.vcpus[0].resume_count == 1);
}

static void a_guest_that_is_stopped_is_not_woken(void)
{
    run();
    submit_read(0);
    arm_timer(5000);
    CHECK(!guest_access_without_syndrome(REGISTERS));
    virtualiser_answers(1);
    fake.now_ticks = 6000;
    notified(TIMER);
    CHECK(fake.vcpus[0].suspend_count == 0 && fake.vcpus[0].resume_count == 0);
    check_asked(0, 0);
}

static void a_disabled_interrupt_is_not_tried(void)
{
    run();
    CHECK(guest_disable(INTID));
    submit_read(0);
    virtualiser_answers(1);
    CHECK(guest_waits_for_event());
    CHECK(fake_injected(INTID) == 0 && fake.refused_count == 0);
    CHECK(guest_enable(INTID));
    CHECK(fake_injected(INTID) == 1);
}

/* As Linux does: masked late, when it comes again. */
static void an_interrupt_that_is_disabled_while_the_guest_has_it_is_not_tried(void)
{
    run();
    submit_read(0);
    virtualiser_answers(1);
    CHECK(guest_disable(INTID) && guest_end(INTID));
    CHECK(fake_injected(INTID) == 1 && fake.refused_count == 0);
    CHECK(guest_enable(INTID));
    CHECK(fake_injected(INTID) == 2);
}

#define DISABLE (UINT64_C(0x8000000) + 0x180)
#define INTID_WORD (INTID / 32u)
#define INTID_BIT (1u << INTID % 32u)

static void a_byte_of_a_register_disables_too(void)
{
    run();
    CHECK(guest_store(DISABLE + INTID / 8u, 1, 1u << INTID % 8u));
    submit_read(0);
    virtualiser_answers(1);
    CHECK(fake_injected(INTID) == 0 && fake.refused_count == 0);
}

static void what_disables_other_interrupts_leaves_this_one(void)
{
    uint64_t value;
    run();
    for (uint32_t word = 0; word < FAKE_INTIDS / 32u; word++) {
        const uint64_t bits = word == INTID_WORD ? ~INTID_BIT : UINT32_MAX;
        CHECK(guest_store(DISABLE + 4 * word, 4, bits | (uint64_t)INTID_BIT << 32));
    }
    CHECK(guest_load(DISABLE + 4 * INTID_WORD, 4, &value) && (uint32_t)value == INTID_BIT);
    submit_read(0);
    virtualiser_answers(1);
    CHECK(fake_injected(INTID) == 1);
}

#define BURST_TICKS (11 * FAKE_TICKS_IN_MS)
#define RUNNING_SHARE 32u
#define MOST_BURSTS 2u
#define FREE_BURSTS 10u

static bool stands_below(void)
{
    CHECK(fake.vcpus[0].below == 0 || fake.vcpus[0].below == FAKE_PRIORITY);
    return fake.vcpus[0].below != 0;
}

/* The VMM takes about that long for a fault, in parts. */
static void take_a_fault(uint64_t ticks)
{
    fake.look_ticks = ticks / 4;
    CHECK(guest_waits_for_event());
    fake.look_ticks = 0;
    CHECK(!fake.vcpus[0].suspended);
}

static uint32_t faults_until_it_stands_below(uint64_t ticks)
{
    uint32_t faults = 0;
    for (; !stands_below(); faults++) {
        CHECK(faults < 1000);
        take_a_fault(ticks);
    }
    return faults;
}

/* What is owed is paid, and no more than that: then it stands among the others again. Being told so takes time, too. */
static void check_it_comes_back_after(uint64_t least_ticks, uint64_t most_ticks)
{
    const uint64_t since_ticks = fake.now_ticks;
    fake.look_ticks = 10;
    for (uint32_t times = 0; stands_below(); times++) {
        CHECK(times < 3 && wake->wake_ticks > fake.now_ticks && wake->wake_ticks <= since_ticks + most_ticks);
        fake.now_ticks = wake->wake_ticks;
        notified(TIMER);
    }
    fake.look_ticks = 0;
    CHECK(fake.now_ticks - since_ticks >= least_ticks && !fake.vcpus[0].suspended);
}

static void a_guest_that_owes_more_than_a_burst_stands_below_until_all_is_paid(void)
{
    run();
    const uint32_t faults = faults_until_it_stands_below(BURST_TICKS / 8);
    CHECK(faults > 8 && faults < 32 && fake.notified_count[TIMER] == 1);
    const uint64_t until_ticks = wake->wake_ticks;
    CHECK(until_ticks - fake.now_ticks > BURST_TICKS * 3 / 4 && until_ticks - fake.now_ticks < 2 * BURST_TICKS);
    fake.now_ticks = until_ticks - 1;
    notified(TIMER);
    CHECK(stands_below());
    check_it_comes_back_after(1, 50);
    CHECK(fake.vcpus[0].suspend_count == 0 && fake.vcpus[0].priority_count == 2);
}

/* Nobody else wants the core. */
static void a_guest_that_stands_below_goes_on(void)
{
    run();
    (void)faults_until_it_stands_below(BURST_TICKS / 8);
    for (uint32_t i = 0; i < 100; i++) {
        take_a_fault(BURST_TICKS / 8);
    }
    CHECK(stands_below() && fake.vcpus[0].priority_count == 1);
    submit_read(0);
    arm_timer(fake.now_ticks + 10 * BURST_TICKS);
    CHECK(guest_rests());
    virtualiser_answers(1);
    CHECK(fake_injected(INTID) == 1 && !fake.vcpus[0].suspended && stands_below());
    check_it_comes_back_after(BURST_TICKS * 3 / 4, MOST_BURSTS * BURST_TICKS);
}

static void serve_for(uint64_t ticks)
{
    fake.look_ticks = ticks;
    notified(VIRT);
    fake.look_ticks = 0;
}

static uint32_t services_until_it_stands_below(void)
{
    uint32_t services = 0;
    for (; services < 100 && !stands_below(); services++) {
        serve_for(BURST_TICKS / 32);
    }
    return services;
}

/* There is nobody to be paid for what others do for it, for a while. */
static void a_guest_that_runs_although_it_stands_below_pays_for_its_vmm_only(void)
{
    run();
    const uint32_t services = services_until_it_stands_below();
    take_a_fault(BURST_TICKS / 100);
    CHECK(!stands_below() && fake.vcpus[0].priority_count == 2);
    for (uint32_t i = 0; i < services; i++) {
        serve_for(BURST_TICKS / 32);
    }
    CHECK(!stands_below());
    fake.now_ticks += FREE_BURSTS * BURST_TICKS;
    take_a_fault(BURST_TICKS / 100);
    CHECK(services_until_it_stands_below() <= services);
}

static void what_is_done_while_it_stands_below_is_owed_too(void)
{
    run();
    (void)faults_until_it_stands_below(BURST_TICKS / 8);
    const uint64_t until_ticks = wake->wake_ticks;
    fake.look_ticks = BURST_TICKS / 16;
    notified(VIRT);
    fake.look_ticks = 0;
    fake.now_ticks = until_ticks;
    notified(TIMER);
    CHECK(stands_below() && wake->wake_ticks > until_ticks);
    check_it_comes_back_after(BURST_TICKS / 4, MOST_BURSTS * BURST_TICKS);
}

/* Two requests are in flight, a third is in the ring, of which no kick told. */
static void owe_with_requests(void)
{
    run();
    submit_read(0);
    offer_read(3);
    CHECK(guest_waits_for_event() && block_queue_filled(&disk->requests.end) == 2);
    (void)faults_until_it_stands_below(BURST_TICKS / 8);
    offer_read(0);
}

static void who_owes_has_its_answers_and_asks_for_nothing_new(void)
{
    owe_with_requests();
    virtualiser_answers(1);
    virtualiser_answers(2);
    CHECK(driver_used_count(&disk->driver) == 2 && fake_injected(INTID) == 1 && stands_below());
    CHECK(block_queue_filled(&disk->requests.end) == 0 && driver_used_flags(&disk->driver) == 0);
}

static void what_who_owes_asks_for_is_taken_when_it_runs(void)
{
    owe_with_requests();
    virtualiser_answers(1);
    virtualiser_answers(2);
    CHECK(guest_waits_for_event() && block_queue_filled(&disk->requests.end) == 1);
}

static void a_kick_of_who_owes_is_heard(void)
{
    owe_with_requests();
    virtualiser_answers(1);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(block_queue_filled(&disk->requests.end) == 2);
}

/* Without one exit of the guest's. */
static void what_who_owed_asks_for_is_taken_when_it_has_paid(void)
{
    owe_with_requests();
    virtualiser_answers(1);
    virtualiser_answers(2);
    check_it_comes_back_after(1, 2 * BURST_TICKS);
    CHECK(block_queue_filled(&disk->requests.end) == 1);
}

/* And what others do for its disk: three times as much as faults alone. */
static void work_for_its_devices_is_charged_to_it(void)
{
    run();
    const uint32_t events = services_until_it_stands_below();
    CHECK(events * 3 >= 8 && events * 3 <= 32);
    check_it_comes_back_after(BURST_TICKS * 3 / 4, 2 * BURST_TICKS);
}

/* Between two faults: the way to the guest and back, which is never shorter. */
static void take_faults(uint32_t count, uint64_t way_ticks)
{
    for (uint32_t i = 0; i < count; i++) {
        fake.now_ticks += i % 2 == 0 ? way_ticks : way_ticks * 3;
        CHECK(guest_waits_for_event());
    }
}

static void the_kernels_way_is_charged_too(void)
{
    const uint64_t way_ticks = BURST_TICKS / 1000;
    fake.look_ticks = way_ticks;
    run();
    fake.look_ticks = 0;
    notified(VIRT);
    take_faults(1, 1); /* on its way already: that is no measure */
    take_faults(1300, way_ticks);
    CHECK(!stands_below());
    for (uint32_t count = 1300; count < 2300 && !stands_below(); count += 2) {
        take_faults(2, way_ticks);
    }
    CHECK(stands_below());
}

static void run_with_a_way_of(uint64_t ticks)
{
    fake.look_ticks = ticks;
    run();
    fake.look_ticks = 0;
    notified(VIRT);
    take_faults(20, ticks);
    CHECK(!stands_below());
}

/* However little time its VMM takes for them: here none. */
static void each_request_that_is_handed_on_has_a_price(void)
{
    uint32_t requests = 0;
    run_with_a_way_of(BURST_TICKS / 1000);
    for (; requests < 200 && fake.vcpus[0].priority_count == 0; requests++) {
        take_faults(1, BURST_TICKS / 1000);
        fake.now_ticks += BURST_TICKS / 1000;
        submit_read(0);
        virtualiser_answers(1);
        fake.now_ticks += BURST_TICKS / 1000;
        acknowledge_used();
        fake.now_ticks += BURST_TICKS / 1000;
        CHECK(guest_end(INTID));
    }
    CHECK(requests > 28 && requests <= 40);
}

/* As long as nobody else works for it. */
static void what_its_vmm_refuses_has_no_price(void)
{
    run_with_a_way_of(BURST_TICKS / 1000);
    for (uint32_t i = 0; i < 40; i++) {
        driver_chain(&disk->driver, 0, &(struct virtq_desc){ HEADER, 16, 0, 0 }, 1);
        driver_submit(&disk->driver, 0);
        fake.now_ticks += BURST_TICKS / 1000;
        set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    }
    CHECK(driver_used_count(&disk->driver) == 40 && !stands_below());
}

static void time_that_the_guest_rests_pays_all_of_it(void)
{
    run();
    for (uint32_t i = 0; i < 100; i++) {
        take_a_fault(BURST_TICKS / 4);
        arm_timer(fake.now_ticks + BURST_TICKS / 2);
        CHECK(guest_rests());
        fake.now_ticks += BURST_TICKS / 2;
        notified(TIMER);
        CHECK(!fake.vcpus[0].suspended && !stands_below());
    }
}

static void time_that_it_runs_pays_little(void)
{
    run();
    for (uint32_t i = 0; i < 100; i++) {
        take_a_fault(BURST_TICKS / 8);
        fake.now_ticks += RUNNING_SHARE * BURST_TICKS / 8;
    }
    CHECK(!stands_below());
    for (uint32_t i = 0; !stands_below(); i++) {
        CHECK(i < 50);
        take_a_fault(BURST_TICKS / 8);
        fake.now_ticks += BURST_TICKS;
    }
}

static void what_others_took_in_between_is_not_charged_without_end(void)
{
    run();
    take_a_fault(16 * BURST_TICKS);
    CHECK(!stands_below());
    take_a_fault(16 * BURST_TICKS);
    CHECK(stands_below() && fake.notified_count[TIMER] == 1);
    check_it_comes_back_after(1, 2 * BURST_TICKS);
}

static void a_priority_that_the_kernel_refuses_is_tried_again(void)
{
    run();
    take_a_fault(1000 * BURST_TICKS);
    fake.vcpus[0].is_fixed = true;
    take_a_fault(BURST_TICKS);
    CHECK(!stands_below());
    fake.vcpus[0].is_fixed = false;
    take_a_fault(BURST_TICKS / 8);
    CHECK(stands_below());
    fake.vcpus[0].is_fixed = true;
    fake.now_ticks += 10 * BURST_TICKS;
    notified(TIMER);
    CHECK(stands_below() && wake->wake_ticks <= fake.now_ticks);
    fake.vcpus[0].is_fixed = false;
    CHECK(guest_waits_for_event() && !stands_below());
}

#define SYSTEM_RESET 0x84000009u

static void a_guest_rests_after_a_reset_as_before(void)
{
    run();
    rest_until_the_disk_answers(5000);
    CHECK(!guest_calls(SYSTEM_RESET));
    CHECK(!fake.vcpus[0].suspended);
    arm_timer(9000);
    CHECK(guest_rests());
    check_asked(5000, 1);
    fake.now_ticks = 5000;
    notified(TIMER);
    CHECK(fake.vcpus[0].suspended);
    check_asked(9000, 2);
    fake.now_ticks = 9000;
    notified(TIMER);
    CHECK(!fake.vcpus[0].suspended);
}

static void a_guest_that_is_stopped_at_a_reset_is_not_woken(void)
{
    run();
    submit_read(0);
    virtualiser_answers(1);
    fake.vcpus[0].took = true;
    CHECK(!guest_calls(SYSTEM_RESET) && !fake.vcpus[0].suspended);
    CHECK(!guest_store(REGISTERS, 4, 0)); /* without having ended it */
    notified(VIRT);
    notified(TIMER);
    CHECK(fake.vcpus[0].suspended && fake.vcpus[0].resume_count == 0);
}

static void a_guest_that_starts_again_owes_what_it_owed(void)
{
    run();
    const uint32_t faults = faults_until_it_stands_below(BURST_TICKS / 8);
    check_it_comes_back_after(1, 2 * BURST_TICKS);
    for (uint32_t i = 0; i < faults / 2; i++) {
        take_a_fault(BURST_TICKS / 8);
    }
    CHECK(!guest_calls(SYSTEM_RESET) && !fake.vcpus[0].suspended && !stands_below());
    CHECK(faults_until_it_stands_below(BURST_TICKS / 8) <= faults - faults / 2);
}

static void a_guest_that_is_stopped_is_not_owed_for(void)
{
    run();
    (void)faults_until_it_stands_below(BURST_TICKS / 8);
    CHECK(!guest_access_without_syndrome(REGISTERS));
    fake.now_ticks = wake->wake_ticks;
    const uint32_t asked = fake.notified_count[TIMER];
    notified(TIMER);
    CHECK(!stands_below() && fake.notified_count[TIMER] == asked);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_guest_that_waits_is_suspended_until_an_interrupt_is_injected),
    UNIT_TEST(an_interrupt_that_is_disabled_does_not_wake),
    UNIT_TEST(an_interrupt_while_the_controller_is_off_does_not_wake),
    UNIT_TEST(an_interrupt_that_rose_while_the_controller_was_off_comes_when_it_is_on),
    UNIT_TEST(an_interrupt_that_comes_before_the_controller_is_first_on_is_not_lost),
    UNIT_TEST(a_wait_that_began_before_an_injection_is_over),
    UNIT_TEST(an_interrupt_that_the_guest_waited_to_enable_is_taken_before_a_rest),
    UNIT_TEST(a_guest_that_waits_for_an_event_goes_on),
    UNIT_TEST(a_guest_whose_timer_is_due_does_not_rest),
    UNIT_TEST(a_timer_that_can_not_fire_is_not_waited_for),
    UNIT_TEST(a_guest_at_rest_is_woken_when_its_timer_is_due),
    UNIT_TEST(an_early_notification_does_not_wake),
    UNIT_TEST(a_time_is_asked_for_once),
    UNIT_TEST(an_earlier_time_is_asked_for_at_once),
    UNIT_TEST(a_later_time_is_asked_for_when_the_first_has_come),
    UNIT_TEST(a_time_that_comes_while_the_guest_runs_is_over),
    UNIT_TEST(a_guest_that_runs_asks_for_nothing),
    UNIT_TEST(a_time_that_has_passed_unnoticed_is_over),
    UNIT_TEST(a_vcpu_that_can_not_be_suspended_goes_on),
    UNIT_TEST(a_vcpu_that_can_not_be_resumed_is_tried_again),
    UNIT_TEST(a_guest_that_is_stopped_is_not_woken),
    UNIT_TEST(a_disabled_interrupt_is_not_tried),
    UNIT_TEST(an_interrupt_that_is_disabled_while_the_guest_has_it_is_not_tried),
    UNIT_TEST(a_byte_of_a_register_disables_too),
    UNIT_TEST(what_disables_other_interrupts_leaves_this_one),
    UNIT_TEST(a_guest_that_owes_more_than_a_burst_stands_below_until_all_is_paid),
    UNIT_TEST(a_guest_that_stands_below_goes_on),
    UNIT_TEST(a_guest_that_runs_although_it_stands_below_pays_for_its_vmm_only),
    UNIT_TEST(what_is_done_while_it_stands_below_is_owed_too),
    UNIT_TEST(who_owes_has_its_answers_and_asks_for_nothing_new),
    UNIT_TEST(what_who_owes_asks_for_is_taken_when_it_runs),
    UNIT_TEST(a_kick_of_who_owes_is_heard),
    UNIT_TEST(what_who_owed_asks_for_is_taken_when_it_has_paid),
    UNIT_TEST(work_for_its_devices_is_charged_to_it),
    UNIT_TEST(the_kernels_way_is_charged_too),
    UNIT_TEST(each_request_that_is_handed_on_has_a_price),
    UNIT_TEST(what_its_vmm_refuses_has_no_price),
    UNIT_TEST(time_that_the_guest_rests_pays_all_of_it),
    UNIT_TEST(time_that_it_runs_pays_little),
    UNIT_TEST(what_others_took_in_between_is_not_charged_without_end),
    UNIT_TEST(a_priority_that_the_kernel_refuses_is_tried_again),
    UNIT_TEST(a_guest_rests_after_a_reset_as_before),
    UNIT_TEST(a_guest_that_is_stopped_at_a_reset_is_not_woken),
    UNIT_TEST(a_guest_that_starts_again_owes_what_it_owed),
    UNIT_TEST(a_guest_that_is_stopped_is_not_owed_for),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
