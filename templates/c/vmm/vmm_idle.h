/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that waits for the disk, or for requests, leaves the core to the others. libvmm answers a trapped WFI at once,
 * so a guest that waits for an interrupt comes back at once, and again; at the priority that all guests share it would
 * take its whole turn for that. So its vCPU has the lowest priority from a WFI on until an interrupt is injected.
 *
 * It may not rest for the sake of its own timer: a virtual timer fires only while its vCPU runs, and beside a guest that
 * computes one of the lowest priority does not. A client rests only while it has requests under way, whose answer wakes
 * it. The driver rests whenever it waits: a request, or an interrupt of its disk, wakes it, and its timers are its own
 * affair until then. (Not answering the WFI at all has the same flaw; a clock of the VMM's own would mend both.)
 *
 * A vCPU's TCB may set its own priority up to the one that Microkit gave it, which is its maximum, too.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* `busy_priority`: what the system file gives the virtual machine. It may not rest yet. */
void vmm_idle_init(uint32_t busy_priority);

/* Whether the guest may rest when it waits; one that rests and may not is woken. */
void vmm_idle_allow(bool may_rest);

/* The guest waits for an interrupt, and has none. */
void vmm_idle_rest(void);

/* It has one now. */
void vmm_idle_wake(void);
