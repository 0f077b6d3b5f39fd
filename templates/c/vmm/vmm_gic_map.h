/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose an access to the interrupt controller is, by its offset and width. libvmm sees what it emulates as the
 * architecture has it: it asserts on much of the rest, stores some of it beyond its arrays, and of narrow stores takes
 * the wrong bits. No driver does any of that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum vmm_gic_owner {
    VMM_GIC_NOBODY, /* reads as zero, and what is stored there is ignored */
    VMM_GIC_LIBVMM,
    VMM_GIC_SENDS,  /* a store that sends an SGI */
    VMM_GIC_PENDS,  /* a store that makes interrupts pending */
    VMM_GIC_DISABLES, /* a narrow one that disables some */
};

/* The distributor (Arm IHI 0048, 4.3, and IHI 0069, 12.9), but for targets (vmm_gic_target.h). */
enum vmm_gic_owner vmm_gic_distributor_owner(uint64_t offset, uint32_t width_bytes, bool is_load);

/* The redistributor of a vCPU that there is (IHI 0069, 12.11), from its first frame. */
enum vmm_gic_owner vmm_gic_redistributor_owner(uint64_t offset, uint32_t width_bytes, bool is_load);
