/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a VMM does, it does above all guests, and its guest asks for it: so its time is charged to the guest. Time that
 * the guest rests pays for as much of the VMM's; time that it runs, for a tenth. A guest that owes more than a burst
 * pauses at its next fault, until half of that is paid: so guest and VMM together have about half of a core that one
 * other guest wants, whatever the guest does, and most that wait for what they ask for never pause.
 *
 * Measured by the physical counter, from when the VMM begins with an event until it ends. What is not done in one event
 * (a device's step, a piece of an image) is done in a later one, after a pause as long as the event was: others have
 * their turn between.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* First of all: nothing is owed. */
void vmm_charge_init(void);

/* Around each event. */
void vmm_charge_begin(void);
void vmm_charge_end(void);

/* Whether the guest has to pause, as the event stands, and until when (ticks of the physical counter). */
bool vmm_charge_is_due(uint64_t *until_ticks);

/* When the rest of what this event began may go on. */
uint64_t vmm_charge_next_turn_ticks(void);
