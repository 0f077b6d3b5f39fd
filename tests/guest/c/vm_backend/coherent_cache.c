/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver VM is another process of this machine: both see the same memory through the same caches. */
#include <sdfgen/cache.h>

void cache_clean_range(uintptr_t vaddr, size_t size_bytes)
{
    (void)vaddr;
    (void)size_bytes;
}

void cache_clean_and_invalidate_range(uintptr_t vaddr, size_t size_bytes)
{
    cache_clean_range(vaddr, size_bytes);
}
