/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: sockets stand for UIO devices, so that each step of an interrupt can be seen. */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sdfgen/uio_loop.h>

#include "unit.h"

static const struct uio_device_entry entries[] = {
    { .name = "with", .interrupt = true },
    { .name = "without", .interrupt = false },
};
static struct uio_loop loop;
static struct uio uio = { .device_count = 2, .devices = { { .entry = &entries[0] }, { .entry = &entries[1] } } };
static int line; /* the kernel's end of the first device */

static void set_up(void)
{
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    line = ends[0];
    uio.devices[0].fd = ends[1];
    uio.devices[1].fd = -1;
    CHECK(uio_loop_open(&loop));
}

static void interrupt(void)
{
    const int32_t count = 1;
    CHECK(send(line, &count, sizeof(count), 0) == (ssize_t)sizeof(count));
}

/* How often the interrupt was turned on since the last call. */
static int enables(void)
{
    int count = 0;
    int32_t word;
    while (recv(line, &word, sizeof(word), MSG_DONTWAIT) == (ssize_t)sizeof(word)) {
        CHECK(word == 1);
        count++;
    }
    return count;
}

/* What a callback saw: how often the interrupt had been turned on before each of its calls. */
struct history {
    int calls;
    int enables[8];
    int stop_at;
};

static void note(void *context)
{
    struct history *history = context;
    CHECK(history->calls < 8);
    history->enables[history->calls++] = enables();
    if (history->calls == history->stop_at) {
        uio_loop_stop(&loop);
    }
}

static void interrupts_start_turned_on_and_with_a_look(void)
{
    struct history history = { .stop_at = 1 };
    set_up();
    CHECK(uio_loop_add_interrupts(&loop, &uio, note, &history));
    CHECK(enables() == 0);
    CHECK(uio_loop_run(&loop));
    CHECK(history.enables[0] == 1);
}

/* Work that was queued while it was off is found, and what is queued later brings an interrupt. */
static void the_interrupt_is_turned_on_before_the_queue_is_looked_at(void)
{
    struct history history = { .stop_at = 2 };
    set_up();
    interrupt();
    CHECK(uio_loop_add_interrupts(&loop, &uio, note, &history));
    CHECK(uio_loop_run(&loop));
    CHECK(history.enables[1] == 1);
    CHECK(enables() == 0);
}

static void note_and_interrupt(void *context)
{
    const struct history *history = context;
    if (history->calls < 3) {
        interrupt();
    }
    note(context);
}

static void an_interrupt_during_a_look_brings_another_look(void)
{
    struct history history = { .stop_at = 4 };
    set_up();
    CHECK(uio_loop_add_interrupts(&loop, &uio, note_and_interrupt, &history));
    CHECK(uio_loop_run(&loop));
    for (int i = 0; i < 4; i++) {
        CHECK(history.enables[i] == 1);
    }
}

static void each_interrupt_brings_one_look(void)
{
    struct history history = { .stop_at = 4 };
    set_up();
    interrupt();
    interrupt();
    interrupt();
    CHECK(uio_loop_add_interrupts(&loop, &uio, note, &history));
    CHECK(uio_loop_run(&loop));
    for (int i = 0; i < 4; i++) {
        CHECK(history.enables[i] == 1);
    }
}

static void stopping_in_a_look_leaves_later_interrupts_unanswered(void)
{
    struct history history = { .stop_at = 2 };
    set_up();
    interrupt();
    interrupt();
    CHECK(uio_loop_add_interrupts(&loop, &uio, note, &history));
    CHECK(uio_loop_run(&loop));
    CHECK(history.calls == 2 && enables() == 0);
}

static void never(void *context)
{
    (void)context;
    CHECK(!"called");
}

/* Its descriptor is none here: polling it would fail. */
static void a_device_without_an_interrupt_is_never_polled(void)
{
    struct history history = { .stop_at = 1 };
    set_up();
    CHECK(uio_loop_add_interrupts(&loop, &uio, note, &history));
    CHECK(loop.source_count == 1);
    CHECK(uio_loop_run(&loop));
}

static void count_and_read(void *context)
{
    eventfd_t value;
    CHECK(eventfd_read(*(int *)context, &value) == 0);
    uio_loop_stop(&loop);
}

static void any_descriptor_can_be_an_event(void)
{
    int event = eventfd(1, 0);
    set_up();
    CHECK(uio_loop_add(&loop, event, count_and_read, &event));
    CHECK(uio_loop_run(&loop));
}

static int first_event;

static void note_event(void *context)
{
    eventfd_t value;
    CHECK(eventfd_read(*(int *)context, &value) == 0);
    first_event = first_event == 0 ? 1 : first_event;
    uio_loop_stop(&loop);
}

static void note_interrupt(void *context)
{
    bool *started = context;
    if (*started) {
        first_event = first_event == 0 ? 2 : first_event;
    }
    *started = true;
}

/* While an interrupt is turned off, another costs Linux three accesses to its interrupt controller. */
static void interrupts_come_before_other_events(void)
{
    int event = eventfd(1, 0);
    bool started = false;
    set_up();
    CHECK(uio_loop_add(&loop, event, note_event, &event));
    CHECK(uio_loop_add_interrupts(&loop, &uio, note_interrupt, &started));
    interrupt();
    CHECK(uio_loop_run(&loop));
    CHECK(first_event == 2);
}

static void stop(void *context)
{
    *(bool *)context = true;
    uio_loop_stop(&loop);
}

