/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers of hardware, of 32 bits: each call is one access. Tests put a header of their own in this one's place. */
#pragma once

#include <stdint.h>

static inline uint32_t mmio_load_u32(uintptr_t vaddr)
{
    return *(const volatile uint32_t *)vaddr;
}

static inline void mmio_store_u32(uintptr_t vaddr, uint32_t value)
{
    *(volatile uint32_t *)vaddr = value;
}
