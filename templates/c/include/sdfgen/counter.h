/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's physical counter and timer (Arm ARM, the Generic Timer). A domain may read the counter where the kernel
 * exports it (KernelArmExportPCNTUser), and set the timer where it exports that (KernelArmExportPTMRUser).
 */
#pragma once

#include <stdint.h>

/* CNTPCT_EL0. */
uint64_t counter_ticks(void);

/* Ticks in a second, as the firmware says: CNTFRQ_EL0. 0 where it says nothing. */
uint64_t counter_hz(void);

/* Whole ones in a millisecond; 0 likewise. */
static inline uint64_t counter_ticks_in_ms(void)
{
    return counter_hz() / 1000;
}

/* Lets the timer's interrupt rise once the counter has come to `ticks`; it falls when a later time is set. */
void counter_set_alarm(uint64_t ticks);
