/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way in which parties on several cores can come between each other, up to a number of deviations from a schedule
 * in which each runs until it sleeps. A run is a list of choices; the next run changes the last that can be changed.
 *
 * Stores wait in a buffer of their party's until it executes a full fence, enters the kernel (notifies, sleeps), or has
 * too many; it reads its own back. Where a party is interrupted, what is in its buffer
 *   has not been seen by anybody        (a load overtook it: any machine does that),
 *   has been seen by all, or
 *   its newest alone has, unless that is a release store   (stores overtook each other, as on Arm).
 * Loads that overtake loads are not modelled.
 *
 *     program SCENARIO DEVIATIONS [ORDERS]
 *
 * prints how many runs there were; exit 1 where one ended before its work was done. Who goes first when somebody sleeps
 * is one of 24 orders, or of fewer.
 */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <sdfgen/shared.h>

#include "race_parties.h"

#define STACK_BYTES (256u << 10)
#define MOST_STORES 256u
#define MOST_CHOICES 20000u
#define MOST_WATCHED 32u
#define ORDERS 24u

struct store {
    volatile void *word;
    unsigned int size_bytes;
    uint64_t value;
    bool release;
};

enum life { READY, ASLEEP, ENDED };

struct coroutine {
    ucontext_t context;
    enum life life;
    uint64_t bits;
    uint32_t store_count;
    struct store stores[MOST_STORES];
};

enum visible { NOT_SEEN, SEEN, NEWEST_SEEN };

struct option {
    enum party next;
    enum visible visible;
};

static const char *const party_names[] = { "guest", "client", "virtualiser", "driver" };
static const char *const visible_names[] = {
    "with its stores unseen", "with its stores seen", "its newest store seen"
};

static _Alignas(16) char stacks[PARTY_COUNT][STACK_BYTES];
static struct coroutine parties[PARTY_COUNT];
static ucontext_t explorer;
static bool running;
static enum party self;
static enum party order[PARTY_COUNT]; /* who goes first when somebody sleeps */

static uint32_t prefix[MOST_CHOICES];
static uint32_t counts[MOST_CHOICES];
static uint32_t choice_count;
static uint32_t prefix_count;
static uint32_t deviations;
static uint32_t most_deviations;
static bool telling;

static struct {
    const volatile void *word;
    const char *name;
} watched[MOST_WATCHED];
static uint32_t watched_count;

/* ---- Choices ---- */

static uint32_t choose(uint32_t count)
{
    if (count == 1) {
        return 0;
    }
    if (choice_count == MOST_CHOICES) {
        fprintf(stderr, "a run does not end\n");
        exit(1);
    }
    if (choice_count >= prefix_count) {
        prefix[choice_count] = 0;
    }
    counts[choice_count] = count;
    return prefix[choice_count++];
}

/* The next run's choices. False when all have been tried. */
static bool next_prefix(void)
{
    while (choice_count > 0 && prefix[choice_count - 1] + 1 == counts[choice_count - 1]) {
        choice_count--;
    }
    if (choice_count == 0) {
        return false;
    }
    prefix[choice_count - 1]++;
    prefix_count = choice_count;
    return true;
}

/* ---- Memory ---- */

void race_watch(const volatile void *word, const char *name)
{
    if (!running && watched_count < MOST_WATCHED) {
        watched[watched_count].word = word;
        watched[watched_count++].name = name;
    }
}

static const char *name_of(const volatile void *word)
{
    for (uint32_t i = 0; i < watched_count; i++) {
        if (watched[i].word == word) {
            return watched[i].name;
        }
    }
    return NULL;
}

static void commit(const struct store *store)
{
    memcpy((void *)(uintptr_t)store->word, &store->value, store->size_bytes);
}

/* What the same word was to be before is never seen any more: a word has one history. */
static void commit_newest(struct coroutine *party)
{
    const struct store newest = party->stores[party->store_count - 1];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < party->store_count; i++) {
        if (party->stores[i].word != newest.word) {
            party->stores[kept++] = party->stores[i];
        }
    }
    party->store_count = kept;
    commit(&newest);
}

