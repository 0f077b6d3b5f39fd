/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vCPU that waits costs nothing. libvmm answers a trapped WFI at once, so a guest that waits for an interrupt comes
 * back at once, and again. Here its vCPU is suspended until an interrupt is injected into it, or its virtual timer is
 * due, of which the guest timer (sdfgen/guest_timer.h) tells: a virtual timer fires only while its vCPU runs. It is
 * told the earliest time of all vCPUs that rest.
 *
 * A vCPU that has to pause (vmm_charge.h) is suspended in the same way, at any fault.
 *
 * The guest then executes the same WFI again, which does not trap while an interrupt is pending (Arm ARM, WFI: it is a
 * wake-up event); so the program counter stays where it is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sdfgen/guest_timer.h>

/* First of all: nobody rests. `timer` must stay. */
void vmm_rest_init(const struct guest_timer_connection *timer);

/* The vCPU waits, and nothing was injected into it since it ran. False when its timer is due: it must run. */
bool vmm_rest_begin(uint32_t vcpu);

/* The vCPU, whose fault is handled, does not run before that time, whatever is injected. False when it has to. */
bool vmm_rest_pause(uint32_t vcpu, uint64_t until_ticks);

bool vmm_rest_is_resting(uint32_t vcpu);

/* It has something to do now; after a pause, if it makes one. */
void vmm_rest_end(uint32_t vcpu);

/* It is off, and does not rest any more. */
void vmm_rest_forget(uint32_t vcpu);

/* The VMM itself has something to do then. An earlier time that was asked for counts. */
void vmm_rest_ask(uint64_t ticks);

/* The guest timer notified. True when the VMM has what it asked for to do. */
bool vmm_rest_timer_notified(void);
