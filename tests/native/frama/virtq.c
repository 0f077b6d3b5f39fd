/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring: any geometry in guest memory of two regions anywhere, any content of that memory at any time, any device
 * that answers what it took, what it did not take, late, or not at all. The ring has RING_SIZE descriptors; in
 * the end it is started with any number of them.
 */
#include <sdfgen/virtq.h>

#include "any.h"

#if INDIRECT
#define LOW_BYTES 64u
#define HIGH_BYTES 32u
#else
#define LOW_BYTES 0x4000u
#define HIGH_BYTES 0x2000u
#endif

static uint8_t low[LOW_BYTES];
static uint8_t high[HIGH_BYTES];

static struct guest_ram ram;
static struct virtq queue;
static struct virtq_chain chain;

#if INDIRECT
/*
 * Under this name the product's guest_ram_whole() is linked here. EVA does not relate the length of a table to where it
 * lies; kept apart by length, each case is exact. Nothing larger than the larger region can lie in one.
 */
uint8_t *product_whole(const struct guest_ram *memory, uint64_t gpa, uint64_t size_bytes);

uint8_t *guest_ram_whole(const struct guest_ram *memory, uint64_t gpa, uint64_t size_bytes)
{
    if (size_bytes > LOW_BYTES) {
        uint32_t none = 0;
        //@ split none;
        return NULL;
    }
    //@ split size_bytes;
    return product_whole(memory, gpa, size_bytes);
}
#endif

static void use(void)
{
    enum virtq_popped popped = virtq_pop(&queue, &ram, &chain);
    if (popped == VIRTQ_CHAIN) {
        /*@ assert segments_fit: chain.segment_count <= VIRTQ_MAX_SEGMENTS; */
        /*@ assert readable_first: chain.readable_count <= VIRTQ_MAX_SEGMENTS; */
    }
    virtq_push(&queue, any_bool() ? chain.head : any_u16(), any_u32());
    (void)virtq_publish(&queue);
    virtq_disable_kicks(&queue);
    (void)virtq_enable_kicks(&queue);
    (void)virtq_waits(&queue);
}

int main(void)
{
    struct virtq_geometry geometry = { RING_SIZE, any_u64(), any_u64(), any_u64(), any_u16() };
    /* EVA finds by itself that the count stays bounded, but not by how much without being told where to look. */
    //@ widen_hints global:chain.segment_count, 264;
    if (!guest_ram_add(&ram, any_u64(), LOW_BYTES, low)) {
        return 0;
    }
    if (!guest_ram_add(&ram, any_u64(), HIGH_BYTES, high)) {
        return 0;
    }
    if (virtq_start(&queue, &ram, &geometry, any_bool(), INDIRECT) != VIRTQ_OK) {
        return 0;
    }
    while (any_bool()) {
        use();
    }
    virtq_stop(&queue);
    use();
    geometry.size = any_u32();
    (void)virtq_start(&queue, &ram, &geometry, any_bool(), INDIRECT);
    return 0;
}
