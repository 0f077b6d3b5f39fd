/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wire layout of sDDF 0.7's block protocol (au-ts/sddf 650ace5): what lies in shared memory between a client and
 * the virtualiser, and between the virtualiser and the driver. Native sDDF components can take part on either side.
 *
 * Every word here can be changed by the other side at any moment: load it once (volatile or atomic), bound the copy,
 * use the copy. Flags are bytes, not bool: a bool that holds neither 0 nor 1 is undefined behaviour in C.
 *
 * Queues: head and tail run freely modulo 2^32, and the slot of an index is index % capacity, so that a capacity that
 * is not a power of two breaks when an index wraps; sdfgen allows powers of two only. Empty: head == tail. Full:
 * tail - head == capacity, every slot usable (sDDF before January 2025 kept one free). The producer fills the slot and
 * then stores tail with release; the consumer stores head after it has copied the slot.
 *
 * Units: blocks of 4096 bytes, whatever the disk's sectors are.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SDDF_BLK_BLOCK_BYTES 4096u

/* sddf_blk_request.code */
#define SDDF_BLK_READ 0u
#define SDDF_BLK_WRITE 1u
#define SDDF_BLK_FLUSH 2u
#define SDDF_BLK_BARRIER 3u

/*
 * Beyond sDDF 0.7, and sent only to a side whose generated table says that it knows them (block_connection.extended).
 * No data: io_or_offset is 0. What a DISCARD leaves in the blocks is the disk's affair; where the disk can't, the answer
 * is SDFGEN_BLOCK_ERR_UNSUPPORTED and nothing has changed. After a WRITE_ZEROES the blocks read as zeroes and still
 * have their room on the disk; with UNMAP they may have none. Numbered well away from sDDF's own codes.
 */
#define SDFGEN_BLOCK_DISCARD 0x100u
#define SDFGEN_BLOCK_WRITE_ZEROES 0x101u
#define SDFGEN_BLOCK_WRITE_ZEROES_UNMAP 0x111u

/*
 * Two bytes of sddf_blk_storage_info are padding in sDDF 0.7, and believed only of an extended side. Behind the last
 * whole block a disk may have a part of one; its sectors can be read, as a block with zeroes behind them, and not
 * written.
 */
#define SDFGEN_BLOCK_TAIL_SECTORS_MAX 7u
/* Without a trait nothing is known: a DISCARD may be tried, and nobody is promised that zeroes free anything. */
#define SDFGEN_BLOCK_TRAIT_NO_DISCARD 1u
#define SDFGEN_BLOCK_TRAIT_ZEROES_UNMAP 2u

/* sddf_blk_response.status */
#define SDDF_BLK_OK 0u
#define SDDF_BLK_ERR_UNSPEC 1u
#define SDDF_BLK_ERR_INVALID_PARAM 2u
#define SDDF_BLK_ERR_IO 3u
#define SDDF_BLK_ERR_NO_DEVICE 4u
/* Answers nothing but the codes beyond sDDF's. */
#define SDFGEN_BLOCK_ERR_UNSUPPORTED 0x100u

/*
 * Beyond sDDF 0.7, and sent only to a client whose generated table says that it knows it (block_connection.resilient):
 * the request has failed, since nobody answered it in time; but who has it may still move its data. Its id and its part
 * of the data region are not the client's again before a second response with the same id, whatever that one's status.
 */
#define SDFGEN_BLOCK_ERR_LATE 0x101u

#define SDFGEN_BLOCK_AWAKE 1u

struct sddf_blk_request {
    uint32_t code;
    uint64_t io_or_offset; /* from a client: byte offset in its data region; to the driver: io address */
    uint64_t block_number; /* from a client: in its partition; to the driver: on the disk */
    uint16_t block_count;
    uint32_t id; /* chosen by the asking side, returned in the response */
};

struct sddf_blk_response {
    uint32_t status;
    uint16_t success_count; /* blocks moved */
    uint32_t id;
};

struct sddf_blk_request_queue {
    uint32_t head;
    uint32_t tail;
    uint8_t plugged; /* producer's: not 0 asks the consumer to wait for more */
    /*
     * Consumer's: SDFGEN_BLOCK_AWAKE says that it looks at the queue once more before it sleeps. Padding in sDDF 0.7,
     * which writes nothing there; used only where the producer's table says that the consumer is extended.
     */
    uint32_t awake;
    struct sddf_blk_request buffers[];
};

struct sddf_blk_response_queue {
    uint32_t head;
    uint32_t tail;
    struct sddf_blk_response buffers[];
};

struct sddf_blk_storage_info {
    char serial_number[64]; /* not necessarily terminated */
    uint8_t read_only;
    uint8_t ready; /* stored with release when all else is filled in; load with acquire */
    uint16_t sector_bytes;
    uint16_t block_size; /* optimal transfer size, in blocks */
    uint16_t queue_depth;
    uint16_t cylinders;
    uint16_t heads;
    uint16_t blocks;
    uint8_t sdfgen_tail_sectors; /* of 512 bytes, behind the last whole block: less than one */
    uint8_t sdfgen_traits;       /* SDFGEN_BLOCK_TRAIT_* */
    uint64_t capacity_blocks;
};

