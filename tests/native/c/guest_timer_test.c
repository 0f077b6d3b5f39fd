/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest timer's core: who is woken at which time, whatever the VMMs write. */
#include <sdfgen/guest_timer.h>

#include "unit.h"

#define VMMS 3u
#define CHANNEL 10u /* of the first VMM; the others' follow */

static struct guest_timer_page pages[VMMS];
static struct guest_timer_connection vmms[VMMS];
static struct guest_timer_config config = { .vmms = vmms, .vmm_count = VMMS };
static uint64_t woken[VMMS];
static uint32_t wakes[VMMS];
static void (*meanwhile)(uint32_t vmm); /* what a VMM does as soon as it is woken */

static void connect(void)
{
    for (uint32_t i = 0; i < VMMS; i++) {
        vmms[i] = (struct guest_timer_connection){ .page_vaddr = (uintptr_t)&pages[i], .channel = CHANNEL + i };
    }
}

static void wake(uint32_t channel)
{
    CHECK(channel >= CHANNEL && channel < CHANNEL + VMMS);
    wakes[channel - CHANNEL]++;
    if (meanwhile != NULL) {
        meanwhile(channel - CHANNEL);
    }
}

static uint64_t step(uint64_t now_ticks)
{
    return guest_timer_step(&config, woken, now_ticks, wake);
}

static void check_wakes(uint32_t first, uint32_t second, uint32_t third)
{
    CHECK(wakes[0] == first && wakes[1] == second && wakes[2] == third);
}

static void nobody_is_woken_before_a_time_is_written(void)
{
    connect();
    CHECK(step(0) == GUEST_TIMER_NEVER && step(1000) == GUEST_TIMER_NEVER);
    CHECK(step(GUEST_TIMER_NEVER) == GUEST_TIMER_NEVER);
    check_wakes(0, 0, 0);
}

static void a_vmm_is_woken_when_its_time_has_come(void)
{
    connect();
    pages[1].wake_ticks = 500;
    CHECK(step(499) == 500);
    check_wakes(0, 0, 0);
    CHECK(step(500) == GUEST_TIMER_NEVER);
    check_wakes(0, 1, 0);
}

static void a_vmm_is_woken_once_for_a_time(void)
{
    connect();
    pages[0].wake_ticks = 500;
    for (uint64_t now = 500; now < 504; now++) {
        CHECK(step(now) == GUEST_TIMER_NEVER);
        check_wakes(1, 0, 0);
    }
    pages[0].wake_ticks = 502; /* past as well, but another */
    CHECK(step(504) == GUEST_TIMER_NEVER);
    check_wakes(2, 0, 0);
}

static void the_earliest_of_the_times_to_come_is_next(void)
{
    connect();
    pages[0].wake_ticks = 900;
    pages[1].wake_ticks = 400;
    pages[2].wake_ticks = 700;
    CHECK(step(100) == 400);
    CHECK(step(400) == 700);
    check_wakes(0, 1, 0);
    CHECK(step(800) == 900);
    check_wakes(0, 1, 1);
    pages[1].wake_ticks = 850;
    CHECK(step(801) == 850);
    CHECK(step(900) == GUEST_TIMER_NEVER);
    check_wakes(1, 2, 1);
}

static void vmms_of_the_same_time_are_all_woken(void)
{
    connect();
    for (uint32_t i = 0; i < VMMS; i++) {
        pages[i].wake_ticks = 500;
    }
    CHECK(step(500) == GUEST_TIMER_NEVER);
    check_wakes(1, 1, 1);
}

static void never_does_not_come(void)
{
    connect();
    pages[0].wake_ticks = GUEST_TIMER_NEVER;
    pages[1].wake_ticks = GUEST_TIMER_NEVER - 1;
    CHECK(step(0) == GUEST_TIMER_NEVER - 1);
    CHECK(step(GUEST_TIMER_NEVER - 2) == GUEST_TIMER_NEVER - 1);
    check_wakes(0, 0, 0);
    CHECK(step(GUEST_TIMER_NEVER - 1) == GUEST_TIMER_NEVER);
    check_wakes(0, 1, 0);
}

static void zero_is_a_time_that_is_past(void)
{
    connect();
    pages[2].wake_ticks = 500;
    CHECK(step(500) == GUEST_TIMER_NEVER);
    pages[2].wake_ticks = 0;
    CHECK(step(500) == GUEST_TIMER_NEVER && step(501) == GUEST_TIMER_NEVER);
    check_wakes(0, 0, 2);
}

/* Between the step's look at the page and its end. */
static void ask_for_a_later_time(uint32_t vmm)
{
    pages[vmm].wake_ticks = 900;
}

static void a_time_that_is_written_meanwhile_is_not_taken_for_the_one_that_came(void)
{
    connect();
    meanwhile = ask_for_a_later_time;
    pages[0].wake_ticks = 500;
    CHECK(step(500) == GUEST_TIMER_NEVER);
    check_wakes(1, 0, 0);
    CHECK(step(500) == 900);
    CHECK(step(900) == GUEST_TIMER_NEVER);
    check_wakes(2, 0, 0);
}

/* A VMM that is never content is woken once a step. */
static void ask_for_the_past(uint32_t vmm)
{
    pages[vmm].wake_ticks--;
}

static void a_step_ends_whatever_a_vmm_writes(void)
{
    connect();
    meanwhile = ask_for_the_past;
    pages[0].wake_ticks = 500;
    pages[1].wake_ticks = 800;
    for (uint32_t i = 1; i < 20; i++) {
        CHECK(step(600) == 800);
        check_wakes(i, 0, 0);
    }
}

static void without_a_vmm_nothing_comes(void)
{
    const struct guest_timer_config none = { .vmms = NULL };
    CHECK(guest_timer_step(&none, woken, 1000, wake) == GUEST_TIMER_NEVER);
    check_wakes(0, 0, 0);
}

static void pages_are_only_read(void)
{
    connect();
    pages[0].wake_ticks = 500;
    pages[1].wake_ticks = 900;
    (void)step(600);
    CHECK(pages[0].wake_ticks == 500 && pages[1].wake_ticks == 900 && pages[2].wake_ticks == 0);
    CHECK(woken[0] == 500 && woken[1] == 0 && woken[2] == 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(nobody_is_woken_before_a_time_is_written),
    UNIT_TEST(a_vmm_is_woken_when_its_time_has_come),
    UNIT_TEST(a_vmm_is_woken_once_for_a_time),
    UNIT_TEST(the_earliest_of_the_times_to_come_is_next),
    UNIT_TEST(vmms_of_the_same_time_are_all_woken),
    UNIT_TEST(never_does_not_come),
    UNIT_TEST(zero_is_a_time_that_is_past),
    UNIT_TEST(a_time_that_is_written_meanwhile_is_not_taken_for_the_one_that_came),
    UNIT_TEST(a_step_ends_whatever_a_vmm_writes),
    UNIT_TEST(without_a_vmm_nothing_comes),
    UNIT_TEST(pages_are_only_read),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
