/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_gic_target.h"

#include <microkit.h>

#include <libvmm/libvmm.h>
#include <libvmm/arch/aarch64/vgic/vgic.h>
#include <libvmm/arch/aarch64/vgic/virq.h>
#if defined(GIC_V3)
#include <libvmm/arch/aarch64/vgic/vgic_v3.h>
#else
#include <libvmm/arch/aarch64/vgic/vgic_v2.h>
#endif

#define FIRST_SHARED_INTID 32u
#define BYTE_BITS 8u
#define NOBODY UINT32_MAX

/* libvmm's. */
extern vgic_t vgic;

/* A byte, or a doubleword, for each interrupt (Arm IHI 0048, IHI 0069). */
#if defined(GIC_V3)
#define REGISTERS_OFFSET 0x6100u
#define REGISTERS vgic_get_dist(vgic.registers)->irouter
#define REGISTER_BYTES 8u
#else
#define REGISTERS_OFFSET 0x820u
#define REGISTERS vgic_get_dist(vgic.registers)->targets
#define REGISTER_BYTES 1u
#endif

bool vmm_gic_is_on(void)
{
    return vgic_dist_is_enabled(vgic_get_dist(vgic.registers));
}

static uint64_t load(uint32_t index)
{
    const uint8_t *bytes = (const uint8_t *)REGISTERS + (uint64_t)index * REGISTER_BYTES;
    uint64_t value = 0;
    for (uint32_t i = 0; i < REGISTER_BYTES; i++) {
        value |= (uint64_t)bytes[i] << BYTE_BITS * i;
    }
    return value;
}

/* A set of vCPUs, or the number of one. */
static uint32_t chosen(uint64_t value)
{
#if defined(GIC_V3)
    return value <= UINT8_MAX ? (uint32_t)value : NOBODY;
#else
    return value == 0 ? NOBODY : (uint32_t)__builtin_ctzll(value);
#endif
}

uint32_t vmm_gic_target(uint32_t intid)
{
    const uint32_t index = intid - FIRST_SHARED_INTID;
    return index < sizeof(REGISTERS) / REGISTER_BYTES ? chosen(load(index)) : NOBODY;
}

bool vmm_gic_target_has(uint64_t offset)
{
    return offset - REGISTERS_OFFSET < sizeof(REGISTERS);
}

void vmm_gic_target_store(uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    uint8_t *bytes = (uint8_t *)REGISTERS;
    for (uint64_t i = 0; i < width_bytes && vmm_gic_target_has(offset + i); i++) {
        bytes[offset - REGISTERS_OFFSET + i] = (uint8_t)(value >> BYTE_BITS * i);
    }
}
