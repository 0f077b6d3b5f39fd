/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers that the test plays, in place of the product's header of this name. */
#pragma once

#include <stdint.h>

uint32_t mmio_load_u32(uintptr_t vaddr);
void mmio_store_u32(uintptr_t vaddr, uint32_t value);
