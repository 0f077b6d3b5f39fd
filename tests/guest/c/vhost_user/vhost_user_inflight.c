/* SPDX-License-Identifier: BSD-2-Clause */
#include "vhost_user_inflight.h"

#include <sdfgen/shared.h>

#include <string.h>

/* The parts of the ring that matter here, found by their place in the standard (2.7.6, 2.7.8). */
struct ring {
    volatile uint16_t *avail_idx;
    volatile uint16_t *avail;
    const volatile uint16_t *used_idx;
    const volatile uint32_t *used; /* pairs of head and length */
    uint16_t mask;
};

/* Heads in the order in which they are to be taken again. */
struct outstanding {
    uint32_t count;
    uint16_t heads[2 * VIRTQ_MAX_SIZE];
};

void inflight_save(struct inflight_area *area, const struct virtq *queue)
{
    uint32_t other = area->current == 1 ? 1 : 0;
    struct inflight_record *record = &area->records[other];
    record->next_avail = queue->next_avail;
    record->used = queue->published_used;
    memcpy(record->heads, queue->in_flight, sizeof(record->heads));
    shared_store_release_u32(&area->current, other + 1);
}

void inflight_clear(struct inflight_area *area)
{
    shared_store_release_u32(&area->current, 0);
}

static bool find_ring(const struct guest_ram *ram, const struct virtq_geometry *geometry, struct ring *ring)
{
    uint8_t *avail = guest_ram_whole(ram, geometry->avail_gpa, 4 + 2 * (uint64_t)geometry->size);
    uint8_t *used = guest_ram_whole(ram, geometry->used_gpa, 4 + 8 * (uint64_t)geometry->size);
    if (avail == NULL || used == NULL || geometry->size == 0 || geometry->size > VIRTQ_MAX_SIZE) {
        return false;
    }
    ring->avail_idx = (volatile uint16_t *)(void *)avail + 1;
    ring->avail = ring->avail_idx + 1;
    ring->used_idx = (const volatile uint16_t *)(void *)used + 1;
    ring->used = (const volatile uint32_t *)(void *)(used + 4);
    ring->mask = (uint16_t)(geometry->size - 1);
    return true;
}

static void note(struct outstanding *list, uint16_t head)
{
    list->heads[list->count++] = head;
}

/* Removes the first mention of a head. */
static bool strike(struct outstanding *list, uint32_t head)
{
    uint32_t at = 0;
    while (at < list->count && list->heads[at] != head) {
        at++;
    }
    if (at == list->count) {
        return false;
    }
    list->count--;
    for (; at < list->count; at++) {
        list->heads[at] = list->heads[at + 1];
    }
    return true;
}

static bool collect(const struct ring *ring, const struct inflight_record *record, uint16_t avail, uint16_t used,
                    struct outstanding *list)
{
    uint16_t fresh = (uint16_t)(avail - record->next_avail);
    uint16_t returned = (uint16_t)(used - record->used);
    if (fresh > ring->mask + 1 || returned > ring->mask + 1) {
        return false;
    }
    for (uint16_t head = 0; head < VIRTQ_MAX_SIZE; head++) {
        if (record->heads[head / 32] >> head % 32 & 1) {
            note(list, head);
        }
    }
    for (uint16_t i = 0; i < fresh; i++) {
        note(list, shared_load_u16(&ring->avail[(uint16_t)(record->next_avail + i) & ring->mask]));
    }
    bool known = true;
    for (uint16_t i = 0; known && i < returned; i++) {
        known = strike(list, shared_load_u32(&ring->used[2 * ((uint16_t)(record->used + i) & ring->mask)]));
    }
    return known;
}

bool inflight_recover(const struct inflight_area *area, const struct guest_ram *ram, struct virtq_geometry *geometry,
                      uint32_t *count)
{
    struct ring ring;
    struct outstanding list = {.count = 0};
    *count = 0;
    if (area->current == 0) {
        return true;
    }
    if (area->current > 2 || !find_ring(ram, geometry, &ring)) {
        return false;
    }
    /* What the guest makes available from here on is beyond the slots that are rewritten. */
    uint16_t avail = shared_load_acquire_u16(ring.avail_idx);
    uint16_t used = shared_load_u16(ring.used_idx);
    if (!collect(&ring, &area->records[area->current - 1], avail, used, &list) ||
        list.count != (uint16_t)(avail - used)) {
        return false;
    }
    for (uint16_t i = 0; i < list.count; i++) {
        shared_store_u16(&ring.avail[(uint16_t)(used + i) & ring.mask], list.heads[i]);
    }
    geometry->start = used;
    *count = list.count;
    return true;
}