static void drain(struct coroutine *party)
{
    for (uint32_t i = 0; i < party->store_count; i++) {
        commit(&party->stores[i]);
    }
    party->store_count = 0;
}

/* ---- Switches ---- */

static void switch_to(enum party next)
{
    enum party before = self;
    self = next;
    if (next != before) {
        (void)swapcontext(&parties[before].context, &parties[next].context);
    }
}

static uint32_t options_at(struct option *options, bool may_go_on)
{
    const struct coroutine *me = &parties[self];
    uint32_t count = 0;
    if (may_go_on) {
        options[count++] = (struct option) { .next = self };
    }
    for (uint32_t i = 0; i < PARTY_COUNT; i++) {
        enum party other = order[i];
        if (other == self || parties[other].life != READY) {
            continue;
        }
        options[count++] = (struct option) { other, me->store_count == 0 ? SEEN : NOT_SEEN };
        if (me->store_count > 0) {
            options[count++] = (struct option) { other, SEEN };
        }
        if (me->store_count > 1 && !me->stores[me->store_count - 1].release) {
            options[count++] = (struct option) { other, NEWEST_SEEN };
        }
    }
    return count;
}

static void apply(struct option option)
{
    struct coroutine *me = &parties[self];
    if (option.visible == SEEN) {
        drain(me);
    } else if (option.visible == NEWEST_SEEN) {
        commit_newest(me);
    }
}

/* Others may come between here. */
static void point(const char *what, const char *name)
{
    struct option options[3 * PARTY_COUNT];
    if (!running || name == NULL) {
        return;
    }
    if (telling) {
        fprintf(stderr, "  %-11s %s %s\n", party_names[self], what, name);
    }
    if (deviations == most_deviations) {
        return;
    }
    struct option option = options[choose(options_at(options, true))];
    if (option.next == self) {
        return;
    }
    if (telling) {
        fprintf(stderr, "-- %s is interrupted, %s\n", party_names[self], visible_names[option.visible]);
    }
    deviations++;
    apply(option);
    switch_to(option.next);
}

/* Sleeps, ends or yields: by their order, or deviating from it. */
static void run_another(bool may_go_on)
{
    struct option options[3 * PARTY_COUNT];
    drain(&parties[self]);
    uint32_t count = options_at(options, false);
    if (count == 0 && may_go_on) {
        return;
    }
    if (count == 0) {
        (void)swapcontext(&parties[self].context, &explorer);
        return;
    }
    uint32_t chosen = choose(deviations < most_deviations ? count : 1);
    deviations += chosen != 0;
    switch_to(options[chosen].next);
}

/* ---- What parties call ---- */

uint64_t race_load(const volatile void *word, unsigned int size_bytes)
{
    uint64_t value = 0;
    point("loads", name_of(word));
    const struct coroutine *me = &parties[self];
    for (uint32_t i = running ? me->store_count : 0; i > 0; i--) {
        if (me->stores[i - 1].word == word) {
            return me->stores[i - 1].value;
        }
    }
    memcpy(&value, (const void *)(uintptr_t)word, size_bytes);
    return value;
}

void race_store(volatile void *word, unsigned int size_bytes, uint64_t value, bool release)
{
    const struct store store = { word, size_bytes, value, release };
    struct coroutine *me = &parties[self];
    if (!running) {
        commit(&store);
        return;
    }
    point("stores to", name_of(word));
    if (me->store_count == MOST_STORES) {
        drain(me);
    }
    me->stores[me->store_count++] = store;
    if (telling && name_of(word) != NULL) {
        fprintf(stderr, "  %-11s   := %u\n", party_names[self], (unsigned int)value);
    }
}

void race_fence(void)
{
    if (running) {
        point("stands at", "a fence");
        drain(&parties[self]);
    }
}

