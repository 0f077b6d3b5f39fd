/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the virtualiser's files share. Each calls only those that stand behind it: block_virt.c (life and steps),
 * block_virt_disk.c (storage_info and partition tables), block_virt_driver.c (requests to the driver and its answers),
 * block_virt_client.c (requests of clients), block_virt_piece.c (how much of them is handed on at once),
 * block_virt_rate.c (how fast), block_virt_slots.c (what is with the driver) and block_virt_time.c.
 */
#pragma once

#include <sdfgen/block_virt.h>

/* The virtualiser itself, where a client's index stands: it reads the partition tables. */
#define BLOCK_VIRT_OWN BLOCK_MAX_CLIENTS

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

_Static_assert(BLOCK_MAX_CLIENTS < 64, "a client has a bit in a mask, and turn + 1 is a valid shift");
_Static_assert(BLOCK_VIRT_MAX_IN_FLIGHT == 256, "a slot index is a byte");
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
static inline uint32_t take_client(const struct block_virt *virt, uint64_t *mask)
{
    uint32_t index = take_bit(mask);
    return index < virt->client_count ? index : 0;
}
