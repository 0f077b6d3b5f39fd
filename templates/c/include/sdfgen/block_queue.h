/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One end of an sDDF block queue (sddf_blk.h), safe against whoever is at the other end.
 *
 * An end keeps its own index in its own memory and never reads it back from shared memory after it was set up. The
 * other end's index is loaded once per look and believed only as far as it makes sense: a producer that claims more
 * entries than there are slots, or a consumer that claims to have taken what was never there, has broken the protocol.
 * The end then is `broken` for good: it neither gives nor takes, and its owner decides what to do about it.
 *
 * Writers put any number of entries, then publish once. Readers take any number, then release once. Neither call
 * blocks, and each is constant time.
 *
 * Safe on Device memory: naturally aligned accesses of 2, 4 and 8 bytes only.
 */
#pragma once

#include <stdbool.h>

#include <sdfgen/sddf_blk.h>
#include <sdfgen/shared.h>

/* The largest capacity: what sdfgen allows, and far from where indices would become ambiguous. */
#define BLOCK_QUEUE_MAX_CAPACITY 32768u

/* The indices of one end; the same for both queues and both directions. */
struct block_queue_end {
    volatile uint32_t *own_word;        /* the index this end publishes */
    const volatile uint32_t *peer_word; /* the index the other end publishes */
    uint32_t mask;                      /* capacity - 1, the capacity being a power of two */
    uint32_t own;                       /* this end's index */
    bool broken;                        /* the other end's index made no sense */
};

struct block_request_writer {
    struct block_queue_end end;
    const volatile uint32_t *awake;
    volatile struct sddf_blk_request *slots;
};

struct block_request_reader {
    struct block_queue_end end;
    volatile uint32_t *awake;
    const volatile struct sddf_blk_request *slots;
};

struct block_response_writer {
    struct block_queue_end end;
    volatile struct sddf_blk_response *slots;
};

struct block_response_reader {
    struct block_queue_end end;
    const volatile struct sddf_blk_response *slots;
};

/*
 * Set up one end. `capacity` is a power of two up to BLOCK_QUEUE_MAX_CAPACITY (generated, so not checked again), and
 * the queue's memory holds that many slots. This end goes on where the shared words say it was, so that a restarted
 * program can take over; where they make no sense, the end is broken from the start.
 */
void block_request_writer_init(struct block_request_writer *writer, volatile struct sddf_blk_request_queue *queue,
                               uint32_t capacity);
void block_request_reader_init(struct block_request_reader *reader, volatile struct sddf_blk_request_queue *queue,
                               uint32_t capacity);
void block_response_writer_init(struct block_response_writer *writer, volatile struct sddf_blk_response_queue *queue,
                                uint32_t capacity);
void block_response_reader_init(struct block_response_reader *reader, volatile struct sddf_blk_response_queue *queue,
                                uint32_t capacity);

/*
 * How many entries a writer could put now, or a reader could take: looks at the other end's index (acquire), at most
 * the capacity, 0 when broken. Bound a loop with it: what the other end adds meanwhile waits for the next look.
 */
uint32_t block_queue_room(struct block_queue_end *writer_end);
uint32_t block_queue_filled(struct block_queue_end *reader_end);

/* Puts one entry, not yet visible. The caller knows there is room (block_queue_room). */
void block_request_put(struct block_request_writer *writer, const struct sddf_blk_request *request);
void block_response_put(struct block_response_writer *writer, const struct sddf_blk_response *response);

/* Copies the next entry out, each word loaded once. The caller knows there is one (block_queue_filled). */
void block_request_take(struct block_request_reader *reader, struct sddf_blk_request *request);
void block_response_take(struct block_response_reader *reader, struct sddf_blk_response *response);

/* Makes what was put visible, or the slots that were taken free again: one release store of this end's index. */
void block_queue_publish(struct block_queue_end *end);

/*
 * The same for a reader that has taken the last `taken` entries, where the writer sleeps while it finds too few slots
 * free. Returns how many entries it may have found in the queue at most before these became free: if they were too many
 * for it, it has to be notified. No more than the capacity, unless the writer breaks the protocol.
 *
 * The writer's part: publish, shared_fence(), and only then look for room (block_queue_room) before it sleeps. One of
 * the two then sees what the other has stored, on whatever cores they run.
 */
uint32_t block_queue_release(struct block_queue_end *reader_end, uint32_t taken);

/*
 * Notifications that are spared: a reader that is awake, and will look at the queue once more before it sleeps, says so;
 * the writer publishes, and then asks whether the reader has to be notified.
 *
 * The reader's part: it says that it sleeps, looks once more (block_queue_filled), and sleeps only if there is nothing.
 * Each stores and then loads, with a fence between: one of the two sees what the other has stored. A reader that never
 * says that it is awake is always notified, and so is one whose word makes no sense.
 */
void block_request_say_awake(const struct block_request_reader *reader);
void block_request_say_asleep(const struct block_request_reader *reader);
bool block_request_must_notify(const struct block_request_writer *writer);
