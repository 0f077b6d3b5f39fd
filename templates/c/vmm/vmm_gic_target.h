/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest has stored in the distributor, as libvmm has its registers: whether it is on (GICD_CTLR), and which
 * vCPU a shared interrupt is to go to (GICD_ITARGETSR, GICD_IROUTER). libvmm resets these and lets the guest load them;
 * but of targets, what the guest stores, it drops.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* While it is off, interrupts wait. */
bool vmm_gic_is_on(void);

/* The lowest that was chosen; or a number that no vCPU has. */
uint32_t vmm_gic_target(uint32_t intid);

/* Whether the distributor has those registers at that offset. */
bool vmm_gic_target_has(uint64_t offset);

/* What the guest stores there. */
void vmm_gic_target_store(uint64_t offset, uint32_t width_bytes, uint64_t value);
