/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words that somebody else changes at any moment: a guest's memory, a queue shared between protection domains.
 *
 * Each function is one access of just that width: the compiler can neither split, repeat nor drop it. Load a word once,
 * into a local, bound the local, use the local. Addresses must be aligned to the width.
 *
 * Ordering: acquire and release are ordered against the calls around them, relaxed ones are not. shared_fence() is a
 * full barrier, for the one case that needs a store before a load: publishing an index and then looking whether the
 * other side wants to be told (virtio 1.2, 2.7.13.4.1 and 2.7.10.1).
 *
 * All of them are little-endian, as virtio and sDDF are, and so must be the machine.
 */
#pragma once

#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the shared layouts are little-endian"
#endif

/*
 * Frama-C does not know the compiler's atomics. There a volatile read is any value at all, which is the strongest
 * adversary; the order of accesses is not part of what it proves.
 */
#ifdef __FRAMAC__
#define SHARED_LOAD(word, order) (*(word))
#define SHARED_STORE(word, value, order) ((void)(*(word) = (value)))
#define SHARED_FENCE() ((void)0)
#else
#define SHARED_LOAD(word, order) __atomic_load_n((word), (order))
#define SHARED_STORE(word, value, order) __atomic_store_n((word), (value), (order))
#define SHARED_FENCE() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

static inline uint8_t shared_load_u8(const volatile uint8_t *word)
{
    return SHARED_LOAD(word, __ATOMIC_RELAXED);
}

static inline uint16_t shared_load_u16(const volatile uint16_t *word)
{
    return SHARED_LOAD(word, __ATOMIC_RELAXED);
}

static inline uint32_t shared_load_u32(const volatile uint32_t *word)
{
    return SHARED_LOAD(word, __ATOMIC_RELAXED);
}

static inline uint64_t shared_load_u64(const volatile uint64_t *word)
{
    return SHARED_LOAD(word, __ATOMIC_RELAXED);
}

static inline uint8_t shared_load_acquire_u8(const volatile uint8_t *word)
{
    return SHARED_LOAD(word, __ATOMIC_ACQUIRE);
}

static inline uint16_t shared_load_acquire_u16(const volatile uint16_t *word)
{
    return SHARED_LOAD(word, __ATOMIC_ACQUIRE);
}

static inline uint32_t shared_load_acquire_u32(const volatile uint32_t *word)
{
    return SHARED_LOAD(word, __ATOMIC_ACQUIRE);
}

static inline uint64_t shared_load_acquire_u64(const volatile uint64_t *word)
{
    return SHARED_LOAD(word, __ATOMIC_ACQUIRE);
}

static inline void shared_store_u8(volatile uint8_t *word, uint8_t value)
{
    SHARED_STORE(word, value, __ATOMIC_RELAXED);
}

static inline void shared_store_u16(volatile uint16_t *word, uint16_t value)
{
    SHARED_STORE(word, value, __ATOMIC_RELAXED);
}

static inline void shared_store_u32(volatile uint32_t *word, uint32_t value)
{
    SHARED_STORE(word, value, __ATOMIC_RELAXED);
}

static inline void shared_store_u64(volatile uint64_t *word, uint64_t value)
{
    SHARED_STORE(word, value, __ATOMIC_RELAXED);
}

static inline void shared_store_release_u8(volatile uint8_t *word, uint8_t value)
{
    SHARED_STORE(word, value, __ATOMIC_RELEASE);
}

static inline void shared_store_release_u16(volatile uint16_t *word, uint16_t value)
{
    SHARED_STORE(word, value, __ATOMIC_RELEASE);
}

static inline void shared_store_release_u32(volatile uint32_t *word, uint32_t value)
{
    SHARED_STORE(word, value, __ATOMIC_RELEASE);
}

static inline void shared_store_release_u64(volatile uint64_t *word, uint64_t value)
{
    SHARED_STORE(word, value, __ATOMIC_RELEASE);
}

static inline void shared_fence(void)
{
    SHARED_FENCE();
}
