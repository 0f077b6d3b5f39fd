/* SPDX-License-Identifier: BSD-2-Clause */
/* The four functions that compilers take for granted. A freestanding program has them from pd/mem.c or from libvmm. */
#pragma once

#if __STDC_HOSTED__
#include <string.h>
#else
#include <stddef.h>
void *memcpy(void *restrict to, const void *restrict from, size_t size_bytes);
void *memmove(void *to, const void *from, size_t size_bytes);
void *memset(void *to, int value, size_t size_bytes);
int memcmp(const void *a, const void *b, size_t size_bytes);
#endif
