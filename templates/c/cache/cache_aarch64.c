/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/cache.h>

/* Arm ARM, D19.2.34: DminLine of CTR_EL0 is the log2 of the words in the smallest data cache line. */
#define CTR_DMIN_LINE_SHIFT 16u
#define CTR_DMIN_LINE_MASK 0xfu
#define WORD_BYTES 4u

/* Readable at EL0: the same kernel option lets user level read it and use `dc`. */
static uintptr_t line_bytes(void)
{
    uint64_t ctr;
    __asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
    return (uintptr_t)WORD_BYTES << (ctr >> CTR_DMIN_LINE_SHIFT & CTR_DMIN_LINE_MASK);
}

/*
 * Before: what another core wrote, which told this one with a release store, is among what is written back. (Loads and
 * stores are ordered by that, cache maintenance is not.) After: before the other side is told, and before anything that
 * follows is read.
 */
static void barrier(void)
{
    __asm__ volatile("dsb sy" ::: "memory");
}

void cache_clean_range(uintptr_t vaddr, size_t size_bytes)
{
    uintptr_t line = line_bytes();
    barrier();
    for (uintptr_t at = vaddr & ~(line - 1); at < vaddr + size_bytes; at += line) {
        __asm__ volatile("dc cvac, %0" ::"r"(at) : "memory");
    }
    barrier();
}

void cache_clean_and_invalidate_range(uintptr_t vaddr, size_t size_bytes)
{
    uintptr_t line = line_bytes();
    barrier();
    for (uintptr_t at = vaddr & ~(line - 1); at < vaddr + size_bytes; at += line) {
        __asm__ volatile("dc civac, %0" ::"r"(at) : "memory");
    }
    barrier();
}
