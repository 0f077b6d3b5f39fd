/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest does to its interrupt controller and libvmm must not see, because it asserts on it, forgets it, or
 * injects behind the back of vmm_inject.h: SGIs to other vCPUs, interrupts made pending, targets, and accesses that no
 * driver makes (vmm_gic_map.h). All else is libvmm's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmm_outcome.h"

/* Whether a data abort of that syndrome at `gpa` is to be kept from libvmm; then `outcome` is what came of it. */
bool vmm_gic_takes(uint32_t vcpu, uint64_t gpa, uint64_t syndrome, enum vmm_outcome *outcome);

/* The same of an instruction that moves a system register. */
bool vmm_gic_takes_move(uint32_t vcpu, uint64_t syndrome, enum vmm_outcome *outcome);

/* After libvmm has handled a data abort: whether that disabled interrupts, of which it tells nobody. */
void vmm_gic_note(uint32_t vcpu, uint64_t gpa, uint64_t syndrome);
