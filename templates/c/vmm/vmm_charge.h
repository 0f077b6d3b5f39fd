/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a VMM does, it does above all guests, and its guest asks for it: so its time is charged to the guest. A guest
 * that owes more than a turn stands below all others until nothing is owed: it runs only when nobody else on its core
 * wants to. If it does run, there is nobody to be paid for what others do for it: that part of its debt is void, and for
 * a while it is not charged. Else who works for it would take the core from it at each request, and serve one at a time
 * instead of many.
 * So guest and VMM together have about half of a core that one other guest wants, whatever the guest does; and
 * a guest that is alone goes on as before.
 *
 * Time that the guest rests or stands below pays for as much of the VMM's; other time, of which it has its turns, for
 * little. All is measured by the physical counter, from when the VMM begins with an event until it ends; what the
 * kernel takes for the way there is added, and for the way back where that is not the guest's turn: as the shortest time
 * from one fault to the next has it.
 *
 * So it is with virtual CPUs beside the VMM. One on another core takes the time of others beside the VMM, where it does
 * not stand at all: it pauses at its next fault until the debt is paid, unless nobody else has a part of that core.
 *
 * By some devices others work for the guest, too, and longer than its VMM: it pays for them with the VMM's time, which
 * counts several times in an event that served such a device, and at least a price for each request that was handed on.
 * With several cores it pays as much, wherever they are. While it owes too much, requests are handed on only when it
 * runs: else those who work for it would have the time that it leaves to others.
 *
 * What is not done in one event (a device's step, a piece of an image) is done in a later one, after a pause as long as
 * the event was: others have their turn between.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct vmm_guest;

/* First of all: nothing is owed. `guest` must stay. */
void vmm_charge_init(const struct vmm_guest *guest);

/* Around each event: a fault, or a notification. */
void vmm_charge_begin(bool with_fault);

/* The event is a fault of that vCPU. */
void vmm_charge_note_ran(uint32_t vcpu);

void vmm_charge_end(void);

/* The present event gives others work for this guest, so many requests, or is the end of such work. */
void vmm_charge_note_service(uint32_t request_count);

/* Whether the guest stands below all others, as the last event left it, less what was paid since. */
bool vmm_charge_owes(void);

/* Whether the vCPU has to pause, as the event stands, and until when (ticks of the physical counter). */
bool vmm_charge_is_due(uint32_t vcpu, uint64_t *until_ticks);

/* When the rest of what this event began may go on. */
uint64_t vmm_charge_next_turn_ticks(void);
