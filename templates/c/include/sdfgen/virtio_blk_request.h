/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio-blk request, read from a descriptor chain (virtio 1.2, 5.2.6): a value, without effects.
 *
 * Framing is the driver's choice (2.7.4.1), so the chain is taken as two streams. The header is the first 16 readable
 * bytes, data of a write is what follows them; the status is the last writable byte, data of a read is what precedes
 * it. Where descriptors begin and end has no meaning.
 */
#pragma once

#include <sdfgen/virtq.h>

#define VIRTIO_BLK_SECTOR_BYTES 512u
#define VIRTIO_BLK_HEADER_BYTES 16u
#define VIRTIO_BLK_ID_BYTES 20u
/* struct virtio_blk_discard_write_zeroes: le64 sector, le32 num_sectors, le32 flags. */
#define VIRTIO_BLK_RANGE_BYTES 16u

/* Request types, 5.2.6. */
#define VIRTIO_BLK_T_IN 0u
#define VIRTIO_BLK_T_OUT 1u
#define VIRTIO_BLK_T_FLUSH 4u
#define VIRTIO_BLK_T_GET_ID 8u
#define VIRTIO_BLK_T_DISCARD 11u
#define VIRTIO_BLK_T_WRITE_ZEROES 13u

/* Status, 5.2.6. */
#define VIRTIO_BLK_S_OK 0u
#define VIRTIO_BLK_S_IOERR 1u
#define VIRTIO_BLK_S_UNSUPP 2u

/* What the device can do, and how large it is: what a request is checked against. */
struct virtio_blk_limits {
    uint64_t capacity_sectors;
    bool read_only;
    bool ranges;     /* DISCARD, unless it is below, and WRITE_ZEROES were offered */
    bool no_discard; /* the disk can't */
    bool unmaps;     /* WRITE_ZEROES may, where it is asked to */
};

enum virtio_blk_verdict {
    VIRTIO_BLK_RUN,    /* sound: to be executed */
    VIRTIO_BLK_ANSWER, /* refused: `answer` is the status to write */
    VIRTIO_BLK_DROP,   /* no writable status byte: the chain can only be returned with length 0 */
};

struct virtio_blk_request {
    uint32_t type;    /* a VIRTIO_BLK_T_ value when the verdict is VIRTIO_BLK_RUN */
    uint8_t answer;   /* a VIRTIO_BLK_S_ value when it is VIRTIO_BLK_ANSWER */
    uint8_t *status;  /* where the status goes; NULL when the verdict is VIRTIO_BLK_DROP */
    uint64_t sector;  /* sector + sector_count is within the capacity */
    uint64_t sector_count;
    bool unmap;               /* of WRITE_ZEROES: the blocks need not keep their room on the disk */
    uint32_t data_bytes;      /* of the payload below: for IN, OUT and GET_ID */
    uint32_t writable_bytes;  /* before the status byte */
    struct virtq_cursor data; /* where the payload begins */
};

/*
 * Reads the request from a chain. The header and, for DISCARD and WRITE_ZEROES, the one range are loaded once.
 *
 * Refused with IOERR, in this order: a short header, a chain any byte of which is outside RAM, a payload of IN or OUT
 * that is not whole sectors or a range that is not whole, a write to a read-only device, sectors beyond the capacity.
 * Refused with UNSUPP: every other type, more than one range, unknown range flags, unmap on DISCARD (5.2.6.2); these
 * come before read-only and capacity. IN and OUT of no sectors are sound. Of GET_ID the first 20 bytes of data, or as
 * many as there are, are the payload.
 */
enum virtio_blk_verdict virtio_blk_parse(const struct virtq_chain *chain, const struct virtio_blk_limits *limits,
                                         struct virtio_blk_request *request);

/*
 * used.len of a request that wrote its first `written_bytes` data bytes and its status: the status counts only when
 * every byte before it was written as well (2.7.8.2).
 */
uint32_t virtio_blk_used_bytes(const struct virtio_blk_request *request, uint32_t written_bytes);