void party_notify(enum party party, uint64_t bits)
{
    if (!running) {
        return;
    }
    point("notifies", party_names[party]);
    drain(&parties[self]);
    parties[party].bits |= bits;
    if (parties[party].life == ASLEEP) {
        parties[party].life = READY;
    }
}

uint64_t party_wait(void)
{
    struct coroutine *me = &parties[self];
    point("goes to", "sleep");
    drain(me);
    if (me->bits == 0) {
        me->life = ASLEEP;
        run_another(false);
    }
    uint64_t bits = me->bits;
    me->bits = 0;
    return bits;
}

void party_yield(void)
{
    run_another(true);
}

/* ---- Runs ---- */

static void live(void)
{
    parties_body(self)();
    parties[self].life = ENDED;
    run_another(false);
}

static bool run_once(const struct scenario *scenario)
{
    watched_count = 0;
    running = false;
    parties_set_up(scenario, scenario->requests);
    choice_count = 0;
    deviations = 0;
    enum party first = PARTY_COUNT;
    for (uint32_t i = PARTY_COUNT; i-- > 0;) {
        struct coroutine *party = &parties[order[i]];
        party->bits = 0;
        party->store_count = 0;
        party->life = parties_body(order[i]) == NULL ? ENDED : READY;
        first = party->life == READY ? order[i] : first;
        (void)getcontext(&party->context);
        party->context.uc_stack.ss_sp = stacks[order[i]];
        party->context.uc_stack.ss_size = STACK_BYTES;
        party->context.uc_link = NULL;
        makecontext(&party->context, live, 0);
    }
    running = true;
    self = first;
    (void)swapcontext(&explorer, &parties[first].context);
    running = false;
    return parties_done();
}

static void tell(const struct scenario *scenario)
{
    prefix_count = choice_count;
    telling = true;
    (void)run_once(scenario);
    fprintf(stderr, "%s: all sleep, and not all is done\n", scenario->name);
    parties_describe();
}

static uint64_t explore(const struct scenario *scenario)
{
    uint64_t runs = 0;
    prefix_count = 0;
    do {
        runs++;
        if (!run_once(scenario)) {
            tell(scenario);
            exit(1);
        }
    } while (next_prefix());
    return runs;
}

/* The n-th order of all parties. */
static void set_order(uint32_t nth)
{
    for (uint32_t i = 0; i < PARTY_COUNT; i++) {
        order[i] = (enum party)i;
    }
    for (uint32_t i = 0; i < PARTY_COUNT; i++) {
        uint32_t left = PARTY_COUNT - i;
        uint32_t at = i + nth % left;
        enum party chosen = order[at];
        nth /= left;
        for (; at > i; at--) {
            order[at] = order[at - 1];
        }
        order[i] = chosen;
    }
}

/* Of the orders that differ only in parties that are not there, the one where these come first, as they are counted. */
static bool is_needed(void)
{
    uint32_t absent = 0;
    for (uint32_t i = 0; i < PARTY_COUNT; i++) {
        bool expected = parties_body((enum party)i) == NULL;
        if (expected && order[absent++] != (enum party)i) {
            return false;
        }
    }
    return true;
}

static const struct scenario *find(const char *name)
{
    for (size_t i = 0; i < scenario_count; i++) {
        if (strcmp(scenarios[i].name, name) == 0) {
            return &scenarios[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const struct scenario *scenario = argc > 2 ? find(argv[1]) : NULL;
    uint64_t runs = 0;
    if (scenario == NULL) {
        return 2;
    }
    parties_set_up(scenario, 0);
    most_deviations = (uint32_t)strtoul(argv[2], NULL, 10);
    uint32_t orders = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : ORDERS;
    for (uint32_t nth = 0; nth < ORDERS && orders > 0; nth++) {
        set_order(nth);
        if (is_needed()) {
            runs += explore(scenario);
            orders--;
        }
    }
    printf("%llu\n", (unsigned long long)runs);
    return 0;
}
