/* SPDX-License-Identifier: BSD-2-Clause */
/* One chain each, sound or hostile, and what becomes of it: the rules of virtio 1.2, 2.7 and 5.2.6, as data. */
#pragma once

#include <stddef.h>

#include <sdfgen/virtq.h>

enum outcome { OK, IOERR, UNSUPP, DROP, BROKEN };

/* What a vector needs that is not usual. */
enum { EXTENDED = 1, READ_ONLY = 2, NO_INDIRECT = 4 };

#define VECTOR_DIRECT 8
#define VECTOR_TABLE 12

/* struct virtio_blk_discard_write_zeroes. */
struct vector_range {
    uint64_t sector;
    uint32_t sector_count;
    uint32_t flags;
};

/*
 * Descriptors are listed in the chain's order, at the ring's indices from 0 on (a list ends at the first one that is
 * all zero); those of an indirect table follow. Header and payload are laid into the readable ones as a stream.
 */
struct vector {
    const char *name;
    uint32_t type;
    uint64_t sector;
    enum outcome outcome;
    uint32_t used_len;
    struct virtq_desc descs[VECTOR_DIRECT];
    struct virtq_desc table[VECTOR_TABLE];
    struct vector_range range;
    uint32_t needs;
    uint16_t head;
};

extern const struct vector vectors[];
extern const size_t vector_count;
