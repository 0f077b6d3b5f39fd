/* SPDX-License-Identifier: BSD-2-Clause */
/* A piece of work for an engine: what the disk is to do, and how far it has come. */
#pragma once

#include "block_disk.h"

enum block_operation {
    BLOCK_OPERATION_READ,
    BLOCK_OPERATION_WRITE,
    BLOCK_OPERATION_SYNC,    /* fdatasync */
    BLOCK_OPERATION_DISCARD, /* the blocks' content is no longer needed; or EOPNOTSUPP, as the next two */
    BLOCK_OPERATION_ZERO,    /* without writing; the blocks keep their room */
    BLOCK_OPERATION_UNMAP,   /* likewise, and they need not keep it */
    BLOCK_OPERATION_COUNT,
};

struct block_job {
    enum block_operation operation;
    uint64_t offset_bytes; /* on the disk */
    uint64_t length_bytes; /* at most BLOCK_JOB_MAX_BYTES where there is a buffer */
    uint8_t *buffer;       /* normal memory, page aligned; for reads and writes */

    /* The engine's, read when it gives the job back. */
    uint64_t done_bytes; /* from the start */
    int error;           /* an errno, 0 when all of it is done */
    uint32_t attempts;   /* system calls since the last that moved something */
    struct block_job *next;
};

/* Far below what one system call can move (2 GiB). */
#define BLOCK_JOB_MAX_BYTES (1u << 20)

/*
 * Whether it takes BLKDISCARD, a block device's own discard: fallocate would write zeroes there (drivers in Linux'
 * block/fops.c take a hole for zeroes). In a file a hole is what a discard is.
 */
bool block_job_takes_ioctl(const struct block_job *job, const struct block_disk *disk);

/* fallocate's mode for DISCARD, ZERO and UNMAP. */
int block_job_fallocate_mode(const struct block_job *job);

/* Whether an errno says that the disk can't, rather than that it failed. */
bool block_job_is_unsupported(int error);

/*
 * Accounts for what a system call returned: bytes moved, 0 for one that moves none, or -errno. True when the job has
 * ended; else it goes on at done_bytes.
 */
bool block_job_advance(struct block_job *job, const struct block_disk *disk, int64_t result);