static void signals_are_events(void)
{
    static const int signals[] = { SIGTERM, SIGINT };
    for (int i = 0; i < 2; i++) {
        bool called = false;
        set_up();
        CHECK(uio_loop_add_signals(&loop, stop, &called));
        CHECK(kill(getpid(), signals[i]) == 0);
        CHECK(uio_loop_run(&loop) && called);
        uio_loop_close(&loop);
    }
}

static int agains;

static void want_again(void *context)
{
    agains++;
    uio_loop_again(&loop, want_again, context);
}

/* A driver that always has more to do can't keep the end away. */
static void other_events_have_their_turn_before_another_one(void)
{
    bool called = false;
    set_up();
    CHECK(uio_loop_add_signals(&loop, stop, &called));
    uio_loop_again(&loop, want_again, NULL);
    uio_loop_again(&loop, want_again, NULL);
    CHECK(kill(getpid(), SIGTERM) == 0);
    CHECK(uio_loop_run(&loop));
    CHECK(called && agains == 0);
}

static void again_once(void *context)
{
    if (++agains == 5) {
        uio_loop_stop(&loop);
    } else if (agains < 5) {
        uio_loop_again(&loop, again_once, context);
    }
}

static void another_turn_comes_without_an_event(void)
{
    set_up();
    uio_loop_again(&loop, again_once, NULL);
    CHECK(uio_loop_run(&loop));
    CHECK(agains == 5);
}

static int asked;

/* There is work until the third time. */
static bool may_sleep_the_third_time(void *context)
{
    if (++asked < 3) {
        uio_loop_again(&loop, again_once, context);
        return false;
    }
    CHECK(kill(getpid(), SIGTERM) == 0);
    return true;
}

static void a_loop_asks_whether_it_may_sleep(void)
{
    bool called = false;
    set_up();
    uio_loop_before_sleep(&loop, may_sleep_the_third_time, NULL);
    CHECK(uio_loop_add_signals(&loop, stop, &called));
    agains = 10; /* each is one call */
    CHECK(uio_loop_run(&loop));
    CHECK(called && asked == 3 && agains == 12);
}

static bool no_sleep_and_an_end(void *context)
{
    (void)context;
    uio_loop_stop(&loop);
    return false;
}

/* Nothing is there, and nothing comes. */
static void a_loop_that_may_not_sleep_does_not(void)
{
    set_up();
    uio_loop_before_sleep(&loop, no_sleep_and_an_end, NULL);
    CHECK(uio_loop_run(&loop));
}

static bool says(const char *words)
{
    return strstr(loop.message, words) != NULL;
}

static void a_device_that_goes_away_is_an_error(void)
{
    struct history history = { .stop_at = 8 };
    set_up();
    CHECK(uio_loop_add_interrupts(&loop, &uio, note, &history));
    CHECK(shutdown(line, SHUT_WR) == 0);
    CHECK(!uio_loop_run(&loop));
    CHECK(says("can't read a UIO interrupt"));
}

static void a_short_count_is_an_error(void)
{
    struct history history = { .stop_at = 8 };
    set_up();
    CHECK(uio_loop_add_interrupts(&loop, &uio, note, &history));
    CHECK(send(line, "ab", 2, 0) == 2);
    CHECK(!uio_loop_run(&loop));
    CHECK(says("can't read a UIO interrupt"));
}

static void an_interrupt_that_can_not_be_turned_on_is_an_error(void)
{
    set_up();
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    CHECK(uio_loop_add_interrupts(&loop, &uio, never, NULL));
    CHECK(close(line) == 0);
    CHECK(!uio_loop_run(&loop));
    CHECK(says("can't turn a UIO interrupt on: Broken pipe"));
}

static void a_file_is_no_event(void)
{
    set_up();
    int file = open("/proc/self/exe", O_RDONLY);
    CHECK(!uio_loop_add(&loop, file, never, NULL));
    CHECK(says("can't wait for a descriptor: Operation not permitted"));
}

static void there_is_an_end_to_sources(void)
{
    set_up();
    for (uint32_t i = 0; i < UIO_LOOP_MAX_SOURCES; i++) {
        CHECK(uio_loop_add(&loop, eventfd(0, 0), never, NULL));
    }
    CHECK(!uio_loop_add(&loop, eventfd(0, 0), never, NULL));
    CHECK(says("too many event sources"));
}

static void a_notification_is_a_store(void)
{
    uint32_t page = 0;
    uio_notify(&page, 3);
    CHECK(page == 3);
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(interrupts_start_turned_on_and_with_a_look),
        UNIT_TEST(the_interrupt_is_turned_on_before_the_queue_is_looked_at),
        UNIT_TEST(an_interrupt_during_a_look_brings_another_look),
        UNIT_TEST(each_interrupt_brings_one_look),
        UNIT_TEST(stopping_in_a_look_leaves_later_interrupts_unanswered),
        UNIT_TEST(a_device_without_an_interrupt_is_never_polled),
        UNIT_TEST(any_descriptor_can_be_an_event),
        UNIT_TEST(interrupts_come_before_other_events),
        UNIT_TEST(signals_are_events),
        UNIT_TEST(other_events_have_their_turn_before_another_one),
        UNIT_TEST(another_turn_comes_without_an_event),
        UNIT_TEST(a_loop_asks_whether_it_may_sleep),
        UNIT_TEST(a_loop_that_may_not_sleep_does_not),
        UNIT_TEST(a_device_that_goes_away_is_an_error),
        UNIT_TEST(a_short_count_is_an_error),
        UNIT_TEST(an_interrupt_that_can_not_be_turned_on_is_an_error),
        UNIT_TEST(a_file_is_no_event),
        UNIT_TEST(there_is_an_end_to_sources),
        UNIT_TEST(a_notification_is_a_store),
    };
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
