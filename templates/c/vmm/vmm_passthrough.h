/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of the hardware that the guest handles itself. */
#pragma once

#include <sdfgen/vmm_config.h>

/*
 * Registers those of the table, of which there are at most VMM_MAX_INTERRUPTS; after vmm_guest_create(). False after a
 * message; then nothing else may be done.
 */
bool vmm_passthrough_create(const struct vmm_passthrough_irq *irqs, uint32_t irq_count);

/* A notification. False when none of them has that channel. */
bool vmm_passthrough_notified(uint32_t channel);
