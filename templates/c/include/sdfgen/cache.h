/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data cache maintenance by virtual address, for memory that this program maps cached while the other side's accesses
 * bypass the cache. On AArch64 these are `dc cvac` and `dc civac`, which user level may issue when the kernel allows it
 * (CONFIG_AARCH64_USER_CACHE_ENABLE, set in Microkit's kernels). Both end with a barrier, so that what follows sees the
 * effect. Whole cache lines around the range are affected.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writes dirty lines back: before the other side reads memory. */
void cache_clean_range(uintptr_t vaddr, size_t size_bytes);

/*
 * Writes dirty lines back and drops all: before the other side writes memory, so that no line of ours is written over
 * its data later, and again after it has, so that no line fetched meanwhile hides it. (Dropping without writing back is
 * not for user level.)
 */
void cache_clean_and_invalidate_range(uintptr_t vaddr, size_t size_bytes);
