/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio block device (virtio 1.2, 5.2), on a virtqueue towards the guest and a pair of sDDF queues towards the
 * virtualiser. No transport, no system calls, no output.
 *
 * Data goes through the client's data region in cells of 4 KiB: copied out of guest memory before a write is queued,
 * into it after a read was answered. A request that does not fit is done in pieces, one after the other; several
 * requests are under way at once. What can't go on for lack of cells, of room in the queue, or because of the ordering
 * below waits in line and is never dropped.
 *
 * Ordering. Blocks below are 4 KiB, sectors here 512 bytes: a write of part of a block reads it, changes it and writes
 * it back. Between the two no other write to that block is under way. Everything else may overtake, as on any disk.
 * FLUSH is queued in its turn, and covers what was completed before it was made available.
 *
 * Durability. Unless the driver took VIRTIO_BLK_F_FLUSH or VIRTIO_BLK_F_CONFIG_WCE, or when it turned the write cache
 * off, each write is flushed before it completes (5.2.6.2).
 *
 * Silence. A request whose answer took too long (SDFGEN_BLOCK_ERR_LATE) fails, and its cells stay taken until the
 * virtualiser has answered once more. What would have to wait for nothing but such cells fails at once; the virtualiser
 * sees to it that no newer write is overtaken.
 *
 * Change. The virtualiser may describe the disk anew: another capacity, and an interrupt for the driver. What it may
 * write to and how it is asked stay as they were negotiated.
 *
 * Reset. Requests in flight become orphans: their answers are awaited, and touch nothing of the guest's. Until the last
 * has come in nothing new is taken from the ring, so that an old write can't overtake a new one.
 */
#pragma once

#include <sdfgen/block_cells.h>
#include <sdfgen/block_config.h>
#include <sdfgen/block_queue.h>
#include <sdfgen/virtio_blk_request.h>
#include <sdfgen/virtio_device.h>

#define VIRTIO_DEVICE_ID_BLOCK 2u

/* Feature bits, 5.2.3. */
#define VIRTIO_BLK_F_SIZE_MAX 1
#define VIRTIO_BLK_F_SEG_MAX 2
#define VIRTIO_BLK_F_RO 5
#define VIRTIO_BLK_F_BLK_SIZE 6
#define VIRTIO_BLK_F_FLUSH 9
#define VIRTIO_BLK_F_TOPOLOGY 10
#define VIRTIO_BLK_F_CONFIG_WCE 11
#define VIRTIO_BLK_F_DISCARD 13
#define VIRTIO_BLK_F_WRITE_ZEROES 14

/* Requests under way at once; more wait in the ring. */
#define VIRTIO_BLK_MAX_TASKS 128u
/* What the driver is told about segments (5.2.5); a request that is larger is taken all the same. */
#define VIRTIO_BLK_SIZE_MAX_BYTES 0x100000u
#define VIRTIO_BLK_SEG_MAX (VIRTQ_MAX_CHAIN - 2)
/* Largest DISCARD or WRITE_ZEROES the driver should send: 1 GiB. */
#define VIRTIO_BLK_RANGE_MAX_SECTORS 0x200000u
/* struct virtio_blk_config up to and with write_zeroes_may_unmap and its padding. */
#define VIRTIO_BLK_CONFIG_BYTES 60u
/* Offset of `writeback`, the one byte a driver may write: whether the write cache is on. */
#define VIRTIO_BLK_CONFIG_WRITEBACK 32u

/* What one step does at most, but for one chain and one piece more: the rest is for another step. */
#define VIRTIO_BLK_STEP_DESCRIPTORS 1024u
#define VIRTIO_BLK_STEP_BYTES 0x100000u

/* One request under way. Its members are virtio_blk_task.c's and virtio_blk_piece.c's. */
struct virtio_blk_task {
    uint8_t phase;
    bool orphan;           /* the driver reset the device meanwhile */
    uint16_t next;         /* in the line of waiting tasks, or in the list of free ones */
    uint16_t writer;       /* its place among the writers under way */
    uint16_t block_count;  /* of the piece under way, on the disk */
    uint64_t block;        /* its first block */
    uint32_t cell;         /* its first cell */
    uint32_t cell_count;   /* 0 for a piece without data */
    uint32_t skip_bytes;   /* from the start of its first cell to the first byte that was asked for */
    uint64_t sectors;      /* of the request that the piece does */
    uint64_t done_sectors; /* of the request that earlier pieces did */
    struct virtio_blk_request request;
    struct virtq_chain chain;
};

