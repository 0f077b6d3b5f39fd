/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/mem.h>
#include <sdfgen/shared.h>
#include <sdfgen/virtq.h>

/* virtio 1.2, 2.7.5, 2.7.6 and 2.7.8. */
#define DESC_F_NEXT 1u
#define DESC_F_WRITE 2u
#define DESC_F_INDIRECT 4u
#define AVAIL_F_NO_INTERRUPT 1u
#define USED_F_NO_NOTIFY 1u

/* Both rings begin with two words of 16 bits: flags and idx. The used ring's elements have four such words each. */
#define RING_FLAGS 0u
#define RING_IDX 1u
#define RING_ENTRIES 2u
#define USED_WORDS 4u

_Static_assert((VIRTQ_MAX_SIZE & (VIRTQ_MAX_SIZE - 1)) == 0 && VIRTQ_MAX_SIZE % 32 == 0, "a bit per head, a mask");
_Static_assert(sizeof(struct virtq_desc) == 16, "virtio 1.2, 2.7.5");
_Static_assert(VIRTQ_MAX_CHAIN >= VIRTQ_MAX_SIZE, "2.7.5: a chain is as long as the queue at most");

/* ---- Geometry ---- */

static bool translate(const struct guest_ram *ram, uint64_t gpa, uint64_t size_bytes, uint64_t align, uint8_t **host)
{
    *host = gpa % align == 0 ? guest_ram_whole(ram, gpa, size_bytes) : NULL;
    return *host != NULL && (uintptr_t)*host % align == 0;
}

enum virtq_code virtq_start(struct virtq *queue, const struct guest_ram *ram, const struct virtq_geometry *geometry,
                            bool event_idx, bool indirect)
{
    uint32_t size = geometry->size;
    uint8_t *desc = NULL;
    uint8_t *avail = NULL;
    uint8_t *used = NULL;
    memset(queue, 0, sizeof(*queue));
    if (size == 0 || size > VIRTQ_MAX_SIZE || (size & (size - 1)) != 0) {
        return VIRTQ_ERR_SIZE;
    }
    /* The event word at the end of each ring is part of it, whether or not VIRTIO_F_EVENT_IDX was negotiated. */
    if (!translate(ram, geometry->desc_gpa, sizeof(struct virtq_desc) * (uint64_t)size, 16, &desc)) {
        return VIRTQ_ERR_DESC;
    }
    if (!translate(ram, geometry->avail_gpa, 6 + 2 * (uint64_t)size, 2, &avail)) {
        return VIRTQ_ERR_AVAIL;
    }
    if (!translate(ram, geometry->used_gpa, 6 + 8 * (uint64_t)size, 4, &used)) {
        return VIRTQ_ERR_USED;
    }
    queue->desc = (const volatile struct virtq_desc *)(void *)desc;
    queue->avail = (volatile uint16_t *)(void *)avail;
    queue->used = (volatile uint16_t *)(void *)used;
    queue->mask = size - 1;
    queue->event_idx = event_idx;
    queue->indirect = indirect;
    queue->next_avail = queue->seen_avail = geometry->start;
    queue->next_used = queue->published_used = geometry->start;
    queue->live = true;
    return VIRTQ_OK;
}

void virtq_stop(struct virtq *queue)
{
    queue->live = false;
}

/* ---- Heads in flight ---- */

static bool in_flight(const struct virtq *queue, uint16_t head)
{
    return (queue->in_flight[head / 32] >> (head % 32) & 1u) != 0;
}

static void flip_in_flight(struct virtq *queue, uint16_t head)
{
    queue->in_flight[head / 32] ^= 1u << (head % 32);
}

/* ---- Walking a chain ---- */

/* A table of descriptors, and how far the walk has come in all tables together. */
struct walk {
    const struct guest_ram *ram;
    const volatile uint8_t *host; /* NULL when the table is not whole in one region */
    uint64_t gpa;
    uint32_t size;
    uint32_t taken;
    bool in_indirect;
};

static void load_whole(const volatile uint8_t *host, struct virtq_desc *desc)
{
    if ((uintptr_t)host % sizeof(uint64_t) != 0) {
        *desc = (struct virtq_desc) { 0 };
        guest_ram_load(host, desc, sizeof(*desc));
        return;
    }
    const volatile uint64_t *words = (const volatile uint64_t *)(const volatile void *)host;
    uint64_t rest = shared_load_u64(&words[1]);
    desc->addr = shared_load_u64(&words[0]);
    desc->len = (uint32_t)rest;
    desc->flags = (uint16_t)(rest >> 32);
    desc->next = (uint16_t)(rest >> 48);
}

/* Loads one descriptor, each word of it once. */
static bool load_descriptor(const struct walk *walk, uint32_t index, struct virtq_desc *desc)
{
    if (walk->host == NULL) {
        *desc = (struct virtq_desc) { 0 };
        return guest_ram_read(walk->ram, walk->gpa + index * sizeof(*desc), desc, sizeof(*desc));
    }
    load_whole(walk->host + index * sizeof(*desc), desc);
    return true;
}

