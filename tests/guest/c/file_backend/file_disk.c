/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "file_disk.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MICROSECOND_NS 1000L

bool file_disk_open(struct file_disk *disk, const struct file_disk_options *options)
{
    struct stat status;
    *disk = (struct file_disk){.delay_us = options->delay_us, .flush_delay_ms = options->flush_delay_ms};
    disk->fd = open(options->path, O_RDWR | O_CLOEXEC);
    if (disk->fd < 0 || fstat(disk->fd, &status) != 0) {
        return false;
    }
    disk->capacity_blocks = (uint64_t)status.st_size / SDDF_BLK_BLOCK_BYTES;
    if (options->log_path != NULL) {
        disk->log = fopen(options->log_path, "ae");
        return disk->log != NULL && setvbuf(disk->log, NULL, _IOLBF, BUFSIZ) == 0;
    }
    return true;
}

void file_disk_attach(struct file_disk *disk, volatile struct sddf_blk_storage_info *info, uint32_t queue_capacity,
                      volatile struct sddf_blk_request_queue *requests,
                      volatile struct sddf_blk_response_queue *responses)
{
    block_request_reader_init(&disk->requests, requests, queue_capacity);
    block_response_writer_init(&disk->responses, responses, queue_capacity);
    info->sector_bytes = 512;
    info->block_size = 1;
    info->queue_depth = (uint16_t)queue_capacity;
    info->capacity_blocks = disk->capacity_blocks;
    shared_store_release_u8(&info->ready, 1);
}

/* The memory that a request names, or NULL. */
static uint8_t *find_memory(const struct file_disk *disk, uint64_t io, uint64_t size_bytes)
{
    for (uint32_t i = 0; i < disk->region_count; i++) {
        const struct file_disk_region *region = &disk->regions[i];
        uint64_t offset = io - region->io_base;
        if (offset < region->size_bytes && size_bytes <= region->size_bytes - offset) {
            return region->memory + offset;
        }
    }
    return NULL;
}

static bool transfer(const struct file_disk *disk, const struct sddf_blk_request *request)
{
    uint64_t size_bytes = (uint64_t)request->block_count * SDDF_BLK_BLOCK_BYTES;
    off_t offset = (off_t)(request->block_number * SDDF_BLK_BLOCK_BYTES);
    uint8_t *memory = find_memory(disk, request->io_or_offset, size_bytes);
    if (memory == NULL) {
        return false;
    }
    ssize_t moved = request->code == SDDF_BLK_READ ? pread(disk->fd, memory, size_bytes, offset)
                                                   : pwrite(disk->fd, memory, size_bytes, offset);
    return moved == (ssize_t)size_bytes;
}

static void wait_us(uint32_t duration_us)
{
    struct timespec delay = {duration_us / 1000000, duration_us % 1000000 * MICROSECOND_NS};
    if (duration_us > 0) {
        (void)nanosleep(&delay, NULL);
    }
}

static bool flush(const struct file_disk *disk)
{
    wait_us(disk->flush_delay_ms * 1000);
    return fdatasync(disk->fd) == 0;
}

static bool drop(const struct file_disk *disk, const struct sddf_blk_request *request)
{
    bool zeroes = request->code == SDFGEN_BLOCK_WRITE_ZEROES;
    int mode = (zeroes ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE) | FALLOC_FL_KEEP_SIZE;
    off_t offset = (off_t)(request->block_number * SDDF_BLK_BLOCK_BYTES);
    return fallocate(disk->fd, mode, offset, (off_t)request->block_count * SDDF_BLK_BLOCK_BYTES) == 0;
}

static bool on_disk(const struct file_disk *disk, const struct sddf_blk_request *request)
{
    return request->block_number <= disk->capacity_blocks &&
           request->block_count <= disk->capacity_blocks - request->block_number;
}

static uint32_t run(const struct file_disk *disk, const struct sddf_blk_request *request)
{
    if (!on_disk(disk, request)) {
        return SDDF_BLK_ERR_INVALID_PARAM;
    }
    switch (request->code) {
    case SDDF_BLK_READ:
    case SDDF_BLK_WRITE:
        return transfer(disk, request) ? SDDF_BLK_OK : SDDF_BLK_ERR_IO;
    case SDDF_BLK_FLUSH:
        return flush(disk) ? SDDF_BLK_OK : SDDF_BLK_ERR_IO;
    case SDDF_BLK_BARRIER: /* one after the other anyway */
        return SDDF_BLK_OK;
    case SDFGEN_BLOCK_DISCARD:
    case SDFGEN_BLOCK_WRITE_ZEROES:
        return drop(disk, request) ? SDDF_BLK_OK : SDDF_BLK_ERR_IO;
    default:
        return SDDF_BLK_ERR_INVALID_PARAM;
    }
}

static void do_one(struct file_disk *disk)
{
    struct sddf_blk_request request;
    block_request_take(&disk->requests, &request);
    wait_us(disk->delay_us);
    struct sddf_blk_response response = {.status = run(disk, &request), .id = request.id};
    response.success_count = response.status == SDDF_BLK_OK ? request.block_count : 0;
    if (disk->log != NULL) {
        (void)fprintf(disk->log, "%u %llu %u %u\n", request.code, (unsigned long long)request.block_number,
                      request.block_count, response.status);
    }
    block_response_put(&disk->responses, &response);
}

bool file_disk_step(struct file_disk *disk)
{
    uint32_t count = block_queue_filled(&disk->requests.end);
    uint32_t room = block_queue_room(&disk->responses.end);
    count = count < room ? count : room;
    for (uint32_t i = 0; i < count; i++) {
        do_one(disk);
    }
    block_queue_publish(&disk->requests.end);
    block_queue_publish(&disk->responses.end);
    return count > 0;
}
