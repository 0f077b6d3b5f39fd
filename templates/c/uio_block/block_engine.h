/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What moves data between the disk and normal memory, several jobs at a time: io_uring where the kernel has it, else a
 * few threads with plain calls. The block driver sees no difference.
 *
 * An engine keeps up to BLOCK_ENGINE_DEPTH jobs and orders nothing: who needs an order waits for the earlier job. A job
 * that a system call did part of goes on by itself until it is whole or has failed.
 */
#pragma once

#include "block_job.h"

/* Jobs that an engine holds at most. */
#define BLOCK_ENGINE_DEPTH 64u

struct block_engine {
    const struct block_engine_kind *kind;
    int fd;         /* readable when a job has ended */
    int slow_fd;    /* the same, for what has a thread of its own beside the engine; -1 without */
    uint32_t depth; /* how many jobs run at once */
};

struct block_engine_kind {
    const char *name;
    /* NULL with errno set when this kernel can't. The disk outlives the engine. There is one engine at a time. */
    struct block_engine *(*open)(const struct block_disk *disk);
    /* Takes a job; it may start only at the next kick. */
    void (*submit)(struct block_engine *engine, struct block_job *job);
    /* Starts what was submitted. False when some of it could not: kick again a little later. */
    bool (*kick)(struct block_engine *engine);
    /* A job that has ended, or NULL. */
    struct block_job *(*reap)(struct block_engine *engine);
    /* Gives up jobs that have not ended: the program is about to end as well. */
    void (*close)(struct block_engine *engine);
};
