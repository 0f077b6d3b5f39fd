/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

/* Before libvmm: it takes `__thread` away, which seL4's headers would declare the IPC buffer with. */
#include <microkit.h>

#include <libvmm/libvmm.h>

#include <sdfgen/pd_say.h>

#include "vmm_syndrome.h"
#include "vmm_trap.h"

/* Instruction specific syndrome of a data abort (Arm ARM, ESR_ELx). */
#define ISS_SIGN_EXTEND (UINT64_C(1) << 21)
#define ISS_REGISTER_64 (UINT64_C(1) << 15)

#define DOUBLEWORD_BITS 64u
#define WORD_BITS 32u

uint32_t vmm_trap_width_bytes(uint64_t syndrome)
{
    return 1u << (syndrome >> VMM_ISS_SIZE_SHIFT & VMM_ISS_SIZE_MASK);
}

bool vmm_trap_is_zero_register(uint64_t syndrome)
{
    return (syndrome >> VMM_ISS_REGISTER_SHIFT & VMM_ISS_REGISTER_MASK) == VMM_ZERO_REGISTER;
}

static uint64_t zero_extended(uint64_t value, uint32_t width_bytes)
{
    const uint32_t unused_bits = DOUBLEWORD_BITS - 8 * width_bytes;
    return value << unused_bits >> unused_bits;
}

/* libvmm keeps a word for the zero register, which is not always zero. */
uint64_t vmm_trap_stored(seL4_UserContext *registers, uint64_t syndrome)
{
    const uint64_t value = vmm_trap_is_zero_register(syndrome) ? 0 : fault_get_data(registers, syndrome);
    return zero_extended(value, vmm_trap_width_bytes(syndrome));
}

/* What an instruction loads: extended to the register's width, and from there with zeroes. */
static uint64_t extended(uint64_t value, uint32_t width_bytes, uint64_t syndrome)
{
    uint64_t loaded = zero_extended(value, width_bytes);
    if ((syndrome & ISS_SIGN_EXTEND) != 0 && loaded >> (8 * width_bytes - 1) != 0) {
        loaded |= ~zero_extended(UINT64_MAX, width_bytes);
    }
    return (syndrome & ISS_REGISTER_64) != 0 ? loaded : loaded << WORD_BITS >> WORD_BITS;
}

/*
 * libvmm would keep the register's other bits, and asserts that the address is aligned. So it is told of a doubleword
 * at an aligned address, whatever the guest loads.
 */
void vmm_trap_loaded(seL4_UserContext *registers, uint64_t syndrome, uint64_t value)
{
    if (!vmm_trap_is_zero_register(syndrome)) {
        const uint64_t whole_register = syndrome | (uint64_t)VMM_ISS_SIZE_MASK << VMM_ISS_SIZE_SHIFT;
        const uint64_t whole = extended(value, vmm_trap_width_bytes(syndrome), syndrome);
        fault_emulate_write(registers, 0, whole_register, whole);
    }
}

static bool trap_read(const struct vmm_trap *trap, uint64_t offset, uint64_t syndrome, uint32_t width_bytes,
                      seL4_UserContext *registers)
{
    uint64_t value = 0;
    const bool done = trap->read(trap->owner, offset, width_bytes, &value);
    if (done) {
        vmm_trap_loaded(registers, syndrome, value);
    }
    return done;
}

static bool trap_write(const struct vmm_trap *trap, uint64_t offset, uint64_t syndrome, uint32_t width_bytes,
                       seL4_UserContext *registers)
{
    return trap->write(trap->owner, offset, width_bytes, vmm_trap_stored(registers, syndrome));
}

static bool trapped(size_t vcpu_id, size_t offset, size_t syndrome, seL4_UserContext *registers, void *cookie)
{
    const struct vmm_trap *trap = cookie;
    (void)vcpu_id;
    if ((syndrome & VMM_ISS_VALID) == 0) {
        pd_say("the guest accessed a device with an instruction that can't be emulated", NULL);
        return false;
    }
    const uint32_t width_bytes = vmm_trap_width_bytes(syndrome);
    return fault_is_read(syndrome) ? trap_read(trap, offset, syndrome, width_bytes, registers)
                                   : trap_write(trap, offset, syndrome, width_bytes, registers);
}

bool vmm_trap_register(uint64_t gpa, uint64_t size_bytes, const struct vmm_trap *trap)
{
    /* The cookie is only read, by trapped(). */
    return fault_register_vm_exception_handler(gpa, size_bytes, trapped, (void *)(uintptr_t)trap);
}
