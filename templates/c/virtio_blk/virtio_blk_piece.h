/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A piece of a task: as much of its request as goes into one sDDF request, and what that holds meanwhile: cells of the
 * data region, and a place among the writers, who may not be under way at once where one of them changes part of a
 * block.
 */
#pragma once

#include <sdfgen/virtio_blk.h>

#define SECTORS_PER_BLOCK (SDDF_BLK_BLOCK_BYTES / VIRTIO_BLK_SECTOR_BYTES)

enum task_phase {
    TASK_FREE,
    TASK_LINE,
    TASK_READ,
    TASK_WRITE,
    TASK_RANGE,
    TASK_FLUSH,
    TASK_LOAD,       /* reading the block of a partial write */
    TASK_STORE_LINE, /* changed that block; waits for room in the queue to write it back */
    TASK_STORE,
    TASK_LATE, /* its request has failed, its cells are not free yet */
};

/* A task's index, which is the id of its sDDF requests. */
static inline uint16_t piece_task_index(const struct virtio_blk *device, const struct virtio_blk_task *task)
{
    return (uint16_t)(task - device->tasks);
}

/* A write of part of a block, which is read first. */
bool piece_is_partial(const struct virtio_blk_task *task);

enum piece_outcome {
    PIECE_WAITS,     /* for room in the queue, for cells, or for another writer; nothing has changed */
    PIECE_SENT,      /* it is with the virtualiser */
    PIECE_NONE_LEFT, /* the request is done */
    PIECE_LOST,      /* the virtualiser can't be talked to any more; the task holds nothing */
};

/* Sends the next piece of a task in line. */
enum piece_outcome piece_next(struct virtio_blk *device, struct virtio_blk_task *task);

/* Fills the piece's place in its cells with what is to be written. */
void piece_fill(struct virtio_blk *device, struct virtio_blk_task *task);

/* Where the bytes that were asked for are, and how many. */
uint8_t *piece_data(const struct virtio_blk *device, const struct virtio_blk_task *task);
uint32_t piece_bytes(const struct virtio_blk_task *task);

/* Others need no longer wait for what the piece writes. */
void piece_end_writing(struct virtio_blk *device, struct virtio_blk_task *task);

/* Gives back what the piece under way holds. */
void piece_let_go(struct virtio_blk *device, struct virtio_blk_task *task);
