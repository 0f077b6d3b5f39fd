/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring in a memory that the input fills as it likes. The first byte says what was negotiated and how long the ring
 * is, two more where its indices begin; then come actions, each a byte and its operands.
 *
 * A chain that is popped must be sound, whatever it was made of: within memory, its sums right, the readable segments
 * first; and all its bytes can be copied out and in. In the end each head that was taken can be given back, once.
 */
#include <string.h>

#include <sdfgen/virtq.h>

#include "fuzz_input.h"

#define REGION_BYTES 0x2000u
#define RAM 0x40000000u
#define AVAIL_OFFSET 0x1000u
#define USED_OFFSET 0x1400u
#define HELD 16u

/* Each region by itself, so that nothing beyond one goes unnoticed. */
static _Alignas(16) uint8_t low[REGION_BYTES];
static _Alignas(16) uint8_t high[REGION_BYTES];
static struct guest_ram ram;
static struct virtq queue;
static struct virtq_chain chain;
static uint8_t copy[4 * REGION_BYTES];
static uint32_t popped_count;
static uint32_t pushed_count;
static uint16_t held[HELD];
static uint32_t held_count;

static uint8_t *memory_at(uint64_t offset)
{
    offset %= 2 * REGION_BYTES;
    return offset < REGION_BYTES ? &low[offset] : &high[offset - REGION_BYTES];
}

static void poke(uint64_t offset, uint64_t value, uint32_t width_bytes)
{
    for (uint32_t i = 0; i < width_bytes; i++) {
        shared_store_u8(memory_at(offset + i), (uint8_t)(value >> 8 * i));
    }
}

static bool is_inside(const struct virtq_segment *segment, const uint8_t *region)
{
    uintptr_t offset = (uintptr_t)segment->host - (uintptr_t)region;
    return offset < REGION_BYTES && segment->size_bytes <= REGION_BYTES - offset;
}

static void check_chain(void)
{
    uint64_t sums[2] = { 0, 0 };
    bool unmapped = false;
    REQUIRE(chain.head <= queue.mask && chain.segment_count <= VIRTQ_MAX_SEGMENTS);
    REQUIRE(chain.readable_count <= chain.segment_count);
    for (uint32_t i = 0; i < chain.segment_count; i++) {
        const struct virtq_segment *segment = &chain.segments[i];
        REQUIRE(segment->size_bytes != 0);
        REQUIRE(segment->host == NULL || is_inside(segment, low) || is_inside(segment, high));
        unmapped |= segment->host == NULL;
        sums[i >= chain.readable_count] += segment->size_bytes;
    }
    REQUIRE(chain.unmapped == unmapped);
    REQUIRE(sums[0] == chain.readable_bytes && sums[1] == chain.writable_bytes && sums[0] + sums[1] <= UINT32_MAX);
}

/* What is written is what was there, unless segments overlap. */
static void copy_chain(void)
{
    struct virtq_cursor from = { 0, 0 };
    struct virtq_cursor to = { chain.readable_count, 0 };
    if (chain.unmapped) {
        return;
    }
    for (uint32_t done = 0; done < chain.readable_bytes && done < sizeof(copy); done += 1000) {
        uint32_t rest = chain.readable_bytes - done;
        virtq_copy_from(&chain, &from, copy, rest < 1000 ? rest : 1000);
    }
    for (uint32_t done = 0; done < chain.writable_bytes && done < sizeof(copy); done += 1000) {
        uint32_t rest = chain.writable_bytes - done;
        virtq_copy_to(&chain, &to, copy, rest < 1000 ? rest : 1000);
    }
    REQUIRE(from.segment <= chain.readable_count && to.segment <= chain.segment_count);
}

static void pop(struct fuzz_input *input)
{
    (void)input;
    if (held_count == HELD) {
        return;
    }
    enum virtq_popped popped = virtq_pop(&queue, &ram, &chain);
    REQUIRE(queue.live || popped == VIRTQ_EMPTY);
    REQUIRE(!(queue.live && queue.broken) || popped == VIRTQ_BROKEN);
    if (popped == VIRTQ_CHAIN) {
        check_chain();
        copy_chain();
        held[held_count++] = chain.head;
    }
    popped_count += popped == VIRTQ_CHAIN || popped == VIRTQ_DROPPED;
    pushed_count += popped == VIRTQ_DROPPED;
}

static void push(struct fuzz_input *input)
{
    if (held_count > 0) {
        virtq_push(&queue, held[--held_count], (uint32_t)fuzz_take(input, 4));
        pushed_count++;
    }
}

static void push_anything(struct fuzz_input *input)
{
    uint16_t head = (uint16_t)fuzz_take(input, 2);
    uint32_t before = queue.in_flight_count;
    for (uint32_t i = 0; i < held_count; i++) {
        head = head == held[i] ? UINT16_MAX : head;
    }
    virtq_push(&queue, head, 1);
    REQUIRE(queue.in_flight_count == before);
}

