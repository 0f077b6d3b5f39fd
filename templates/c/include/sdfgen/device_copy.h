/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between Device memory (what UIO maps) and normal memory.
 *
 * Why there is a copy at all: the kernel maps a UIO region as Device memory without page structures (VM_PFNMAP), so a
 * disk can't do DMA to it: O_DIRECT fails with EFAULT. Buffered I/O would work, by the kernel's own copy, but then
 * every block stands in the page cache too, in a VM whose clients have caches of their own, and a completed write may
 * stand there only. So each request has a page-aligned buffer in normal memory, the disk's DMA goes there, and the one
 * copy that is left is this one.
 *
 * Why not libc's: on Device memory an unaligned access faults, and so does the `dc zva` that memset and memcpy use;
 * hardware does, QEMU hides it. Here every access to the Device side is one naturally aligned 8-byte one, which the
 * compiler may neither widen nor split, eight in a row so that the loop costs little.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What sizes are a multiple of: eight words. Both addresses are multiples of eight. */
#define DEVICE_COPY_BYTES 64u

void device_copy_in(uint64_t *normal, const volatile uint64_t *device, size_t size_bytes);
void device_copy_out(volatile uint64_t *device, const uint64_t *normal, size_t size_bytes);
