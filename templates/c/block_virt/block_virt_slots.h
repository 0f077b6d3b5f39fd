/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that are with the driver, or wait for its next start: slots, in the order in which each was put first. */
#pragma once

#include "block_virt_internal.h"

/* No slot: an end of the list. */
#define VIRT_NO_SLOT BLOCK_VIRT_MAX_IN_FLIGHT

void virt_slots_init(struct block_virt *virt);

/* A free slot, which is the newest now; there is one (free_count). */
uint32_t virt_slots_take(struct block_virt *virt);

/* Gives back one that is live. */
void virt_slots_give(struct block_virt *virt, uint32_t index);

/* Whether a head names blocks of the disk that a late request may still change. */
bool virt_slots_late_changes(const struct block_virt *virt, const struct block_virt_head *head);

/* Whether a late request of that client may still move data through that part of its region. */
bool virt_slots_late_moves(const struct block_virt *virt, uint32_t client, uint64_t offset_bytes, uint32_t block_count);
