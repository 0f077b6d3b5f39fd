/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An idle guest costs the others nothing. libvmm answers a trapped WFI at once, so a guest that waits for an interrupt
 * comes back at once, and again; at the priority that all guests share it would take its whole turn for that. So its
 * vCPU has the lowest priority from a WFI on until an interrupt is injected: it goes on waiting when nobody else wants
 * the core. (Not answering the WFI is no way: while a vCPU does not run its virtual timer can't fire.)
 *
 * A vCPU's TCB may set its own priority up to the one that Microkit gave it, which is its maximum, too.
 */
#pragma once

#include <stdint.h>

/* `busy_priority`: what the system file gives the virtual machine. */
void vmm_idle_init(uint32_t busy_priority);

/* The guest waits for an interrupt, and has none. */
void vmm_idle_rest(void);

/* It has one now. */
void vmm_idle_wake(void);
