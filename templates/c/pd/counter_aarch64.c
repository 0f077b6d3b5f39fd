/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/counter.h>

/* CNTP_CTL_EL0: enabled, and not masked. */
#define TIMER_ENABLED UINT64_C(1)

uint64_t counter_ticks(void)
{
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(ticks)::"memory");
    return ticks;
}

uint64_t counter_hz(void)
{
    uint64_t hz;
    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
    return hz;
}

void counter_set_alarm(uint64_t ticks)
{
    __asm__ volatile("msr cntp_cval_el0, %0" ::"r"(ticks));
    __asm__ volatile("msr cntp_ctl_el0, %0\n\tisb" ::"r"(TIMER_ENABLED));
}
