/* SPDX-License-Identifier: BSD-2-Clause */
/* What a request from the virtualiser asks for, with nothing believed that was not checked. Has no effects. */
#pragma once

#include <sdfgen/sddf_blk.h>
#include <sdfgen/libuio.h>

#include "block_engine.h"

/* When a request may start. */
enum block_order {
    BLOCK_ORDER_NONE,  /* at once */
    BLOCK_ORDER_AFTER, /* when all earlier ones have ended; later ones need not wait for it */
    BLOCK_ORDER_FENCE, /* the same, and later ones wait for it */
};

/* What the protocol says about one code. */
struct block_code {
    uint32_t code; /* SDDF_BLK_* or SDFGEN_BLOCK_* */
    enum block_operation operation;
    enum block_order order;
    bool range;  /* block number and count say where on the disk */
    bool data;   /* the io address says where in memory */
    bool writes; /* not for a read-only disk */
};

/* A checked request. */
struct block_plan {
    const struct block_code *code;
    volatile uint64_t *data; /* this program's pointer to all of its data, or NULL */
    uint64_t offset_bytes;   /* on the disk */
    uint64_t length_bytes;   /* 0 without a range */
    uint32_t absent_bytes;   /* of these, at the end: beyond the disk's, and read as zeroes */
};

/* What requests are checked against. */
struct block_limits {
    const struct phys_addr_table *regions; /* the only memory that a request can reach */
    const struct uio *uio;
    const struct block_disk *disk;
};

/* False when the answer is SDDF_BLK_ERR_INVALID_PARAM. `request` is the caller's own copy. */
bool block_request_check(const struct block_limits *limits, const struct sddf_blk_request *request,
                         struct block_plan *plan);
