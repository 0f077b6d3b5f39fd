/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include "vmm_idle.h"

#define IDLE_PRIORITY 0u
/* The guest's one vCPU. */
#define VCPU_TCB (BASE_VM_TCB_CAP + 0)

static seL4_Word busy_priority;
static bool allowed;
static bool resting;

/* Where the kernel refuses, everything stays as it is. */
static bool set_priority(seL4_Word priority)
{
    return seL4_TCB_SetPriority(VCPU_TCB, VCPU_TCB, priority) == seL4_NoError;
}

void vmm_idle_init(uint32_t priority)
{
    busy_priority = priority;
    allowed = false;
    resting = false;
}

void vmm_idle_allow(bool may_rest)
{
    allowed = may_rest;
    if (!allowed) {
        vmm_idle_wake();
    }
}

void vmm_idle_rest(void)
{
    if (allowed && !resting && set_priority(IDLE_PRIORITY)) {
        resting = true;
    }
}

void vmm_idle_wake(void)
{
    if (resting && set_priority(busy_priority)) {
        resting = false;
    }
}
