/* SPDX-License-Identifier: BSD-2-Clause */
/* What client and driver VMM do alike: create their guest and its console, hand hardware interrupts through, boot. */
#pragma once

#include <sdfgen/vmm_config.h>

#include "vmm_guest.h"
#include "vmm_irq.h"

/*
 * Creates the guest and its console, and registers the interrupts of the table. False after a message; then nothing
 * else may be done.
 */
bool vmm_create(const struct vmm_guest *guest, const struct vmm_passthrough_irq *irqs, uint32_t irq_count);

/* Registers another interrupt, or a range to emulate; false after a message. */
bool vmm_add_irq(struct vmm_irq *irq);
bool vmm_add_trap(uint64_t gpa, uint64_t size_bytes, const struct vmm_trap *trap);

/* Starts the guest; false after a message. */
bool vmm_boot(const struct vmm_guest *guest);

/* A notification from anybody but the virtualiser: the guest timer, a hardware interrupt of the table, or nobody. */
void vmm_notified(uint32_t channel);

/* Notifications that belonged to nothing. */
uint64_t vmm_unknown_notifications(void);
