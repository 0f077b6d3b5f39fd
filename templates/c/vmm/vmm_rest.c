/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <sdfgen/counter.h>
#include <sdfgen/shared.h>

#include "vmm_rest.h"

/* The guest's one vCPU. */
#define VCPU 0u
#define VCPU_TCB (BASE_VM_TCB_CAP + VCPU)

/* CNTV_CTL_EL0 (Arm ARM). */
#define TIMER_ENABLE UINT64_C(1)
#define TIMER_MASKED UINT64_C(2)

static const struct guest_timer_connection *connection;
static bool resting;
static uint64_t wanted_ticks;   /* while it rests: when its timer is due */
static uint64_t promised_ticks; /* when the guest timer notifies, if that is still to come */

void vmm_rest_init(const struct guest_timer_connection *timer)
{
    connection = timer;
    resting = false;
    promised_ticks = 0;
}

static uint64_t timer_due_ticks(void)
{
    const uint64_t control = microkit_vcpu_arm_read_reg(VCPU, seL4_VCPUReg_CNTV_CTL);
    const bool armed = (control & (TIMER_ENABLE | TIMER_MASKED)) == TIMER_ENABLE;
    return armed ? microkit_vcpu_arm_read_reg(VCPU, seL4_VCPUReg_CNTV_CVAL) : GUEST_TIMER_NEVER;
}

/* One time is outstanding at most. A later one waits until that has come: most guests are woken by something else. */
static void ask_for(uint64_t ticks, uint64_t now_ticks)
{
    const bool promised = promised_ticks > now_ticks && promised_ticks <= ticks;
    if (promised || ticks == GUEST_TIMER_NEVER) {
        return;
    }
    struct guest_timer_page *page = (struct guest_timer_page *)connection->page_vaddr;
    promised_ticks = ticks;
    shared_store_release_u64(&page->wake_ticks, ticks);
    microkit_notify(connection->channel);
}

bool vmm_rest_begin(void)
{
    const uint64_t now_ticks = counter_ticks();
    wanted_ticks = timer_due_ticks();
    if (wanted_ticks <= now_ticks || seL4_TCB_Suspend(VCPU_TCB) != seL4_NoError) {
        return false;
    }
    resting = true;
    ask_for(wanted_ticks, now_ticks);
    return true;
}

void vmm_rest_end(void)
{
    if (resting && seL4_TCB_Resume(VCPU_TCB) == seL4_NoError) {
        resting = false;
    }
}

void vmm_rest_timer_notified(void)
{
    const uint64_t now_ticks = counter_ticks();
    if (!resting) {
        return;
    }
    if (wanted_ticks <= now_ticks) {
        vmm_rest_end();
    } else {
        ask_for(wanted_ticks, now_ticks);
    }
}
