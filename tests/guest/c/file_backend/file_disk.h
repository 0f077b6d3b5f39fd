/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk driver below the virtualiser, with a file as its disk: takes sDDF requests one after the other, does each at
 * once and answers in the same order.
 */
#pragma once

#include <sdfgen/block_queue.h>

#include <stddef.h>
#include <stdio.h>

/* Memory that requests name by io address. */
struct file_disk_region {
    uint64_t io_base;
    uint64_t size_bytes;
    uint8_t *memory;
};

struct file_disk_options {
    const char *path;
    const char *log_path;    /* NULL for none: a line `CODE BLOCK COUNT STATUS` for each request that was done */
    uint32_t delay_us;       /* how much longer each request takes */
    uint32_t flush_delay_ms; /* and a flush, beyond that */
};

struct file_disk {
    int fd;
    FILE *log;
    uint32_t delay_us;
    uint32_t flush_delay_ms;
    uint64_t capacity_blocks;
    const struct file_disk_region *regions;
    uint32_t region_count;
    struct block_request_reader requests;
    struct block_response_writer responses;
};

/* Opens file and log. False and errno when one can't be had. */
bool file_disk_open(struct file_disk *disk, const struct file_disk_options *options);

/* Attaches the queues, and the memory that requests may name; fills the storage info and says that it is ready. */
void file_disk_attach(struct file_disk *disk, volatile struct sddf_blk_storage_info *info, uint32_t queue_capacity,
                      volatile struct sddf_blk_request_queue *requests,
                      volatile struct sddf_blk_response_queue *responses);

/* Does all requests that are there. True when there were any. */
bool file_disk_step(struct file_disk *disk);
