/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the virtualiser's files: blk_virt.c (life and steps), blk_virt_client.c (requests of clients),
 * blk_virt_driver.c (requests to the driver and its answers), blk_virt_disk.c (storage_info and partition tables).
 */
#pragma once

#include <sdfgen/blk_virt.h>

/* The virtualiser itself, where a client's index stands: it reads the partition tables. */
#define BLK_VIRT_OWN BLK_MAX_CLIENTS

/* What a request's code asks for. */
enum {
    OP_DATA = 1,     /* moves data through the data region */
    OP_FILLS = 2,    /* into it */
    OP_RANGE = 4,    /* names blocks */
    OP_CHANGES = 8,  /* these */
    OP_EXTENDED = 16,
    OP_BARRIER = 32,
    OP_UNKNOWN = 64,
};

_Static_assert(BLK_MAX_CLIENTS < 64, "a client has a bit in a mask, and turn + 1 is a valid shift");
_Static_assert(BLK_VIRT_MAX_IN_FLIGHT == 256, "a slot index is a byte");
_Static_assert(SDDF_BLK_BLOCK_BYTES == PARTITION_BLOCK_BYTES, "partitions are in the queue's blocks");

static inline uint64_t bit(uint32_t index)
{
    return UINT64_C(1) << index;
}

/* Takes the lowest bit out of a mask that is not 0. */
static inline uint32_t take_bit(uint64_t *mask)
{
    uint32_t index = (uint32_t)__builtin_ctzll(*mask);
    *mask &= *mask - 1;
    return index;
}

/* Takes a client out of a mask that is not 0. No mask holds others; that no index is out of bounds is plain anyway. */
static inline uint32_t take_client(const struct blk_virt *virt, uint64_t *mask)
{
    uint32_t index = take_bit(mask);
    return index < virt->client_count ? index : 0;
}

/* blk_virt_client.c */

/* Looks at a client's queues, once a step, and takes what can be taken. */
void virt_client_look(struct blk_virt *virt, uint32_t index);
/* Takes requests that were seen until one is ready to be handed on, or no more can be taken. */
void virt_client_refresh(struct blk_virt *virt, uint32_t index);
/* Answers a request that was taken. The client has room for it: it never owes more than that. */
void virt_client_answer(struct blk_virt *virt, uint32_t index, struct sddf_blk_response response);
/* Fails what was taken and not yet handed on, if it is no longer allowed. */
void virt_client_check_head(struct blk_virt *virt, uint32_t index);

/* blk_virt_driver.c */

/* Looks once a step how much the driver's request queue could take. */
void virt_driver_look(struct blk_virt *virt);
/* Hands on what is ready, in turns, as far as the driver may have it. */
void virt_driver_serve(struct blk_virt *virt);
/* Reads a block of the disk into the virtualiser's own data region. */
void virt_driver_read_own(struct blk_virt *virt, uint64_t block);
/* Takes the responses that are there. */
void virt_driver_take_responses(struct blk_virt *virt);
/* Fails with `status` what is with the driver, but for what it has not taken yet if `keep_queued`. */
void virt_driver_fail_in_flight(struct blk_virt *virt, uint32_t status, bool keep_queued);
/* The driver broke the protocol. */
void virt_driver_lose(struct blk_virt *virt);

/* blk_virt_disk.c */

/* Starts and restarts with the driver's `ready`. */
void virt_disk_watch(struct blk_virt *virt);
/* Tells each client what its disk is; without a sound table, that it has none. */
void virt_disk_settle_clients(struct blk_virt *virt);
/* The block that was being read is in the virtualiser's data region, or could not be read. */
void virt_disk_take_block(struct blk_virt *virt, bool readable);
