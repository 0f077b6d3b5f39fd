/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parties as threads, for ThreadSanitizer and for cores. What is told by a notification comes after what was done
 * before it, and nothing else does: all other order is the shared words' own.
 *
 *     program SCENARIO REQUESTS    prints the notifications of each party; exit 1 when all sleep with work left
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sdfgen/shared.h>

#include "race_parties.h"

static pthread_mutex_t kernel = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken[PARTY_COUNT];
static pthread_cond_t settled = PTHREAD_COND_INITIALIZER;
static uint64_t pending[PARTY_COUNT];
static uint64_t sent[PARTY_COUNT];
static uint32_t awake;
static bool running;
static _Thread_local enum party self;

static const char *const names[] = { "guest", "client", "virtualiser", "driver" };

void race_watch(const volatile void *word, const char *name)
{
    (void)word;
    (void)name;
}

void party_notify(enum party party, uint64_t bits)
{
    if (!running) {
        return;
    }
    (void)pthread_mutex_lock(&kernel);
    pending[party] |= bits;
    sent[self]++;
    (void)pthread_cond_signal(&woken[party]);
    (void)pthread_mutex_unlock(&kernel);
}

static void fall_asleep(void)
{
    awake--;
    if (awake == 0) {
        (void)pthread_cond_signal(&settled);
    }
}

/* Who has been notified counts as awake as soon as it takes the bits; nobody is, when all sleep and no bit is set. */
uint64_t party_wait(void)
{
    (void)pthread_mutex_lock(&kernel);
    fall_asleep();
    while (pending[self] == 0) {
        (void)pthread_cond_wait(&woken[self], &kernel);
    }
    awake++;
    uint64_t bits = pending[self];
    pending[self] = 0;
    (void)pthread_mutex_unlock(&kernel);
    return bits;
}

void party_yield(void)
{
    (void)sched_yield();
}

static void *live(void *party)
{
    self = (enum party)(uintptr_t)party;
    parties_body(self)();
    (void)pthread_mutex_lock(&kernel);
    pending[self] = 0;
    fall_asleep();
    (void)pthread_mutex_unlock(&kernel);
    return NULL;
}

static bool all_sleep(void)
{
    bool notified = false;
    for (enum party i = 0; i < PARTY_COUNT; i++) {
        notified |= pending[i] != 0 && parties_body(i) != NULL;
    }
    return awake == 0 && !notified;
}

static bool run(const struct scenario *scenario, uint32_t requests)
{
    parties_set_up(scenario, requests);
    running = true;
    (void)pthread_mutex_lock(&kernel);
    for (enum party i = 0; i < PARTY_COUNT; i++) {
        pthread_t thread;
        (void)pthread_cond_init(&woken[i], NULL);
        if (parties_body(i) != NULL) {
            awake++;
            (void)pthread_create(&thread, NULL, live, (void *)(uintptr_t)i);
            (void)pthread_detach(thread);
        }
    }
    while (!all_sleep()) {
        (void)pthread_cond_wait(&settled, &kernel);
    }
    (void)pthread_mutex_unlock(&kernel);
    return parties_done();
}

static int report(const struct scenario *scenario, bool done)
{
    if (!done) {
        fprintf(stderr, "%s: all sleep, and not all is done\n", scenario->name);
        parties_describe();
        return 1;
    }
    for (enum party i = 0; i < PARTY_COUNT; i++) {
        printf("%s %" PRIu64 "%s", names[i], sent[i], i + 1 < PARTY_COUNT ? ", " : "\n");
    }
    return 0;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < scenario_count; i++) {
        if (strcmp(scenarios[i].name, argv[1]) == 0) {
            return report(&scenarios[i], run(&scenarios[i], (uint32_t)strtoul(argv[2], NULL, 10)));
        }
    }
    return 2;
}