static bool add_segment(struct virtq_chain *chain, uint8_t *host, uint32_t size_bytes)
{
    if (chain->segment_count >= VIRTQ_MAX_SEGMENTS) {
        return false;
    }
    chain->segments[chain->segment_count] = (struct virtq_segment) { .host = host, .size_bytes = size_bytes };
    chain->segment_count++;
    chain->unmapped |= host == NULL;
    return true;
}

/* Cuts a buffer into what lies in one region each. What is not RAM, or wraps, is one segment without a pointer. */
static bool add_buffer(const struct guest_ram *ram, struct virtq_chain *chain, uint64_t gpa, uint32_t size_bytes)
{
    bool wraps = size_bytes != 0 && size_bytes - 1 > UINT64_MAX - gpa;
    while (size_bytes > 0) {
        uint64_t span = 0;
        uint8_t *host = guest_ram_span(ram, gpa, size_bytes, &span);
        if (host == NULL || wraps) {
            return add_segment(chain, NULL, size_bytes);
        }
        if (!add_segment(chain, host, (uint32_t)span)) {
            return false;
        }
        gpa += span;
        size_bytes -= (uint32_t)span;
    }
    return true;
}

/* Adds one descriptor's buffer. False when it breaks the order of 2.7.4.2 or the chain becomes too large. */
static bool add_descriptor(const struct guest_ram *ram, struct virtq_chain *chain, const struct virtq_desc *desc)
{
    bool writable = (desc->flags & DESC_F_WRITE) != 0;
    if (desc->len == 0) {
        return true;
    }
    if (!writable && chain->writable_bytes != 0) {
        return false;
    }
    if (desc->len > UINT32_MAX - chain->readable_bytes - chain->writable_bytes) {
        return false;
    }
    if (!add_buffer(ram, chain, desc->addr, desc->len)) {
        return false;
    }
    if (writable) {
        chain->writable_bytes += desc->len;
    } else {
        chain->readable_bytes += desc->len;
        chain->readable_count = chain->segment_count;
    }
    return true;
}

/* Goes on in an indirect table (2.7.5.3), all of which is RAM: what lies behind the chain's end in it, too. */
static bool enter_indirect(const struct virtq *queue, struct walk *walk, const struct virtq_desc *desc)
{
    if (!queue->indirect || walk->in_indirect || (desc->flags & DESC_F_NEXT) != 0 || desc->len == 0 ||
        desc->len % sizeof(*desc) != 0 || desc->len - 1 > UINT64_MAX - desc->addr) {
        return false;
    }
    walk->host = guest_ram_whole(walk->ram, desc->addr, desc->len);
    if (walk->host == NULL && !guest_ram_holds(walk->ram, desc->addr, desc->len)) {
        return false;
    }
    walk->gpa = desc->addr;
    walk->size = desc->len / (uint32_t)sizeof(*desc);
    walk->in_indirect = true;
    return true;
}

/* Walks a chain into segments. False when it is malformed. */
static bool walk_chain(const struct virtq *queue, struct walk *walk, struct virtq_chain *chain)
{
    uint32_t index = chain->head;
    /* The descriptor that names an indirect table is none of the chain's buffers, and does not count. */
    for (; walk->taken < VIRTQ_MAX_CHAIN + (uint32_t)walk->in_indirect; walk->taken++) {
        struct virtq_desc desc;
        if (index >= walk->size || !load_descriptor(walk, index, &desc)) {
            return false;
        }
        if ((desc.flags & DESC_F_INDIRECT) != 0) {
            if (!enter_indirect(queue, walk, &desc)) {
                return false;
            }
            index = 0;
            continue;
        }
        if (!add_descriptor(walk->ram, chain, &desc)) {
            return false;
        }
        if ((desc.flags & DESC_F_NEXT) == 0) {
            return true;
        }
        index = desc.next;
    }
    return false;
}

/* ---- The available ring ---- */

/* Whether there is an entry to take. Loads avail.idx only when what was seen of it is used up. */
static bool is_available(struct virtq *queue)
{
    if (queue->next_avail == queue->seen_avail) {
        uint16_t idx = shared_load_acquire_u16(&queue->avail[RING_IDX]);
        if ((uint16_t)(idx - queue->next_avail) > queue->mask + 1) {
            queue->broken = true;
            return false;
        }
        queue->seen_avail = idx;
    }
    return queue->next_avail != queue->seen_avail;
}

