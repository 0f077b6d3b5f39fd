/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block driver between the queues that it shares with the virtualiser, and the tasks that do the work.
 *
 * The request queue is believed no further than block_queue.h and block_request.h say. A request is taken only when its
 * answer is sure to find room, so answers never have to be kept: a full response queue stops the taking, and since
 * nothing may call when there is room again, a timer looks. Answers are published, and the other side is told, once a
 * turn. The queue's `plugged` flag asks to wait for more; that is a hint, and requests are served at once all the same.
 *
 * To take over from a driver that was killed, the queues' indices are read from the queues themselves, after
 * block_info_start(): what that one had not answered is put once more by the virtualiser.
 */
#pragma once

#include <sdfgen/block_queue.h>
#include <sdfgen/uio_loop.h>

#include "block_tasks.h"

/* What the driver works with; all of it outlives the driver. */
struct block_driver_parts {
    struct block_limits limits;
    struct block_engine *engine;
    struct uio_loop *loop;
    volatile uint32_t *notify;
    volatile struct sddf_blk_request_queue *requests;
    volatile struct sddf_blk_response_queue *responses;
    uint32_t queue_capacity;
};

struct block_driver {
    struct block_driver_parts parts;
    struct block_request_reader requests;
    struct block_response_writer responses;
    struct block_tasks tasks;
    int timer_fd;
    bool ending;
    bool broken;            /* the other side left the protocol, which ended the loop */
    uint32_t answers;       /* put, and not yet published */
    uint32_t notifications; /* sent so far */
};

/*
 * Sets the driver up and adds its events to the loop; from then on uio_loop_run does the work, until the driver was
 * asked to end or found a queue broken, and everything taken is answered. False with errno set when the kernel refused
 * the timer, or with loop->failed.
 */
bool block_driver_open(struct block_driver *driver, const struct block_driver_parts *parts);
void block_driver_close(struct block_driver *driver);

/* Tells the other side to look. */
void block_driver_notify(struct block_driver *driver);