/* What a device has done since it was set up, for whoever looks. */
struct virtio_blk_counters {
    uint64_t requests; /* chains taken from the ring */
    uint64_t bytes;    /* read and written */
    uint64_t errors;   /* answered other than with OK, or returned with length 0 */
    uint64_t refused;  /* of these, without asking the virtualiser */
    uint32_t most_under_way;
};

struct virtio_blk {
    const struct guest_ram *ram;
    struct virtq queue;
    struct block_request_writer requests;
    struct block_response_reader responses;
    const volatile struct sddf_blk_storage_info *storage_info;
    uint8_t *data;
    bool extended; /* the virtualiser takes DISCARD and WRITE_ZEROES */
    bool resilient; /* it may describe the disk anew, and says so when a request is late */

    bool ready;       /* storage_info has been read */
    bool running;     /* DRIVER_OK */
    bool lost;        /* the virtualiser broke the protocol: everything fails */
    bool told_broken; /* the interrupt for a broken ring was given */
    bool changed;     /* the interrupt for a disk that was described anew is to be given */
    bool watched;     /* see virtio_blk_waits() */
    bool held;        /* see virtio_blk_waits() */
    bool left;        /* a step took none of the requests that it found in the ring */
    uint32_t generation;  /* of the configuration */
    uint64_t description; /* the virtualiser's number of what was read */
    bool notify;      /* requests were put */
    bool write_back;  /* the write cache is on: a write may complete before it is durable */
    uint32_t room;    /* in the request queue */
    uint32_t moved_bytes; /* in this step */
    uint64_t features; /* accepted */
    struct virtio_blk_limits limits;
    char serial[VIRTIO_BLK_ID_BYTES];
    uint8_t config[VIRTIO_BLK_CONFIG_BYTES];

    struct virtio_blk_counters counters;
    uint32_t under_way;
    uint32_t orphan_count;
    uint32_t awaited_count; /* requests with the virtualiser that were not answered at all */
    uint32_t late_count;
    uint16_t free_head;
    uint16_t line_head;
    uint16_t line_tail;
    uint32_t writer_count;
    uint32_t partial_count; /* writers that read a block first */
    uint16_t writers[VIRTIO_BLK_MAX_TASKS];
    struct block_cells cells;
    struct virtio_blk_task tasks[VIRTIO_BLK_MAX_TASKS + 1]; /* the last is for requests that can't be begun */
};

/*
 * Sets up a device. `config` is the client's generated table, `ram` the guest's memory; both must outlive the device,
 * whose own memory (about 600 KiB) the caller provides, zeroed or not. The virtualiser may not be ready yet.
 */
void virtio_blk_init(struct virtio_blk *device, const struct block_client_config *config, const struct guest_ram *ram);

/*
 * Looks whether the virtualiser has published the disk (storage_info.ready) and reads it once it has. The guest may be
 * started when it says true; until then call it whenever the virtualiser notifies.
 */
bool virtio_blk_ready(struct virtio_blk *device);

/* The device of virtio_device.h, called directly: what virtio_blk_ops.h points to. */
uint64_t virtio_blk_features(const struct virtio_blk *device);
void virtio_blk_set_features(struct virtio_blk *device, uint64_t features);
uint32_t virtio_blk_config_generation(const struct virtio_blk *device);
uint8_t virtio_blk_read_config(const struct virtio_blk *device, uint32_t offset);
void virtio_blk_write_config(struct virtio_blk *device, uint32_t offset, uint8_t value);
enum virtq_code virtio_blk_start_queue(struct virtio_blk *device, const struct virtq_geometry *geometry);
void virtio_blk_stop_queue(struct virtio_blk *device);
void virtio_blk_driver_ok(struct virtio_blk *device);
void virtio_blk_reset(struct virtio_blk *device);
bool virtio_blk_draining(const struct virtio_blk *device);
bool virtio_blk_needs_reset(const struct virtio_blk *device);

/*
 * Whether the ring holds requests that the guest was not asked to tell of: a look, which costs a load. Who promises to
 * ask at times, and steps when it says true, sets `watched` (false at first; it may change at any time): while requests
 * are in flight the guest is then not asked for kicks. A step asks for them when none is in flight. Nobody has to keep
 * the promise for the guest to be served: each request in flight is answered, which is a step.
 *
 * With `held` (false at first) a step takes answers, and no new requests: who sets it has to keep the promise.
 */
bool virtio_blk_waits(const struct virtio_blk *device);

/*
 * Takes the virtualiser's answers, goes on with what waited, takes new requests from the ring; then publishes used
 * elements and queued requests, each once. Call it when the guest or the virtualiser notified, and when the step before
 * asked for another (`again`): what one step does is bounded, whatever the ring holds.
 */
struct virtio_effects virtio_blk_step(struct virtio_blk *device);
