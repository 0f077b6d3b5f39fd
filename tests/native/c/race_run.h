/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What parties that share memory (race_parties.h) run on: coroutines whose every interleaving is tried
 * (race_explore.c), or threads (race_threads.c). Notifications are seL4's: bits that stay until they are taken.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum party { PARTY_GUEST, PARTY_CLIENT, PARTY_VIRT, PARTY_DRIVER, PARTY_COUNT };

/* Sets bits, and wakes who sleeps on them. Ignored before the parties run. */
void party_notify(enum party party, uint64_t bits);

/* Sleeps until there are bits, and takes them. */
uint64_t party_wait(void);

/* Lets others run, if any wants to. */
void party_yield(void);

/* A word at which others may come between, and its name for messages. At other words nobody does. */
void race_watch(const volatile void *word, const char *name);