enum virtq_popped virtq_pop(struct virtq *queue, const struct guest_ram *ram, struct virtq_chain *chain)
{
    if (!queue->live || queue->broken || !is_available(queue)) {
        return queue->live && queue->broken ? VIRTQ_BROKEN : VIRTQ_EMPTY;
    }
    uint16_t head = shared_load_u16(&queue->avail[RING_ENTRIES + (queue->next_avail & queue->mask)]);
    if (head > queue->mask || in_flight(queue, head)) {
        queue->broken = true;
        return VIRTQ_BROKEN;
    }
    queue->next_avail++;
    flip_in_flight(queue, head);
    queue->in_flight_count++;
    chain->head = head;
    chain->unmapped = false;
    chain->readable_count = 0;
    chain->segment_count = 0;
    chain->readable_bytes = 0;
    chain->writable_bytes = 0;
    struct walk walk = { .ram = ram, .host = (const volatile uint8_t *)queue->desc, .size = queue->mask + 1 };
    bool sound = walk_chain(queue, &walk, chain);
    queue->loaded_count += walk.taken + 1;
    if (!sound) {
        virtq_push(queue, head, 0);
        return VIRTQ_DROPPED;
    }
    return VIRTQ_CHAIN;
}

/* ---- The used ring ---- */

void virtq_push(struct virtq *queue, uint16_t head, uint32_t used_bytes)
{
    if (!queue->live || head > queue->mask || !in_flight(queue, head)) {
        return;
    }
    volatile uint16_t *element = &queue->used[RING_ENTRIES + USED_WORDS * (queue->next_used & queue->mask)];
    shared_store_u32((volatile uint32_t *)(volatile void *)element, head);
    shared_store_u32((volatile uint32_t *)(volatile void *)(element + 2), used_bytes);
    flip_in_flight(queue, head);
    queue->in_flight_count--;
    queue->next_used++;
}

bool virtq_publish(struct virtq *queue)
{
    uint16_t old = queue->published_used;
    uint16_t new = queue->next_used;
    if (!queue->live || old == new) {
        return false;
    }
    queue->published_used = new;
    shared_store_release_u16(&queue->used[RING_IDX], new);
    /* The driver enables interrupts and then looks at used.idx; we store used.idx and then look here (2.7.7.2). */
    shared_fence();
    if (!queue->event_idx) {
        return (shared_load_u16(&queue->avail[RING_FLAGS]) & AVAIL_F_NO_INTERRUPT) == 0;
    }
    uint16_t used_event = shared_load_u16(&queue->avail[RING_ENTRIES + queue->mask + 1]);
    return (uint16_t)(new - used_event - 1) < (uint16_t)(new - old);
}

/* ---- Notifications from the driver ---- */

static volatile uint16_t *avail_event(const struct virtq *queue)
{
    return &queue->used[RING_ENTRIES + USED_WORDS * (queue->mask + 1)];
}

void virtq_disable_kicks(struct virtq *queue)
{
    /* With EVENT_IDX the event asked for last lies behind us: the driver is silent as it is. */
    if (queue->live && !queue->event_idx) {
        shared_store_u16(&queue->used[RING_FLAGS], USED_F_NO_NOTIFY);
    }
}

bool virtq_enable_kicks(struct virtq *queue)
{
    if (!queue->live || queue->broken) {
        return false;
    }
    if (queue->event_idx) {
        shared_store_u16(avail_event(queue), queue->next_avail);
    } else {
        shared_store_u16(&queue->used[RING_FLAGS], 0);
    }
    shared_fence();
    return is_available(queue) || queue->broken;
}

bool virtq_waits(const struct virtq *queue)
{
    return queue->live && !queue->broken &&
           (queue->next_avail != queue->seen_avail || shared_load_u16(&queue->avail[RING_IDX]) != queue->next_avail);
}

/* ---- Data ---- */

/* What lies at the cursor: how much of `wanted_bytes` without a break, and where. Moves the cursor behind it. */
static uint8_t *next_run(const struct virtq_chain *chain, struct virtq_cursor *cursor, uint32_t wanted_bytes,
                         uint32_t *run_bytes)
{
    const struct virtq_segment *segment = &chain->segments[cursor->segment];
    uint8_t *host = segment->host + cursor->offset_bytes;
    uint32_t rest = segment->size_bytes - cursor->offset_bytes;
    *run_bytes = wanted_bytes < rest ? wanted_bytes : rest;
    cursor->offset_bytes += *run_bytes;
    if (*run_bytes == rest) {
        cursor->segment++;
        cursor->offset_bytes = 0;
    }
    return host;
}

void virtq_copy_from(const struct virtq_chain *chain, struct virtq_cursor *cursor, uint8_t *to, uint32_t size_bytes)
{
    while (size_bytes > 0 && cursor->segment < chain->segment_count) {
        uint32_t run = 0;
        const uint8_t *host = next_run(chain, cursor, size_bytes, &run);
        memcpy(to, host, run);
        to += run;
        size_bytes -= run;
    }
}

void virtq_copy_to(const struct virtq_chain *chain, struct virtq_cursor *cursor, const uint8_t *from,
                   uint32_t size_bytes)
{
    while (size_bytes > 0 && cursor->segment < chain->segment_count) {
        uint32_t run = 0;
        uint8_t *host = next_run(chain, cursor, size_bytes, &run);
        memcpy(host, from, run);
        from += run;
        size_bytes -= run;
    }
}
