/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests under way in a virtio-blk device: virtio_blk.c takes them from the ring and hands them on here, where they
 * become sDDF requests, one piece after the other, until they are done.
 *
 * A task moves between phases:
 *
 *     FREE ─▶ LINE ─▶ READ, WRITE, RANGE, FLUSH ─▶ (LINE again, for the next piece) ─▶ FREE
 *                └──▶ LOAD ─▶ STORE_LINE ─▶ STORE ─▶ ...         a write of part of a block
 *
 * In READ, WRITE, RANGE, FLUSH, LOAD and STORE exactly one sDDF request with the task's index as id is with the
 * virtualiser. From there it may go to LATE, with its request failed, where it stays until that one is done with.
 */
#pragma once

#include <sdfgen/virtio_blk.h>

/* Empties all lists. The cells and queues are set up. */
void task_init_all(struct virtio_blk *device);

bool task_is_vacant(const struct virtio_blk *device);

/*
 * The task that the next request will be, or NULL when all are under way. It stays free until task_begin(). Where all
 * are late, it is one that can't begin.
 */
struct virtio_blk_task *task_vacant(struct virtio_blk *device);

bool task_may_begin(const struct virtio_blk *device, const struct virtio_blk_task *task);

/* Begins the request that was parsed into the vacant task. It goes on by itself, or waits in line. */
void task_begin(struct virtio_blk *device, struct virtio_blk_task *task);

/* Hands an answer to the task it belongs to. An id that waits for no answer is ignored. */
void task_answered(struct virtio_blk *device, const struct sddf_blk_response *response);

/*
 * Goes on with tasks in line, in their order, until one still has to wait, or this step has moved `most_bytes`: false
 * when there is more to do then.
 */
bool task_run_line(struct virtio_blk *device, uint32_t most_bytes);

/* Fails all in line if nothing is to be answered that they could wait for, but what is late. True when there were some. */
bool task_fail_stuck(struct virtio_blk *device);

/* Lets go of everything the driver asked for: what is with the virtualiser becomes an orphan, the rest is gone. */
void task_orphan_all(struct virtio_blk *device);

/* The virtualiser can't be talked to any more: fails everything that is under way. */
void task_fail_all(struct virtio_blk *device);

/* Writes the status and returns the chain, of whose data `written_bytes` were written. */
void task_return_chain(struct virtio_blk *device, const struct virtio_blk_task *task, uint8_t status,
                       uint32_t written_bytes);
