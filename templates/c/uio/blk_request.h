/* SPDX-License-Identifier: BSD-2-Clause */
/* What a request from the virtualiser asks for, with nothing believed that was not checked. Has no effects. */
#pragma once

#include <sdfgen/sddf_blk.h>

#include "blk_engine.h"
#include "libuio.h"

/* When a request may start. */
enum blk_order {
    BLK_ORDER_NONE,  /* at once */
    BLK_ORDER_AFTER, /* when all earlier ones have ended; later ones need not wait for it */
    BLK_ORDER_FENCE, /* the same, and later ones wait for it */
};

/* What the protocol says about one code. */
struct blk_code {
    uint32_t code; /* SDDF_BLK_* or SDFGEN_BLK_* */
    enum blk_operation operation;
    enum blk_order order;
    bool range;  /* block number and count say where on the disk */
    bool data;   /* the io address says where in memory */
    bool writes; /* not for a read-only disk */
};

/* A checked request. */
struct blk_plan {
    const struct blk_code *code;
    volatile uint64_t *data; /* this program's pointer to all of its data, or NULL */
    uint64_t offset_bytes;   /* on the disk */
    uint64_t length_bytes;   /* 0 without a range */
};

/* What requests are checked against. */
struct blk_limits {
    const struct phys_addr_table *regions; /* the only memory that a request can reach */
    const struct uio *uio;
    const struct blk_disk *disk;
};

/* False when the answer is SDDF_BLK_ERR_INVALID_PARAM. `request` is the caller's own copy. */
bool blk_request_check(const struct blk_limits *limits, const struct sddf_blk_request *request, struct blk_plan *plan);
