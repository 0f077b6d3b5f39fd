/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What moves data between the disk and normal memory, several jobs at a time: io_uring where the kernel has it, else a
 * few threads with plain calls. The block driver sees no difference.
 *
 * An engine keeps up to BLK_ENGINE_DEPTH jobs and orders nothing: who needs an order waits for the earlier job. A job
 * that a system call did part of goes on by itself until it is whole or has failed.
 */
#pragma once

#include "blk_disk.h"

/* Jobs that an engine holds at most. */
#define BLK_ENGINE_DEPTH 64u

enum blk_operation {
    BLK_OPERATION_READ,
    BLK_OPERATION_WRITE,
    BLK_OPERATION_SYNC,    /* fdatasync */
    BLK_OPERATION_DISCARD, /* the blocks' content is no longer needed */
    BLK_OPERATION_ZERO,    /* without writing, or EOPNOTSUPP */
    BLK_OPERATION_COUNT,
};

struct blk_job {
    enum blk_operation operation;
    uint64_t offset_bytes; /* on the disk */
    uint64_t length_bytes; /* at most BLK_JOB_MAX_BYTES where there is a buffer */
    uint8_t *buffer;       /* normal memory, page aligned; for reads and writes */

    /* The engine's, read when it gives the job back. */
    uint64_t done_bytes; /* from the start */
    int error;           /* an errno, 0 when all of it is done */
    uint32_t attempts;   /* system calls since the last that moved something */
    struct blk_job *next;
};

/* Far below what one system call can move (2 GiB). */
#define BLK_JOB_MAX_BYTES (1u << 20)

struct blk_engine {
    const struct blk_engine_kind *kind;
    int fd;         /* readable when a job has ended */
    uint32_t depth; /* how many jobs run at once */
};

struct blk_engine_kind {
    const char *name;
    /* NULL with errno set when this kernel can't. The disk outlives the engine. There is one engine at a time. */
    struct blk_engine *(*open)(const struct blk_disk *disk);
    /* Takes a job; it may start only at the next kick. */
    void (*submit)(struct blk_engine *engine, struct blk_job *job);
    /* Starts what was submitted. False when some of it could not: kick again a little later. */
    bool (*kick)(struct blk_engine *engine);
    /* A job that has ended, or NULL. */
    struct blk_job *(*reap)(struct blk_engine *engine);
    /* Gives up jobs that have not ended: the program is about to end as well. */
    void (*close)(struct blk_engine *engine);
};

extern const struct blk_engine_kind blk_engine_uring;
extern const struct blk_engine_kind blk_engine_threads;

/* fallocate's mode for DISCARD and ZERO. */
int blk_job_fallocate_mode(const struct blk_job *job);

/*
 * Accounts for what a system call returned: bytes moved, 0 for one that moves none, or -errno. True when the job has
 * ended; else it goes on at done_bytes.
 */
bool blk_job_advance(struct blk_job *job, const struct blk_disk *disk, int64_t result);
