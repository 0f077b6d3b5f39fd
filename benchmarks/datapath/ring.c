/* SPDX-License-Identifier: BSD-2-Clause */
#include "ring.h"

#include <string.h>

#define DESC_NEXT 1u
#define DESC_WRITE 2u
#define DESC_INDIRECT 4u
#define HEADER_BYTES 16u
#define STATUS_OFFSET 64u
#define TABLE_OFFSET 128u
#define SEGMENT_BYTES PAGE_BYTES

static uint16_t *word(const struct ring *ring, uint32_t area, uint32_t index)
{
    return (uint16_t *)(void *)(ring->memory + area) + index;
}

void ring_init(struct ring *ring, uint8_t *memory, uint64_t gpa, uint32_t size, uint32_t data_bytes, bool indirect)
{
    uint32_t pages = data_bytes / SEGMENT_BYTES;
    *ring = (struct ring) { .memory = memory, .gpa = gpa, .size = size, .data_bytes = data_bytes };
    ring->indirect = indirect;
    ring->descriptors = indirect ? 1 : pages + 2;
    ring->slots = size / ring->descriptors;
}

struct virtq_geometry ring_geometry(const struct ring *ring)
{
    return (struct virtq_geometry) {
        .size = ring->size,
        .desc_gpa = ring->gpa + RING_DESC,
        .avail_gpa = ring->gpa + RING_AVAIL,
        .used_gpa = ring->gpa + RING_USED,
    };
}

static void fill_chain(struct ring *ring, struct virtq_desc *desc, uint16_t first, uint32_t slot, uint16_t write)
{
    uint64_t page = ring->gpa + RING_HEADERS + (uint64_t)slot * PAGE_BYTES;
    uint64_t data = ring->gpa + RING_DATA + (uint64_t)slot * ring->data_bytes;
    uint16_t count = (uint16_t)(ring->data_bytes / SEGMENT_BYTES);
    desc[0] = (struct virtq_desc) { page, HEADER_BYTES, DESC_NEXT, (uint16_t)(first + 1) };
    for (uint16_t i = 1; i <= count; i++) {
        desc[i] = (struct virtq_desc) { data + (uint64_t)(i - 1u) * SEGMENT_BYTES, SEGMENT_BYTES,
                                        (uint16_t)(DESC_NEXT | write), (uint16_t)(first + i + 1) };
    }
    desc[count + 1] = (struct virtq_desc) { page + STATUS_OFFSET, 1, DESC_WRITE, 0 };
}

void ring_submit(struct ring *ring, uint32_t slot, uint32_t type, uint64_t sector)
{
    uint8_t *page = ring->memory + RING_HEADERS + slot * PAGE_BYTES;
    uint16_t head = (uint16_t)(slot * ring->descriptors);
    uint16_t write = type == 0 ? DESC_WRITE : 0;
    struct virtq_desc *desc = (struct virtq_desc *)(void *)(ring->memory + RING_DESC) + head;
    memcpy(page, &type, sizeof(type));
    memcpy(page + 8, &sector, sizeof(sector));
    if (ring->indirect) {
        struct virtq_desc *table = (struct virtq_desc *)(void *)(page + TABLE_OFFSET);
        uint32_t bytes = (ring->data_bytes / SEGMENT_BYTES + 2) * (uint32_t)sizeof(*table);
        fill_chain(ring, table, 0, slot, write);
        *desc = (struct virtq_desc) { ring->gpa + (uint64_t)(page - ring->memory) + TABLE_OFFSET, bytes,
                                      DESC_INDIRECT, 0 };
    } else {
        fill_chain(ring, desc, head, slot, write);
    }
    *word(ring, RING_AVAIL, 2 + ring->avail_idx % ring->size) = head;
    ring->avail_idx++;
    __atomic_store_n(word(ring, RING_AVAIL, 1), ring->avail_idx, __ATOMIC_RELEASE);
}

bool ring_kick(struct ring *ring)
{
    uint16_t event = *word(ring, RING_USED, 2 + 4 * ring->size);
    bool wanted = (uint16_t)(ring->avail_idx - event - 1) < (uint16_t)(ring->avail_idx - ring->kicked_idx);
    ring->kicked_idx = ring->avail_idx;
    ring->kicks += wanted;
    return wanted;
}

int ring_complete(struct ring *ring)
{
    if (__atomic_load_n(word(ring, RING_USED, 1), __ATOMIC_ACQUIRE) == ring->used_idx) {
        return -1;
    }
    uint16_t head = *word(ring, RING_USED, 2 + 4 * (ring->used_idx % ring->size));
    ring->used_idx++;
    *word(ring, RING_AVAIL, 2 + ring->size) = ring->used_idx;
    return (int)(head / ring->descriptors);
}

uint8_t ring_status(const struct ring *ring, uint32_t slot)
{
    return ring->memory[RING_HEADERS + slot * PAGE_BYTES + STATUS_OFFSET];
}
