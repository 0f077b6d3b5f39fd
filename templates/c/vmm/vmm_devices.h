/* SPDX-License-Identifier: BSD-2-Clause */
/* The devices of the table, whatever their kinds: their registers, interrupts and channels (vmm_device.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Not its header: vmm_fault.c sees libvmm's, which has another structure of that name (vmm_trap.h). */
struct vmm_config;

/*
 * Creates all of them and registers what they need; after vmm_guest_create(). The table has at most VMM_MAX_DEVICES.
 * False after a message; then nothing else may be done.
 */
bool vmm_devices_create(const struct vmm_config *config);

/* Whether the guest may start. */
bool vmm_devices_ready(void);

/* A notification. False when the channel is no device's. */
bool vmm_devices_notified(uint32_t channel);

/* Those that asked to be called again (vmm_device.h). */
void vmm_devices_go_on(void);

/* The guest exited, to wait or not (vmm_device.h): after its fault was handled, before interrupts are injected. */
void vmm_devices_exited(bool waits);

/* All are as a guest expects them at its start. After vmm_irq_reset(). */
void vmm_devices_reset(void);
