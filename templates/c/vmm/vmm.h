/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The VMM of a Linux guest, whatever devices its table (vmm_config.h) gives it: creates the guest and its devices,
 * starts the guest when all of them are ready, and hands notifications on. In between the PD sleeps.
 *
 * Its entry points are Microkit's: init() and notified() in vmm.c, fault() in vmm_fault.c.
 */
#pragma once

#include <stdint.h>

/* Notifications that belonged to nothing. */
uint64_t vmm_unknown_notifications(void);
