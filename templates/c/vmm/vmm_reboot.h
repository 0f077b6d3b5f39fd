/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that resets itself, by PSCI's SYSTEM_RESET (Arm DEN0022): its vCPU and its interrupt controller are as before
 * its first instruction. libvmm returns from that call as if nothing had been asked, which leaves Linux in an endless
 * loop. Images, devices and the interrupts' states are vmm_restart.c's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Whether the fault being handled, which has this label, is such a call. */
bool vmm_reboot_asked(uint64_t label);

/*
 * Stops the vCPU and resets it and the interrupt controller, which then has nothing pending and knows the processor's
 * own interrupts only: the others are to be registered again. False, with the guest stopped, when the kernel has an
 * interrupt of the vCPU down as active: only the guest itself can end that.
 */
bool vmm_reboot(void);
