/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_charge.h"

#include <sdfgen/counter.h>

#include "vmm_rest.h"
#include "vmm_vcpu.h"

/* What may be owed: 2 ms of QEMU's counter (62.5 MHz), 5 ms of an ODROID-C4's (24 MHz). */
#define BURST_TICKS (UINT64_C(1) << 17)
/* An event is no longer than that: somebody else ran meanwhile, or the host of a virtual machine did. */
#define MOST_TICKS (4 * BURST_TICKS)
/* Of the time that the guest runs, what pays. */
#define RUNNING_SHARE 10u

static uint64_t owed_ticks;
static uint64_t began_ticks;
static uint64_t ended_ticks;

void vmm_charge_init(void)
{
    owed_ticks = 0;
    ended_ticks = counter_ticks();
    began_ticks = ended_ticks;
}

static bool guest_rests(void)
{
    for (uint32_t vcpu = 0; vcpu < vmm_vcpus_count(); vcpu++) {
        if (vmm_vcpu_is_on(vcpu) && !vmm_rest_is_resting(vcpu)) {
            return false;
        }
    }
    return true;
}

void vmm_charge_begin(void)
{
    began_ticks = counter_ticks();
    const uint64_t between_ticks = began_ticks - ended_ticks;
    const uint64_t paid_ticks = guest_rests() ? between_ticks : between_ticks / RUNNING_SHARE;
    owed_ticks -= paid_ticks < owed_ticks ? paid_ticks : owed_ticks;
}

static uint64_t used_ticks(uint64_t now_ticks)
{
    const uint64_t used = now_ticks - began_ticks;
    return used < MOST_TICKS ? used : MOST_TICKS;
}

void vmm_charge_end(void)
{
    ended_ticks = counter_ticks();
    owed_ticks += used_ticks(ended_ticks);
}

bool vmm_charge_is_due(uint64_t *until_ticks)
{
    const uint64_t now_ticks = counter_ticks();
    const uint64_t owed = owed_ticks + used_ticks(now_ticks);
    *until_ticks = now_ticks + owed - BURST_TICKS / 2;
    return owed > BURST_TICKS;
}

uint64_t vmm_charge_next_turn_ticks(void)
{
    const uint64_t now_ticks = counter_ticks();
    return now_ticks + used_ticks(now_ticks) + 1;
}
