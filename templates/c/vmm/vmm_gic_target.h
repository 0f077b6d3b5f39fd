/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which vCPU the guest wants a shared interrupt to go to (GICD_ITARGETSR, GICD_IROUTER). It is kept where libvmm has
 * the distributor's registers, which it resets and lets the guest load; but what the guest stores there, libvmm drops.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The lowest that was chosen; or a number that no vCPU has. */
uint32_t vmm_gic_target(uint32_t intid);

/* Whether the distributor has those registers at that offset. */
bool vmm_gic_target_has(uint64_t offset);

/* What the guest stores there. */
void vmm_gic_target_store(uint64_t offset, uint32_t width_bytes, uint64_t value);
