/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a split virtqueue (virtio 1.2, 2.7).
 *
 * The ring's three parts are checked and translated once, when the queue starts. Each descriptor is loaded once and
 * becomes one or more segments: pointer and size, in memory of ours. After virtq_pop() nothing of the chain is read
 * from guest memory again, so that a guest which rewrites its descriptors meanwhile changes nothing.
 *
 * What a guest can do wrong, and what happens:
 *   - A chain that breaks the rules by itself (a loop, too long, next beyond the table, readable after writable, a
 *     malformed or nested indirect table, or one of which any byte is not RAM, before its first descriptor is read) is
 *     returned with length 0: VIRTQ_DROPPED. The queue goes on.
 *   - A descriptor outside RAM stays in the chain as a segment without a pointer: the device answers as it can.
 *   - A ring that breaks the rules (avail.idx further ahead than the ring is long, a head beyond the table, a head that
 *     is still in flight) can't be trusted any more: VIRTQ_BROKEN, now and for ever until the queue starts anew.
 *
 * Costs: popping is linear in the chain, everything else is constant, whatever the ring's size.
 */
#pragma once

#include <sdfgen/guest_ram.h>

/* The largest ring this device takes: QueueNumMax. A power of two. */
#define VIRTQ_MAX_SIZE 256u
/*
 * Descriptors in one chain, direct and indirect ones together; the one that names an indirect table does not count.
 * With such tables Linux goes beyond the ring's size, up to the device's segment limit and two more, which is why that
 * limit is VIRTQ_MAX_CHAIN - 2.
 */
#define VIRTQ_MAX_CHAIN 256u
/* Each descriptor may be cut by the border of two regions; so many cuts in one chain are taken, more are not. */
#define VIRTQ_MAX_SEGMENTS (VIRTQ_MAX_CHAIN + GUEST_RAM_MAX_REGIONS)

/* Where the driver put the ring. Guest-physical addresses. */
struct virtq_geometry {
    uint32_t size; /* descriptors */
    uint64_t desc_gpa;
    uint64_t avail_gpa; /* the driver area */
    uint64_t used_gpa;  /* the device area */
    uint16_t start;     /* index at which both rings go on: 0 after a reset */
};

enum virtq_code {
    VIRTQ_OK = 0,
    VIRTQ_ERR_SIZE,  /* not a power of two, or beyond VIRTQ_MAX_SIZE (2.7: queue size is a power of 2) */
    VIRTQ_ERR_DESC,  /* descriptor table: not 16-byte aligned, or not whole in one region of RAM */
    VIRTQ_ERR_AVAIL, /* available ring: not 2-byte aligned, or not in RAM */
    VIRTQ_ERR_USED,  /* used ring: not 4-byte aligned, or not in RAM */
};

/* struct virtq_desc of the standard, 2.7.5. */
struct virtq_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags;
    uint16_t next;
};

/* A piece of a chain. host is NULL when it is not RAM. */
struct virtq_segment {
    uint8_t *host;
    uint32_t size_bytes;
};

/* A chain as it was when it was popped: first the device-readable segments, then the writable ones; none is empty. */
struct virtq_chain {
    uint16_t head;
    bool unmapped; /* at least one segment has no pointer */
    uint32_t readable_count;
    uint32_t segment_count;
    uint32_t readable_bytes; /* in total below 2^32 together with writable_bytes */
    uint32_t writable_bytes;
    struct virtq_segment segments[VIRTQ_MAX_SEGMENTS];
};

/* A place in a chain's segments. */
struct virtq_cursor {
    uint32_t segment;
    uint32_t offset_bytes;
};

struct virtq {
    bool live;
    bool broken;
    bool event_idx;
    bool indirect;
    uint32_t mask; /* size - 1 */
    const volatile struct virtq_desc *desc;
    volatile uint16_t *avail; /* flags, idx, ring[size], used_event */
    volatile uint16_t *used;  /* flags, idx, ring[size] of two words each, avail_event */
    uint16_t next_avail;      /* the entry to take next */
    uint16_t seen_avail;      /* avail.idx as last loaded */
    uint16_t next_used;       /* where the next used element goes */
    uint16_t published_used;  /* used.idx as last stored */
    uint32_t loaded_count;    /* descriptors loaded, since the owner set it to 0 */
    uint32_t in_flight_count;
    uint32_t in_flight[VIRTQ_MAX_SIZE / 32]; /* a bit per head */
};

enum virtq_popped {
    VIRTQ_EMPTY,
    VIRTQ_CHAIN,
    VIRTQ_DROPPED, /* a malformed chain; it has been pushed back with length 0 */
    VIRTQ_BROKEN,
};

/*
 * Checks the ring's geometry and starts the queue. Unless it returns VIRTQ_OK the queue is not live.
 * `event_idx` and `indirect` say what was negotiated (VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC).
 */
enum virtq_code virtq_start(struct virtq *queue, const struct guest_ram *ram, const struct virtq_geometry *geometry,
                            bool event_idx, bool indirect);

/* Stops the queue: nothing in guest memory is touched any more. */
void virtq_stop(struct virtq *queue);

/*
 * Takes the next available chain. avail.idx is loaded with acquire, and only when what was seen of it is used up.
 * `chain` holds nothing to be used unless the result is VIRTQ_CHAIN.
 */
enum virtq_popped virtq_pop(struct virtq *queue, const struct guest_ram *ram, struct virtq_chain *chain);

/*
 * Returns a chain. `used_bytes`: how many bytes, counted from the first writable one on, the device has surely written
 * (2.7.8.2). Not visible to the driver before virtq_publish(). Nothing happens when the queue is not live, or the head
 * is not in flight.
 */
void virtq_push(struct virtq *queue, uint16_t head, uint32_t used_bytes);

/*
 * Makes everything pushed visible with one store of used.idx (release). True when the driver wants an interrupt for it
 * (2.7.7.1 without, 2.7.7.2 with VIRTIO_F_EVENT_IDX).
 */
bool virtq_publish(struct virtq *queue);

/* Tells the driver not to notify: while the device is looking anyway. A hint (2.7.10). */
void virtq_disable_kicks(struct virtq *queue);

/*
 * Asks the driver to notify of the next chain. True when one came before it could know: then look again.
 */
bool virtq_enable_kicks(struct virtq *queue);

/* Whether a chain is available, as far as one look can tell; asks for nothing. */
bool virtq_waits(const struct virtq *queue);

/* Copies out of readable, or into writable, segments from the cursor on, and moves it. The bytes are there. */
void virtq_copy_from(const struct virtq_chain *chain, struct virtq_cursor *cursor, uint8_t *to, uint32_t size_bytes);
void virtq_copy_to(const struct virtq_chain *chain, struct virtq_cursor *cursor, const uint8_t *from,
                   uint32_t size_bytes);
