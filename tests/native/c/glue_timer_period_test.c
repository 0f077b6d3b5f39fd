/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest timer's PD without an interrupt: its period is the clock's. */
#include "glue_timer_rig.h"

#define PERIOD_TICKS 100u

static uint32_t yields;
static void (*meanwhile)(void); /* while it has yielded */

void seL4_Yield(void)
{
    CHECK(++yields < 100);
    fake.now_ticks += PERIOD_TICKS;
    if (meanwhile != NULL) {
        meanwhile();
    }
}

static void it_sleeps_until_a_vmm_asks(void)
{
    start();
    CHECK(!guest_timer_config.has_interrupt);
    notified(VMM(0));
    CHECK(yields == 0 && fake_notifications() == 0);
}

static void it_looks_once_a_period_while_a_vmm_waits(void)
{
    start();
    ask(1, 950);
    CHECK(yields == 10);
    CHECK(fake.notified_count[VMM(1)] == 1 && fake_notifications() == 1);
    notified(VMM(1));
    CHECK(yields == 10 && fake_notifications() == 1);
}

static void a_time_that_is_past_is_answered_at_once(void)
{
    start();
    fake.now_ticks = 1000;
    ask(2, 1000);
    CHECK(yields == 0 && fake.notified_count[VMM(2)] == 1);
}

static void ask_for_more(void)
{
    pages[0]->wake_ticks = yields == 1 ? 500 : pages[0]->wake_ticks;
    pages[2]->wake_ticks = yields == 2 ? 1500 : pages[2]->wake_ticks;
}

static void it_goes_on_until_nobody_waits(void)
{
    start();
    meanwhile = ask_for_more;
    ask(1, 300);
    CHECK(yields == 15);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(fake.notified_count[VMM(i)] == 1);
    }
    CHECK(fake_notifications() == 3);
}

static void give_up(void)
{
    pages[0]->wake_ticks = yields == 3 ? GUEST_TIMER_NEVER : pages[0]->wake_ticks;
}

static void a_vmm_that_waits_no_more_is_not_waited_for(void)
{
    start();
    meanwhile = give_up;
    ask(0, 5000);
    CHECK(yields == 3 && fake_notifications() == 0);
}

/* It may not be the domain's to touch. */
static void the_cores_timer_is_left_alone(void)
{
    start();
    ask(0, 500);
    CHECK(alarm_count == 0);
    for (uint32_t i = 0; i < MICROKIT_MAX_CHANNELS; i++) {
        CHECK(fake.acknowledged_count[i] == 0);
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(it_sleeps_until_a_vmm_asks),
    UNIT_TEST(it_looks_once_a_period_while_a_vmm_waits),
    UNIT_TEST(a_time_that_is_past_is_answered_at_once),
    UNIT_TEST(it_goes_on_until_nobody_waits),
    UNIT_TEST(a_vmm_that_waits_no_more_is_not_waited_for),
    UNIT_TEST(the_cores_timer_is_left_alone),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
