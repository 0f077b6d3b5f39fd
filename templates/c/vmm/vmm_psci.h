/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of the firmware, by SMC: those of PSCI 1.2 (Arm DEN0022) that start and stop vCPUs and the guest. Every other
 * is answered as not supported. libvmm's own handler knows no CPU_OFF, reset or AFFINITY_INFO, and asserts.
 */
#pragma once

#include <stdint.h>

#include "vmm_outcome.h"

/* First of all. vCPUs may only be started in the guest's memory. */
void vmm_psci_init(uint64_t ram_gpa, uint64_t ram_size_bytes);

/* The vCPU made a call. */
enum vmm_outcome vmm_psci_call(uint32_t vcpu);
