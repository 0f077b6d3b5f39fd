/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In place of the product's header of this name: each access is handed to whoever explores what can come between two of
 * them (race_explore.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

uint64_t race_load(const volatile void *word, unsigned int size_bytes);
void race_store(volatile void *word, unsigned int size_bytes, uint64_t value, bool release);
void race_fence(void);

#define RACE_WORD(bits)                                                                     \
    static inline uint##bits##_t shared_load_u##bits(const volatile uint##bits##_t *word)   \
    {                                                                                       \
        return (uint##bits##_t)race_load(word, bits / 8);                                   \
    }                                                                                       \
    static inline uint##bits##_t shared_load_acquire_u##bits(const volatile uint##bits##_t *word) \
    {                                                                                       \
        return (uint##bits##_t)race_load(word, bits / 8);                                   \
    }                                                                                       \
    static inline void shared_store_u##bits(volatile uint##bits##_t *word, uint##bits##_t value) \
    {                                                                                       \
        race_store(word, bits / 8, value, false);                                           \
    }                                                                                       \
    static inline void shared_store_release_u##bits(volatile uint##bits##_t *word, uint##bits##_t value) \
    {                                                                                       \
        race_store(word, bits / 8, value, true);                                            \
    }

RACE_WORD(8)
RACE_WORD(16)
RACE_WORD(32)
RACE_WORD(64)

static inline void shared_fence(void)
{
    race_fence();
}
