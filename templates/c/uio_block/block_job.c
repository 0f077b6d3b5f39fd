/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "block_job.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

/* How often one job may be interrupted in a row. */
#define ATTEMPTS_MAX 1000u

int block_job_fallocate_mode(const struct block_job *job)
{
    int what = job->operation == BLOCK_OPERATION_ZERO ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE;
    return what | FALLOC_FL_KEEP_SIZE;
}

bool block_job_takes_ioctl(const struct block_job *job, const struct block_disk *disk)
{
    return job->operation == BLOCK_OPERATION_DISCARD && disk->is_device;
}

bool block_job_is_unsupported(int error)
{
    return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY;
}

static bool end(struct block_job *job, int error)
{
    job->error = error;
    return true;
}

static bool moves_bytes(const struct block_job *job)
{
    return job->operation == BLOCK_OPERATION_READ || job->operation == BLOCK_OPERATION_WRITE;
}

bool block_job_advance(struct block_job *job, const struct block_disk *disk, int64_t result)
{
    if ((result == -EINTR || result == -EAGAIN) && ++job->attempts < ATTEMPTS_MAX) {
        return false;
    }
    if (result < 0) {
        return end(job, (int)-result);
    }
    if (!moves_bytes(job)) {
        job->done_bytes = job->length_bytes;
        return end(job, 0);
    }
    /* What is left must start at a sector, or O_DIRECT refuses it. Less than one is the end of a disk that shrank. */
    uint64_t moved_bytes = (uint64_t)result - (uint64_t)result % disk->sector_bytes;
    if (moved_bytes == 0) {
        return end(job, EIO);
    }
    job->done_bytes += moved_bytes;
    job->attempts = 0;
    return job->done_bytes >= job->length_bytes;
}
