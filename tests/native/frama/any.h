/* SPDX-License-Identifier: BSD-2-Clause */
/* Values that a driver leaves open: the analysis takes all of them at once. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static volatile uint64_t any_word;

static inline uint64_t any_u64(void)
{
    return any_word;
}

static inline uint32_t any_u32(void)
{
    return (uint32_t)any_word;
}

static inline uint16_t any_u16(void)
{
    return (uint16_t)any_word;
}

static inline uint8_t any_u8(void)
{
    return (uint8_t)any_word;
}

static inline bool any_bool(void)
{
    return (any_word & 1u) != 0;
}

/* Any value in [least, most]. */
static inline uint64_t any_between(uint64_t least, uint64_t most)
{
    uint64_t value = any_word;
    return value < least || value > most ? least : value;
}
