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
 * hardware does, QEMU hides it. Here every access to the Device side is a naturally aligned 16-byte one of one register
 * (Arm ARM, B2.2.1: it may be made as two of 8 bytes, which Device memory allows), which the compiler may neither widen
 * nor split, four in a row so that the loop costs little.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What sizes are a multiple of. Both addresses are multiples of 16. */
#define DEVICE_COPY_BYTES 64u

void device_copy_in(void *normal, const volatile void *device, size_t size_bytes);
void device_copy_out(volatile void *device, const void *normal, size_t size_bytes);
