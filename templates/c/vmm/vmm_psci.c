/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_psci.h"

#include <stdbool.h>
#include <stddef.h>

#include <sdfgen/pd_say.h>

#include "vmm_local.h"
#include "vmm_restart.h"
#include "vmm_vcpu.h"
#include "vmm_virq.h"

/* The function's identifier is 32 bits, of which one tells whether the arguments are 64 (Arm DEN0028). */
#define FUNCTION_64 UINT32_C(0x40000000)
#define PSCI(number) (UINT32_C(0x84000000) + (number))

#define VERSION_1_2 INT64_C(0x10002)
#define NO_TRUSTED_OS 2
#define INSTRUCTION_BYTES 4u
/* Affinities of a vCPU are a number below 256 (Aff0), and levels above it are no more asked for since PSCI 1.0. */
#define LOWEST_LEVEL 0u

enum psci_result {
    PSCI_SUCCESS = 0,
    PSCI_NOT_SUPPORTED = -1,
    PSCI_INVALID_PARAMETERS = -2,
    PSCI_ALREADY_ON = -4,
    PSCI_INTERNAL_FAILURE = -6,
    PSCI_INVALID_ADDRESS = -9,
};

enum psci_affinity {
    PSCI_AFFINITY_ON = 0,
    PSCI_AFFINITY_OFF = 1,
};

struct call {
    uint32_t vcpu;
    uint64_t arguments[3];
    int64_t result; /* what it returns, if it does */
};

static uint64_t ram_first;
static uint64_t ram_bytes;

void vmm_psci_init(uint64_t ram_gpa, uint64_t ram_size_bytes)
{
    ram_first = ram_gpa;
    ram_bytes = ram_size_bytes;
}

static enum vmm_outcome version(struct call *call)
{
    call->result = VERSION_1_2;
    return VMM_RUNS;
}

/* A wake-up for no reason is one that callers must expect. */
static enum vmm_outcome suspend(struct call *call)
{
    call->result = PSCI_SUCCESS;
    return VMM_RUNS;
}

static enum vmm_outcome turn_off(struct call *call)
{
    vmm_vcpu_stop(call->vcpu);
    vmm_local_drop(call->vcpu);
    vmm_virq_note_off(call->vcpu);
    return VMM_STAYS;
}

static bool may_be_entered(uint64_t gpa)
{
    return gpa % INSTRUCTION_BYTES == 0 && gpa >= ram_first && gpa - ram_first < ram_bytes;
}

static int64_t start(uint64_t target, uint64_t entry_gpa, uint64_t context)
{
    if (target >= vmm_vcpus_count()) {
        return PSCI_INVALID_PARAMETERS;
    }
    if (vmm_vcpu_is_on((uint32_t)target)) {
        return PSCI_ALREADY_ON;
    }
    if (!may_be_entered(entry_gpa)) {
        return PSCI_INVALID_ADDRESS;
    }
    return vmm_vcpu_start((uint32_t)target, entry_gpa, context) ? PSCI_SUCCESS : PSCI_INTERNAL_FAILURE;
}

static enum vmm_outcome turn_on(struct call *call)
{
    call->result = start(call->arguments[0], call->arguments[1], call->arguments[2]);
    return VMM_RUNS;
}

static enum vmm_outcome affinity_info(struct call *call)
{
    const uint64_t target = call->arguments[0];
    const bool known = target < vmm_vcpus_count() && call->arguments[1] == LOWEST_LEVEL;
    const bool is_on = known && vmm_vcpu_is_on((uint32_t)target);
    call->result = !known ? PSCI_INVALID_PARAMETERS : is_on ? PSCI_AFFINITY_ON : PSCI_AFFINITY_OFF;
    return VMM_RUNS;
}

static enum vmm_outcome migrate_info_type(struct call *call)
{
    call->result = NO_TRUSTED_OS;
    return VMM_RUNS;
}

static enum vmm_outcome system_off(struct call *call)
{
    (void)call;
    vmm_vcpus_stop();
    pd_say("the guest has turned itself off", NULL);
    return VMM_STAYS;
}

static enum vmm_outcome system_reset(struct call *call)
{
    (void)call;
    return vmm_restart();
}

static enum vmm_outcome features(struct call *call);

static const struct {
    uint32_t function;
    enum vmm_outcome (*make)(struct call *call);
} functions[] = {
    { PSCI(0), version },
    { PSCI(1), suspend },
    { PSCI(1) | FUNCTION_64, suspend },
    { PSCI(2), turn_off },
    { PSCI(3), turn_on },
    { PSCI(3) | FUNCTION_64, turn_on },
    { PSCI(4), affinity_info },
    { PSCI(4) | FUNCTION_64, affinity_info },
    { PSCI(6), migrate_info_type },
    { PSCI(8), system_off },
    { PSCI(9), system_reset },
    { PSCI(10), features },
};

/* Their number when there is none. */
static size_t find(uint32_t function)
{
    size_t i = 0;
    while (i < sizeof(functions) / sizeof(functions[0]) && functions[i].function != function) {
        i++;
    }
    return i;
}

static bool exists(size_t index)
{
    return index < sizeof(functions) / sizeof(functions[0]);
}

static enum vmm_outcome features(struct call *call)
{
    call->result = exists(find((uint32_t)call->arguments[0])) ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
    return VMM_RUNS;
}

static struct call call_of(uint32_t vcpu, const seL4_UserContext *registers)
{
    const uint64_t mask = (registers->x0 & FUNCTION_64) != 0 ? UINT64_MAX : UINT32_MAX;
    return (struct call){
        .vcpu = vcpu,
        .arguments = { registers->x1 & mask, registers->x2 & mask, registers->x3 & mask },
        .result = PSCI_NOT_SUPPORTED,
    };
}

enum vmm_outcome vmm_psci_call(uint32_t vcpu)
{
    seL4_UserContext registers;
    if (!vmm_vcpu_read(vcpu, &registers)) {
        return VMM_FAILED;
    }
    struct call call = call_of(vcpu, &registers);
    const size_t index = find((uint32_t)registers.x0);
    const enum vmm_outcome outcome = exists(index) ? functions[index].make(&call) : VMM_RUNS;
    if (outcome != VMM_RUNS) {
        return outcome;
    }
    return vmm_vcpu_return(vcpu, &registers, (uint64_t)call.result) ? VMM_RUNS : VMM_FAILED;
}
