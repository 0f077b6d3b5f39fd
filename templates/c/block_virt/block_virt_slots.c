/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_virt_slots.h"

void virt_slots_init(struct block_virt *virt)
{
    for (uint32_t i = 0; i < BLOCK_VIRT_MAX_IN_FLIGHT; i++) {
        virt->free_slots[i] = (uint8_t)i;
        virt->slots[i] = (struct block_virt_slot) { .live = false };
    }
    virt->free_count = BLOCK_VIRT_MAX_IN_FLIGHT;
    virt->oldest = VIRT_NO_SLOT;
    virt->newest = VIRT_NO_SLOT;
    virt->in_flight = 0;
    virt->late = 0;
    virt->again = 0;
}

static void append(struct block_virt *virt, uint32_t index)
{
    struct block_virt_slot *slot = &virt->slots[index];
    slot->older = virt->newest;
    slot->newer = VIRT_NO_SLOT;
    if (virt->newest == VIRT_NO_SLOT) {
        virt->oldest = (uint16_t)index;
    } else {
        virt->slots[virt->newest % BLOCK_VIRT_MAX_IN_FLIGHT].newer = (uint16_t)index;
    }
    virt->newest = (uint16_t)index;
}

static void detach(struct block_virt *virt, uint32_t index)
{
    const struct block_virt_slot *slot = &virt->slots[index];
    if (slot->older == VIRT_NO_SLOT) {
        virt->oldest = slot->newer;
    } else {
        virt->slots[slot->older % BLOCK_VIRT_MAX_IN_FLIGHT].newer = slot->newer;
    }
    if (slot->newer == VIRT_NO_SLOT) {
        virt->newest = slot->older;
    } else {
        virt->slots[slot->newer % BLOCK_VIRT_MAX_IN_FLIGHT].older = slot->older;
    }
}

/* The slots that are free, as a stack: never empty where one is taken. The remainders make that plain, at no cost. */
uint32_t virt_slots_take(struct block_virt *virt)
{
    virt->free_count--;
    virt->in_flight++;
    uint32_t index = virt->free_slots[virt->free_count % BLOCK_VIRT_MAX_IN_FLIGHT];
    struct block_virt_slot *slot = &virt->slots[index];
    slot->live = true;
    slot->late = false;
    slot->again = false;
    append(virt, index);
    return index;
}

void virt_slots_give(struct block_virt *virt, uint32_t index)
{
    struct block_virt_slot *slot = &virt->slots[index];
    virt->in_flight--;
    virt->late -= slot->late;
    virt->again -= slot->again;
    slot->live = false;
    slot->generation++;
    detach(virt, index);
    virt->free_slots[virt->free_count % BLOCK_VIRT_MAX_IN_FLIGHT] = (uint8_t)index;
    virt->free_count++;
}

static bool overlap(uint64_t first, uint64_t count, uint64_t other_first, uint64_t other_count)
{
    return first - other_first < other_count || other_first - first < count;
}

bool virt_slots_late_changes(const struct block_virt *virt, const struct block_virt_head *head)
{
    bool found = false;
    if (virt->late == 0 || (head->flags & OP_RANGE) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < BLOCK_VIRT_MAX_IN_FLIGHT; i++) {
        const struct block_virt_slot *slot = &virt->slots[i];
        found |= slot->live && slot->late && (slot->flags & OP_CHANGES) != 0
            && overlap(slot->request.block_number, slot->request.block_count, head->request.block_number,
                       head->request.block_count);
    }
    return found;
}

bool virt_slots_late_moves(const struct block_virt *virt, uint32_t client, uint64_t offset_bytes, uint32_t block_count)
{
    bool found = false;
    if (virt->sessions[client].late == 0) {
        return false;
    }
    for (uint32_t i = 0; i < BLOCK_VIRT_MAX_IN_FLIGHT; i++) {
        const struct block_virt_slot *slot = &virt->slots[i];
        found |= slot->live && slot->late && slot->client == client && slot->data_blocks != 0
            && overlap(slot->offset_bytes, (uint64_t)slot->data_blocks * SDDF_BLK_BLOCK_BYTES, offset_bytes,
                       (uint64_t)block_count * SDDF_BLK_BLOCK_BYTES);
    }
    return found;
}
