/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a virtualiser's state must add up to, whatever was done to it: what is in flight is what was not answered. Its
 * own counts are held against its slots, one by one.
 */
#pragma once

#include <sdfgen/block_virt.h>

/* What slots say of a client, or of all. */
struct account {
    uint32_t in_flight;
    uint32_t late;
    uint32_t again;
    uint32_t own; /* of these */
    uint32_t owed;
    uint64_t data_blocks;
    uint64_t cost_blocks;
};

static inline uint32_t account_cost(const struct block_virt_slot *slot)
{
    return slot->request.code == SDDF_BLK_FLUSH ? BLOCK_VIRT_QUANTUM_BLOCKS : slot->request.block_count;
}

/* Each request that a client was not told the end of is owed its answers: one that it was told is late, one more. */
static inline struct account account_of(const struct block_virt *virt, uint32_t client)
{
    const struct block_virt_session *session = &virt->sessions[client];
    const uint32_t answers = session->resilient ? 2 : 1;
    struct account account = { .owed = (session->has_barrier + (uint32_t)session->has_head) * answers };
    bool seen[BLOCK_VIRT_MAX_WHOLES] = { false };
    if (session->has_head && session->head.whole != BLOCK_VIRT_NO_WHOLE) {
        seen[session->head.whole] = true;
    }
    for (uint32_t i = virt->oldest; i < BLOCK_VIRT_MAX_IN_FLIGHT; i = virt->slots[i].newer) {
        const struct block_virt_slot *slot = &virt->slots[i];
        if (slot->client != client) {
            continue;
        }
        account.in_flight++;
        account.late += slot->late;
        account.data_blocks += slot->data_blocks;
        account.cost_blocks += account_cost(slot);
        if (!seen[slot->whole]) {
            seen[slot->whole] = true;
            account.owed += virt->wholes[slot->whole].late ? answers - 1 : answers;
        }
    }
    return account;
}

/* The list of slots is what is live; none of those that wait for another driver is late. */
static inline bool account_list_is_sound(const struct block_virt *virt, struct account *account)
{
    uint32_t older = BLOCK_VIRT_MAX_IN_FLIGHT;
    bool sound = true;
    for (uint32_t i = virt->oldest; i < BLOCK_VIRT_MAX_IN_FLIGHT; i = virt->slots[i].newer) {
        const struct block_virt_slot *slot = &virt->slots[i];
        sound &= slot->live && slot->older == older && !(slot->again && slot->late);
        account->in_flight++;
        account->again += slot->again;
        account->late += slot->late;
        account->own += slot->client >= virt->client_count;
        older = i;
        if (account->in_flight > BLOCK_VIRT_MAX_IN_FLIGHT) {
            return false;
        }
    }
    return sound && virt->newest == older;
}

static inline bool account_slots_are_sound(const struct block_virt *virt)
{
    struct account account = { 0 };
    uint32_t live = 0;
    for (uint32_t i = 0; i < BLOCK_VIRT_MAX_IN_FLIGHT; i++) {
        live += virt->slots[i].live;
    }
    for (uint32_t i = 0; i < virt->free_count && i < BLOCK_VIRT_MAX_IN_FLIGHT; i++) {
        live += virt->slots[virt->free_slots[i]].live ? BLOCK_VIRT_MAX_IN_FLIGHT : 0;
    }
    return account_list_is_sound(virt, &account) && account.in_flight == virt->in_flight
        && account.late == virt->late && account.again == virt->again && account.own == virt->table_read_in_flight
        && live == virt->in_flight && live + virt->free_count == BLOCK_VIRT_MAX_IN_FLIGHT;
}

/* Each request that was begun has pieces in flight, or more of it is to come; all others are free. */
static inline bool account_wholes_are_sound(const struct block_virt *virt)
{
    uint16_t pieces[BLOCK_VIRT_MAX_WHOLES] = { 0 };
    bool open[BLOCK_VIRT_MAX_WHOLES] = { false };
    uint32_t begun = 0;
    bool sound = true;
    for (uint32_t i = virt->oldest; i < BLOCK_VIRT_MAX_IN_FLIGHT; i = virt->slots[i].newer) {
        const struct block_virt_slot *slot = &virt->slots[i];
        if (slot->client < virt->client_count) {
            pieces[slot->whole]++;
            sound &= !slot->late || virt->wholes[slot->whole].late;
        }
    }
    for (uint32_t i = 0; i < virt->client_count; i++) {
        const struct block_virt_session *session = &virt->sessions[i];
        if (session->has_head && session->head.whole != BLOCK_VIRT_NO_WHOLE) {
            open[session->head.whole] = true;
        }
    }
    for (uint32_t i = 0; i < BLOCK_VIRT_MAX_WHOLES; i++) {
        const struct block_virt_whole *whole = &virt->wholes[i];
        const bool is_begun = whole->pieces != 0 || !whole->closed;
        begun += is_begun;
        sound &= whole->pieces == pieces[i] && whole->closed == !open[i] && !(is_begun && whole->late && open[i]);
    }
    return sound && begun + virt->free_whole_count == BLOCK_VIRT_MAX_WHOLES;
}

static inline bool account_client_is_sound(const struct block_virt *virt, uint32_t client)
{
    const struct block_virt_session *session = &virt->sessions[client];
    const struct account account = account_of(virt, client);
    const bool cut_off = session->state == BLOCK_VIRT_CLIENT_CUT_OFF;
    return session->in_flight == account.in_flight && session->late == account.late
        && session->data_blocks == account.data_blocks && session->cost_blocks == account.cost_blocks
        && (cut_off || session->owed == account.owed) && (!cut_off || !(session->has_head || session->has_barrier));
}

/* What does not add up, after a step; NULL where all does. */
static inline const char *account_fault(const struct block_virt *virt)
{
    if (!account_slots_are_sound(virt)) {
        return "slots";
    }
    if (!account_wholes_are_sound(virt)) {
        return "requests in pieces";
    }
    for (uint32_t i = 0; i < virt->client_count; i++) {
        if (!account_client_is_sound(virt, i)) {
            return "a client";
        }
    }
    return block_virt_wake_ms(virt) > virt->now_ms ? NULL : "time to wake";
}
