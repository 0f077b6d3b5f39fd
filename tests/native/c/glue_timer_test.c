/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest timer's PD with the interrupt of the physical timer. */
#include "glue_timer_rig.h"

#define IRQ guest_timer_config.irq_channel

/* It waits for its interrupt. */
void seL4_Yield(void)
{
    CHECK(!guest_timer_config.has_interrupt);
}

static void check_alarm(uint64_t ticks, uint32_t count)
{
    CHECK(alarm_count == count && alarms[count - 1] == ticks);
}

static void the_alarm_is_off_until_a_vmm_asks(void)
{
    start();
    CHECK(guest_timer_config.has_interrupt);
    check_alarm(GUEST_TIMER_NEVER, 1);
    CHECK(fake_notifications() == 0 && fake.acknowledged_count[IRQ] == 0);
}

static void the_alarm_is_set_to_the_earliest_time(void)
{
    start();
    ask(0, 900);
    check_alarm(900, 2);
    ask(1, 500);
    check_alarm(500, 3);
    ask(2, 700);
    check_alarm(500, 4);
    CHECK(fake_notifications() == 0);
}

static void the_interrupt_wakes_who_is_due_and_sets_the_alarm_for_the_next(void)
{
    start();
    ask(0, 900);
    ask(1, 500);
    fake.now_ticks = 500;
    notified(IRQ);
    CHECK(fake.notified_count[VMM(1)] == 1 && fake_notifications() == 1);
    check_alarm(900, 4);
    fake.now_ticks = 901;
    notified(IRQ);
    CHECK(fake.notified_count[VMM(0)] == 1 && fake_notifications() == 2);
    check_alarm(GUEST_TIMER_NEVER, 5);
}

static void only_the_interrupt_is_acknowledged(void)
{
    start();
    ask(0, 900);
    for (uint32_t i = 0; i < MICROKIT_MAX_CHANNELS; i++) {
        CHECK(fake.acknowledged_count[i] == 0);
    }
    notified(IRQ);
    CHECK(fake.acknowledged_count[IRQ] == 1);
    fake.now_ticks = 900;
    notified(IRQ);
    CHECK(fake.acknowledged_count[IRQ] == 2);
    ask(1, 950);
    CHECK(fake.acknowledged_count[IRQ] == 2);
}

static void a_time_that_is_past_is_answered_at_once(void)
{
    start();
    fake.now_ticks = 1000;
    ask(2, 999);
    CHECK(fake.notified_count[VMM(2)] == 1 && fake_notifications() == 1);
    check_alarm(GUEST_TIMER_NEVER, 2);
}

static void the_line_falls_before_the_kernel_unmasks_it(void)
{
    start();
    ask(0, 900);
    ask(1, 950);
    fake.now_ticks = 900;
    notified(IRQ);
    CHECK(alarm_count == 4 && acknowledged[3] == 0);
    fake.now_ticks = 950;
    notified(IRQ);
    CHECK(alarm_count == 5 && acknowledged[4] == 1);
}

/* A guest may have set the timer to another time meanwhile. */
static void any_notification_sets_the_alarm_anew(void)
{
    start();
    ask(0, 900);
    for (uint32_t i = 0; i < VMMS; i++) {
        notified(VMM(i));
        check_alarm(900, 3 + i);
    }
    notified(IRQ);
    check_alarm(900, 3 + VMMS);
    CHECK(fake_notifications() == 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(the_alarm_is_off_until_a_vmm_asks),
    UNIT_TEST(the_alarm_is_set_to_the_earliest_time),
    UNIT_TEST(the_interrupt_wakes_who_is_due_and_sets_the_alarm_for_the_next),
    UNIT_TEST(only_the_interrupt_is_acknowledged),
    UNIT_TEST(the_line_falls_before_the_kernel_unmasks_it),
    UNIT_TEST(a_time_that_is_past_is_answered_at_once),
    UNIT_TEST(any_notification_sets_the_alarm_anew),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