/*
 * What stands in the page of storage_info, behind sDDF's, where both sides are `resilient`. `ready` is 0 while it is
 * changed.
 *
 * A driver's: each start of a driver changes `start`, before it takes a request. Its upper half counts starts, its lower
 * is the position in the request queue (an index, running freely) of the first request that this start will take: what
 * stood there before, taken or not, it will never answer.
 *
 * A client's: `start` changes with each description of its disk.
 */
struct sdfgen_block_storage {
    struct sddf_blk_storage_info info;
    uint64_t start;
};

/* What a region must hold at least, for `capacity` slots. */
#define SDDF_BLK_REQUEST_QUEUE_BYTES(capacity) \
    (sizeof(struct sddf_blk_request_queue) + (size_t)(capacity) * sizeof(struct sddf_blk_request))
#define SDDF_BLK_RESPONSE_QUEUE_BYTES(capacity) \
    (sizeof(struct sddf_blk_response_queue) + (size_t)(capacity) * sizeof(struct sddf_blk_response))

_Static_assert(sizeof(struct sddf_blk_request) == 32, "sDDF 0.7 request");
_Static_assert(offsetof(struct sddf_blk_request, code) == 0, "sDDF 0.7 request");
_Static_assert(offsetof(struct sddf_blk_request, io_or_offset) == 8, "sDDF 0.7 request");
_Static_assert(offsetof(struct sddf_blk_request, block_number) == 16, "sDDF 0.7 request");
_Static_assert(offsetof(struct sddf_blk_request, block_count) == 24, "sDDF 0.7 request");
_Static_assert(offsetof(struct sddf_blk_request, id) == 28, "sDDF 0.7 request");

_Static_assert(sizeof(struct sddf_blk_response) == 12, "sDDF 0.7 response");
_Static_assert(offsetof(struct sddf_blk_response, status) == 0, "sDDF 0.7 response");
_Static_assert(offsetof(struct sddf_blk_response, success_count) == 4, "sDDF 0.7 response");
_Static_assert(offsetof(struct sddf_blk_response, id) == 8, "sDDF 0.7 response");

_Static_assert(offsetof(struct sddf_blk_request_queue, head) == 0, "sDDF 0.7 request queue");
_Static_assert(offsetof(struct sddf_blk_request_queue, tail) == 4, "sDDF 0.7 request queue");
_Static_assert(offsetof(struct sddf_blk_request_queue, plugged) == 8, "sDDF 0.7 request queue");
_Static_assert(offsetof(struct sddf_blk_request_queue, awake) == 12, "sDDF 0.7 request queue: padding");
_Static_assert(offsetof(struct sddf_blk_request_queue, buffers) == 16, "sDDF 0.7 request queue");
_Static_assert(sizeof(struct sddf_blk_request_queue) == 16, "sDDF 0.7 request queue");

_Static_assert(offsetof(struct sddf_blk_response_queue, head) == 0, "sDDF 0.7 response queue");
_Static_assert(offsetof(struct sddf_blk_response_queue, tail) == 4, "sDDF 0.7 response queue");
_Static_assert(offsetof(struct sddf_blk_response_queue, buffers) == 8, "sDDF 0.7 response queue");
_Static_assert(sizeof(struct sddf_blk_response_queue) == 8, "sDDF 0.7 response queue");

_Static_assert(sizeof(struct sddf_blk_storage_info) == 88, "sDDF 0.7 storage info");
_Static_assert(offsetof(struct sddf_blk_storage_info, serial_number) == 0, "sDDF 0.7 storage info");
_Static_assert(offsetof(struct sddf_blk_storage_info, read_only) == 64, "sDDF 0.7 storage info");
_Static_assert(offsetof(struct sddf_blk_storage_info, ready) == 65, "sDDF 0.7 storage info");
_Static_assert(offsetof(struct sddf_blk_storage_info, sector_bytes) == 66, "sDDF 0.7 storage info");
_Static_assert(offsetof(struct sddf_blk_storage_info, block_size) == 68, "sDDF 0.7 storage info");
_Static_assert(offsetof(struct sddf_blk_storage_info, queue_depth) == 70, "sDDF 0.7 storage info");
_Static_assert(offsetof(struct sddf_blk_storage_info, cylinders) == 72, "sDDF 0.7 storage info");
_Static_assert(offsetof(struct sddf_blk_storage_info, heads) == 74, "sDDF 0.7 storage info");
_Static_assert(offsetof(struct sddf_blk_storage_info, blocks) == 76, "sDDF 0.7 storage info");
_Static_assert(offsetof(struct sddf_blk_storage_info, sdfgen_tail_sectors) == 78, "padding in sDDF 0.7");
_Static_assert(offsetof(struct sddf_blk_storage_info, sdfgen_traits) == 79, "padding in sDDF 0.7");
_Static_assert(offsetof(struct sddf_blk_storage_info, capacity_blocks) == 80, "sDDF 0.7 storage info");

_Static_assert(offsetof(struct sdfgen_block_storage, start) == 88, "right behind sDDF's");
