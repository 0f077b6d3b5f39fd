/* SPDX-License-Identifier: BSD-2-Clause */
/* Hardware that the guest handles itself: its interrupts, and how it is stopped. */
#pragma once

#include <sdfgen/vmm_config.h>

/*
 * Registers those of the table, of which there are at most VMM_MAX_INTERRUPTS; after vmm_guest_create(). False after a
 * message; then nothing else may be done.
 */
bool vmm_passthrough_create(const struct vmm_passthrough_irq *irqs, uint32_t irq_count);

/* Stops all devices of the table that write to memory. False after a message, when one does not stop. */
bool vmm_passthrough_stop(const struct vmm_passthrough_reset *resets, uint32_t reset_count);

/* A notification. False when none of them has that channel. */
bool vmm_passthrough_notified(uint32_t channel);
