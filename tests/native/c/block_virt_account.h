/* SPDX-License-Identifier: BSD-2-Clause */
/* What a virtualiser's state must add up to, whatever was done to it. */
#pragma once

#include <sdfgen/block_virt.h>

/* Each request that a client was not told the end of is owed its answers: one that it was told is late, one more. */
static inline uint32_t account_owed(const struct block_virt *virt, uint32_t client)
{
    const struct block_virt_session *session = &virt->sessions[client];
    uint32_t answers = session->resilient ? 2 : 1;
    uint32_t owed = (session->has_barrier + (uint32_t)session->has_head) * answers;
    bool seen[BLOCK_VIRT_MAX_WHOLES] = { false };
    if (session->has_head && session->head.whole != BLOCK_VIRT_NO_WHOLE) {
        seen[session->head.whole] = true;
    }
    for (uint32_t i = 0; i < BLOCK_VIRT_MAX_IN_FLIGHT; i++) {
        const struct block_virt_slot *slot = &virt->slots[i];
        if (slot->live && slot->client == client && !seen[slot->whole]) {
            seen[slot->whole] = true;
            owed += virt->wholes[slot->whole].late ? answers - 1 : answers;
        }
    }
    return owed;
}
