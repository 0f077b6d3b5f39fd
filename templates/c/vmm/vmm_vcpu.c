/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_vcpu.h"

#include <sdfgen/vmm_limits.h>

#include "vmm_rest.h"

#define INSTRUCTION_BYTES 4u
#define CONTEXT_WORDS (sizeof(seL4_UserContext) / sizeof(seL4_Word))
/* The context begins with pc, sp, spsr and x0. */
#define WORDS_UP_TO_PC 1u
#define WORDS_UP_TO_X0 4u

/* PSTATE: EL1 with its own stack pointer; debug exceptions, SErrors, IRQs and FIQs masked (Arm ARM, SPSR_EL2). */
#define PSTATE_EL1H_MASKED 0x3c5u
/* SCTLR_EL1: what reads as one before the architecture gave it a meaning; all else off (Arm ARM). */
#define SCTLR_OFF UINT64_C(0x30d00800)

static bool on[VMM_MOST_VCPUS];
static uint32_t count;

/* Written while none is loaded on any core: it stays what it is. The number is all of the affinity (Aff0). */
void vmm_vcpus_create(uint32_t vcpu_count)
{
    count = vcpu_count;
    for (uint32_t vcpu = 0; vcpu < count; vcpu++) {
        on[vcpu] = false;
        if (vcpu > 0) {
            microkit_vcpu_arm_write_reg(vcpu, seL4_VCPUReg_VMPIDR_EL2, vcpu);
        }
    }
}

uint32_t vmm_vcpus_count(void)
{
    return count;
}

bool vmm_vcpu_is_on(uint32_t vcpu)
{
    return vcpu < count && on[vcpu];
}

void vmm_vcpu_note_started(uint32_t vcpu)
{
    on[vcpu] = true;
}

void vmm_vcpu_reset(uint32_t vcpu)
{
    microkit_vcpu_arm_write_reg(vcpu, seL4_VCPUReg_SCTLR, SCTLR_OFF);
    microkit_vcpu_arm_write_reg(vcpu, seL4_VCPUReg_CPACR, 0);
    microkit_vcpu_arm_write_reg(vcpu, seL4_VCPUReg_CNTV_CTL, 0);
    microkit_vcpu_arm_write_reg(vcpu, seL4_VCPUReg_CNTKCTL_EL1, 0);
}

static bool write(uint32_t vcpu, bool resume, uint32_t words, seL4_UserContext *registers)
{
    return seL4_TCB_WriteRegisters(BASE_VM_TCB_CAP + vcpu, resume, 0, words, registers) == seL4_NoError;
}

bool vmm_vcpu_run(uint32_t vcpu, uint64_t entry_gpa, seL4_UserContext *registers)
{
    registers->pc = entry_gpa;
    registers->spsr = PSTATE_EL1H_MASKED;
    vmm_vcpu_reset(vcpu);
    on[vcpu] = write(vcpu, true, CONTEXT_WORDS, registers);
    return on[vcpu];
}

bool vmm_vcpu_start(uint32_t vcpu, uint64_t entry_gpa, uint64_t context)
{
    seL4_UserContext registers = { .x0 = context };
    return vmm_vcpu_run(vcpu, entry_gpa, &registers);
}

void vmm_vcpu_stop(uint32_t vcpu)
{
    if (on[vcpu]) {
        microkit_vcpu_stop(vcpu);
        vmm_rest_forget(vcpu);
        on[vcpu] = false;
    }
}

void vmm_vcpus_stop(void)
{
    for (uint32_t vcpu = 0; vcpu < count; vcpu++) {
        vmm_vcpu_stop(vcpu);
    }
}

/* A vCPU's own thread may give it what Microkit gave it: its maximum is its priority. */
static bool set_priority(uint32_t vcpu, uint32_t priority)
{
    const seL4_CPtr thread = BASE_VM_TCB_CAP + vcpu;
    return seL4_TCB_SetPriority(thread, thread, priority) == seL4_NoError;
}

bool vmm_vcpus_set_priority(uint32_t bits, uint32_t priority)
{
    bool done = true;
    for (uint32_t vcpu = 0; vcpu < count; vcpu++) {
        done &= (bits >> vcpu & 1) == 0 || set_priority(vcpu, priority);
    }
    return done;
}

bool vmm_vcpu_read(uint32_t vcpu, seL4_UserContext *registers)
{
    return seL4_TCB_ReadRegisters(BASE_VM_TCB_CAP + vcpu, false, 0, CONTEXT_WORDS, registers) == seL4_NoError;
}

bool vmm_vcpu_skip(uint32_t vcpu, seL4_UserContext *registers)
{
    registers->pc += INSTRUCTION_BYTES;
    return write(vcpu, false, WORDS_UP_TO_PC, registers);
}

bool vmm_vcpu_skip_load(uint32_t vcpu, seL4_UserContext *registers)
{
    registers->pc += INSTRUCTION_BYTES;
    return write(vcpu, false, CONTEXT_WORDS, registers);
}

bool vmm_vcpu_return(uint32_t vcpu, seL4_UserContext *registers, uint64_t x0)
{
    registers->pc += INSTRUCTION_BYTES;
    registers->x0 = x0;
    return write(vcpu, false, WORDS_UP_TO_X0, registers);
}