static void publish(struct fuzz_input *input)
{
    (void)input;
    uint16_t old = queue.published_used;
    bool interrupt = virtq_publish(&queue);
    REQUIRE(!interrupt || old != queue.published_used);
    REQUIRE(!queue.live || queue.published_used == queue.next_used);
}

static void kicks(struct fuzz_input *input)
{
    if (fuzz_take(input, 1) % 2 != 0) {
        virtq_disable_kicks(&queue);
        return;
    }
    bool again = virtq_enable_kicks(&queue);
    REQUIRE(!again || queue.broken || queue.seen_avail != queue.next_avail);
}

static void write_memory(struct fuzz_input *input)
{
    uint64_t offset = fuzz_take(input, 2);
    for (uint64_t left = fuzz_take(input, 1); left > 0 && input->size_bytes > 0; left--) {
        poke(offset++, fuzz_take(input, 1), 1);
    }
}

static void write_descriptor(struct fuzz_input *input)
{
    uint64_t offset = 16 * fuzz_take(input, 1);
    uint64_t address = fuzz_take(input, 2);
    poke(offset, address < 0xff00 ? RAM + address % (2 * REGION_BYTES + 64) : UINT64_MAX - (address & 0xff), 8);
    poke(offset + 8, fuzz_take(input, 2) << fuzz_take(input, 1) % 17, 4);
    poke(offset + 12, fuzz_take(input, 1) % 8, 2);
    poke(offset + 14, fuzz_take(input, 1), 2);
}

static void offer(struct fuzz_input *input)
{
    uint64_t count = fuzz_take(input, 1) % 8;
    for (uint64_t i = 0; i < count; i++) {
        poke(AVAIL_OFFSET + 4 + 2 * ((queue.next_avail + i) & queue.mask), fuzz_take(input, 1), 2);
    }
    poke(AVAIL_OFFSET + 2, queue.next_avail + count, 2);
}

static void set_avail_index(struct fuzz_input *input)
{
    poke(AVAIL_OFFSET + 2, fuzz_take(input, 2), 2);
}

static void begin(const struct virtq_geometry *geometry, bool event_idx, bool indirect)
{
    enum virtq_code code = virtq_start(&queue, &ram, geometry, event_idx, indirect);
    REQUIRE(queue.live == (code == VIRTQ_OK) && queue.in_flight_count == 0);
    held_count = popped_count = pushed_count = 0;
}

static void restart_anywhere(struct fuzz_input *input)
{
    struct virtq_geometry geometry = { .size = (uint32_t)fuzz_take(input, 2) };
    geometry.desc_gpa = RAM + fuzz_take(input, 2);
    geometry.avail_gpa = RAM + fuzz_take(input, 2);
    geometry.used_gpa = RAM + fuzz_take(input, 2) - fuzz_take(input, 4);
    geometry.start = (uint16_t)fuzz_take(input, 2);
    begin(&geometry, geometry.start % 2 != 0, true);
}

static void stop(struct fuzz_input *input)
{
    (void)input;
    virtq_stop(&queue);
    held_count = popped_count = pushed_count = 0;
}

/* What is likelier to lead somewhere stands more than once. */
static void (*const actions[])(struct fuzz_input *) = {
    pop, pop, push, push_anything, publish, kicks, write_memory, write_descriptor, write_descriptor, offer, offer,
    set_avail_index, restart_anywhere, stop,
};

static struct fuzz_memory rewritten = { low, REGION_BYTES };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    (void)fuzz_start_rewriting(&rewritten);
    return 0;
}

static void start(struct fuzz_input *input)
{
    uint32_t options = (uint32_t)fuzz_take(input, 1);
    const struct virtq_geometry geometry = {
        .size = 1u << (options >> 2) % 9,
        .desc_gpa = RAM,
        .avail_gpa = RAM + AVAIL_OFFSET,
        .used_gpa = RAM + USED_OFFSET,
        .start = (uint16_t)fuzz_take(input, 2),
    };
    memset(low, 0, REGION_BYTES);
    memset(high, 0, REGION_BYTES);
    poke(AVAIL_OFFSET + 2, geometry.start, 2);
    ram.region_count = 0;
    REQUIRE(guest_ram_add(&ram, RAM, REGION_BYTES, low) && guest_ram_add(&ram, RAM + REGION_BYTES, REGION_BYTES, high));
    begin(&geometry, (options & 1) != 0, (options & 2) != 0);
    REQUIRE(queue.live);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    struct fuzz_input input = { bytes, size_bytes };
    start(&input);
    while (input.size_bytes > 0) {
        actions[fuzz_take(&input, 1) % (sizeof(actions) / sizeof(actions[0]))](&input);
        REQUIRE(!queue.live || queue.in_flight_count == held_count);
    }
    while (held_count > 0) {
        push(&input);
    }
    publish(&input);
    REQUIRE(queue.in_flight_count == 0 || !queue.live);
    REQUIRE(popped_count == pushed_count);
    return 0;
}
