/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtualiser's side of a client's connection over a disk in memory: takes requests and answers them in any order,
 * fails them, or holds them. What a device must never ask is checked as it is taken.
 *
 * The disk has a write cache: `bytes` is what reads see, `durable` what would survive a loss of power.
 */
#pragma once

#include <sdfgen/block_config.h>
#include <sdfgen/block_queue.h>

#define DISK_MAX_BLOCKS 256u
#define DISK_MAX_CELLS 1024u
#define DISK_MAX_CAPACITY 64u
/* More than a device has under way at once. */
#define DISK_MAX_HELD 256u
#define DISK_LOG_ENTRIES 256u

struct device_disk {
    struct sddf_blk_storage_info info; /* these two are a struct sdfgen_block_storage */
    uint64_t start;
    _Alignas(16) uint8_t request_queue[SDDF_BLK_REQUEST_QUEUE_BYTES(DISK_MAX_CAPACITY)];
    _Alignas(16) uint8_t response_queue[SDDF_BLK_RESPONSE_QUEUE_BYTES(DISK_MAX_CAPACITY)];
    struct block_request_reader requests;
    struct block_response_writer responses;
    uint32_t cell_count;
    uint32_t held_count;
    struct sddf_blk_request held[DISK_MAX_HELD]; /* taken, not yet answered */
    uint32_t log_count; /* all that were ever taken */
    struct sddf_blk_request log[DISK_LOG_ENTRIES];
    uint32_t held_most; /* as many were held at once */
    _Alignas(4096) uint8_t data[DISK_MAX_CELLS * SDDF_BLK_BLOCK_BYTES];
    uint8_t bytes[DISK_MAX_BLOCKS * SDDF_BLK_BLOCK_BYTES];
    uint8_t durable[DISK_MAX_BLOCKS * SDDF_BLK_BLOCK_BYTES];
};

/* A disk where byte i of sector s is (s + i) & 255, ready, and its ends of the queues. */
void disk_init(struct device_disk *disk, uint32_t block_count, uint32_t cell_count, uint32_t queue_capacity);

/* The client's end of it. */
struct block_client_config disk_client(struct device_disk *disk, bool extended);

/* Takes all that was requested into `held`. */
void disk_take(struct device_disk *disk);

/* Whether one is held, and there is room for its answer. */
bool disk_can_answer(struct device_disk *disk);

/* Executes a held request and answers it. */
void disk_answer(struct device_disk *disk, uint32_t index);

/* Answers a held request with a failure of its last blocks: the first `success_count` are executed. */
void disk_fail(struct device_disk *disk, uint32_t index, uint32_t status, uint16_t success_count);

/* Says that a held request is late, once; it stays held. */
void disk_be_late(struct device_disk *disk, uint32_t index);

/* How many requests of that code were ever taken. */
uint32_t disk_count(const struct device_disk *disk, uint32_t code);
