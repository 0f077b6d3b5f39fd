/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <sdfgen/counter.h>
#include <sdfgen/vmm_limits.h>

#include "vmm_rest.h"

/* CNTV_CTL_EL0 (Arm ARM). */
#define TIMER_ENABLE UINT64_C(1)
#define TIMER_MASKED UINT64_C(2)

struct rest {
    bool resting;
    bool paused;           /* nothing but the time ends it */
    uint64_t wanted_ticks; /* while it rests: when its timer is due, or the pause is over */
};

static const struct guest_timer_connection *connection;
static struct rest rests[VMM_MOST_VCPUS];
static uint64_t own_ticks;      /* when the VMM itself has something to do */
static uint64_t promised_ticks; /* when the guest timer notifies, if that is still to come */

void vmm_rest_init(const struct guest_timer_connection *timer)
{
    connection = timer;
    promised_ticks = 0;
    own_ticks = GUEST_TIMER_NEVER;
    for (uint32_t vcpu = 0; vcpu < VMM_MOST_VCPUS; vcpu++) {
        vmm_rest_forget(vcpu);
    }
}

/* The vCPU waits: the kernel saved these two when its thread stopped, on whatever core. */
static uint64_t timer_due_ticks(uint32_t vcpu)
{
    const uint64_t control = microkit_vcpu_arm_read_reg(vcpu, seL4_VCPUReg_CNTV_CTL);
    const bool armed = (control & (TIMER_ENABLE | TIMER_MASKED)) == TIMER_ENABLE;
    return armed ? microkit_vcpu_arm_read_reg(vcpu, seL4_VCPUReg_CNTV_CVAL) : GUEST_TIMER_NEVER;
}

/* Of those still to come; of the VMM's own, which nothing but the notification ends, at once when it has passed. */
static uint64_t earliest_ticks(uint64_t now_ticks)
{
    uint64_t earliest = own_ticks > now_ticks ? own_ticks : now_ticks + 1;
    for (uint32_t vcpu = 0; vcpu < VMM_MOST_VCPUS; vcpu++) {
        const uint64_t ticks = rests[vcpu].wanted_ticks;
        if (rests[vcpu].resting && ticks > now_ticks && ticks < earliest) {
            earliest = ticks;
        }
    }
    return earliest;
}

/* One time is outstanding at most. A later one waits until that has come: most guests are woken by something else. */
static void ask_for_earliest(uint64_t now_ticks)
{
    if (guest_timer_ask(connection, &promised_ticks, earliest_ticks(now_ticks), now_ticks)) {
        microkit_notify(connection->channel);
    }
}

static void end_those_due(uint64_t now_ticks)
{
    for (uint32_t vcpu = 0; vcpu < VMM_MOST_VCPUS; vcpu++) {
        if (rests[vcpu].wanted_ticks <= now_ticks) {
            rests[vcpu].paused = false;
            vmm_rest_end(vcpu);
        }
    }
}

/* Who is due and not told so yet would not be: the guest timer knows of the last time only. */
static bool suspend(uint32_t vcpu, uint64_t wanted_ticks, bool paused)
{
    const uint64_t now_ticks = counter_ticks();
    if (wanted_ticks <= now_ticks || seL4_TCB_Suspend(BASE_VM_TCB_CAP + vcpu) != seL4_NoError) {
        return false;
    }
    rests[vcpu] = (struct rest){ .resting = true, .paused = paused, .wanted_ticks = wanted_ticks };
    end_those_due(now_ticks);
    ask_for_earliest(now_ticks);
    return true;
}

bool vmm_rest_begin(uint32_t vcpu)
{
    return suspend(vcpu, timer_due_ticks(vcpu), false);
}

bool vmm_rest_pause(uint32_t vcpu, uint64_t until_ticks)
{
    return suspend(vcpu, until_ticks, true);
}

bool vmm_rest_is_resting(uint32_t vcpu)
{
    return rests[vcpu].resting;
}

void vmm_rest_ask(uint64_t ticks)
{
    own_ticks = ticks < own_ticks ? ticks : own_ticks;
    ask_for_earliest(counter_ticks());
}

void vmm_rest_end(uint32_t vcpu)
{
    if (rests[vcpu].resting && !rests[vcpu].paused && seL4_TCB_Resume(BASE_VM_TCB_CAP + vcpu) == seL4_NoError) {
        rests[vcpu].resting = false;
    }
}

void vmm_rest_forget(uint32_t vcpu)
{
    rests[vcpu].resting = false;
}

bool vmm_rest_timer_notified(void)
{
    const uint64_t now_ticks = counter_ticks();
    const bool own = own_ticks <= now_ticks;
    own_ticks = own ? GUEST_TIMER_NEVER : own_ticks;
    end_those_due(now_ticks);
    ask_for_earliest(now_ticks);
    return own;
}
