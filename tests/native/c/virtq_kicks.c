/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications from the driver: none is lost, while it and the device race. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>

#include "driver_side.h"
#include "virtq_tests.h"

_Alignas(4096) static uint8_t low[RAM_BYTES];
_Alignas(4096) static uint8_t high[RAM_BYTES];
static struct driver driver;
static struct virtq queue;
static struct virtq_chain chain;
static const struct virtq_desc one_byte[] = { { STATUS, 1, WRITE, 0 } };

static void start(uint32_t size, uint16_t index, bool event_idx)
{
    driver_init(&driver, low, high, RAM_BYTES, size);
    driver_ring(&driver, size, index);
    CHECK(virtq_start(&queue, &driver.ram, &driver.geometry, event_idx, true) == VIRTQ_OK);
}

static enum virtq_popped pop(void)
{
    return virtq_pop(&queue, &driver.ram, &chain);
}

static void what_comes_before_kicks_are_enabled_is_seen(void)
{
    for (int event_idx = 0; event_idx < 2; event_idx++) {
        start(8, 0xffff, event_idx == 1);
        driver_chain(&driver, 0, one_byte, 1);
        virtq_disable_kicks(&queue);
        CHECK(pop() == VIRTQ_EMPTY);
        driver_submit(&driver, 0);
        CHECK(virtq_enable_kicks(&queue));
        CHECK(pop() == VIRTQ_CHAIN && !virtq_enable_kicks(&queue));
        CHECK(event_idx == 1 ? driver_avail_event(&driver) == 0 : driver_used_flags(&driver) == 0);
    }
}

enum { RACE_CHAINS = 20000, PATIENCE = 200000000 };
static uint32_t kicks;
static uint32_t asleep;

static bool kick_wanted(bool event_idx, uint16_t old)
{
    volatile uint16_t *event = (volatile uint16_t *)(void *)driver_at(&driver, driver.geometry.used_gpa + 4 + 8 * 8);
    volatile uint16_t *flags = (volatile uint16_t *)(void *)driver_at(&driver, driver.geometry.used_gpa);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!event_idx) {
        return (__atomic_load_n(flags, __ATOMIC_RELAXED) & 1) == 0;
    }
    return (uint16_t)(driver.avail_idx - __atomic_load_n(event, __ATOMIC_RELAXED) - 1) <
           (uint16_t)(driver.avail_idx - old);
}

/* A driver that makes one chain available at a time, and kicks only when it was asked to. */
static void *race_driver(void *event_idx)
{
    volatile uint16_t *used_idx = (volatile uint16_t *)(void *)driver_at(&driver, driver.geometry.used_gpa + 2);
    volatile uint16_t *avail_idx = (volatile uint16_t *)(void *)driver_at(&driver, driver.geometry.avail_gpa + 2);
    for (uint32_t i = 0; i < RACE_CHAINS; i++) {
        uint16_t old = driver.avail_idx;
        driver_offer(&driver, 0);
        __atomic_store_n(avail_idx, driver.avail_idx, __ATOMIC_RELEASE);
        if (kick_wanted(event_idx != NULL, old)) {
            __atomic_add_fetch(&kicks, 1, __ATOMIC_SEQ_CST);
        }
        for (uint32_t spins = 0; __atomic_load_n(used_idx, __ATOMIC_ACQUIRE) != driver.avail_idx; spins++) {
            CHECK(spins < PATIENCE);
            if (__atomic_load_n(&asleep, __ATOMIC_RELAXED) || spins > 100) {
                (void)sched_yield();
            }
        }
    }
    return NULL;
}

static uint32_t race_drain(void)
{
    uint32_t done = 0;
    virtq_disable_kicks(&queue);
    do {
        while (pop() == VIRTQ_CHAIN) {
            virtq_push(&queue, chain.head, 1);
            (void)virtq_publish(&queue);
            done++;
        }
    } while (virtq_enable_kicks(&queue));
    CHECK(!queue.broken);
    return done;
}

/* S09: a device that sleeps until it is kicked misses nothing. */
static void race(bool event_idx)
{
    start(8, 0, event_idx);
    driver_chain(&driver, 0, one_byte, 1);
    kicks = 0;
    pthread_t thread;
    uint32_t seen = 0;
    uint32_t spins = 0;
    uint32_t done = race_drain();
    CHECK(pthread_create(&thread, NULL, race_driver, event_idx ? &driver : NULL) == 0);
    while (done < RACE_CHAINS) {
        uint32_t now = __atomic_load_n(&kicks, __ATOMIC_SEQ_CST);
        if (now != seen) {
            seen = now;
            spins = 0;
            done += race_drain();
        } else {
            CHECK(++spins < PATIENCE);
            (void)sched_yield();
        }
    }
    CHECK(pthread_join(thread, NULL) == 0);
}

static void no_kick_is_lost_with_flags(void)
{
    race(false);
}

static void no_kick_is_lost_with_event_idx(void)
{
    race(true);
}

const struct unit_test kick_tests[] = {
    UNIT_TEST(what_comes_before_kicks_are_enabled_is_seen),
    UNIT_TEST(no_kick_is_lost_with_flags),
    UNIT_TEST(no_kick_is_lost_with_event_idx),
};

const size_t kick_test_count = sizeof(kick_tests) / sizeof(kick_tests[0]);
