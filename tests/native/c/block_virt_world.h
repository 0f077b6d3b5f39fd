/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtualiser's surroundings, played: clients that put requests, a driver with a disk in memory, and cache
 * operations that are written down. One world per process.
 */
#pragma once

#include <sdfgen/block_virt.h>

#define WORLD_CAPACITY 512u /* slots of each queue: the most there can be here */
#define WORLD_DISK_BLOCKS 4096u
#define WORLD_DATA_BLOCKS 64u
#define WORLD_CACHE_CALLS 64u
#define WORLD_DRIVER_CHANNEL 61u

/* One connection's memory. */
struct world_queues {
    struct sddf_blk_storage_info info; /* these two are a struct sdfgen_block_storage */
    uint64_t start;
    _Alignas(8) uint8_t request_bytes[SDDF_BLK_REQUEST_QUEUE_BYTES(WORLD_CAPACITY)];
    _Alignas(8) uint8_t response_bytes[SDDF_BLK_RESPONSE_QUEUE_BYTES(WORLD_CAPACITY)];
};

static inline volatile struct sddf_blk_request_queue *world_requests(struct world_queues *queues)
{
    return (volatile struct sddf_blk_request_queue *)(void *)queues->request_bytes;
}

static inline volatile struct sddf_blk_response_queue *world_responses(struct world_queues *queues)
{
    return (volatile struct sddf_blk_response_queue *)(void *)queues->response_bytes;
}

struct world_client {
    struct world_queues shared;
    uint64_t io_base;
    struct block_request_writer requests;
    struct block_response_reader responses;
};

struct world_cache_call {
    bool invalidate;
    uintptr_t vaddr;
    size_t size_bytes;
};

struct world {
    struct block_virt virt;
    struct block_virt_config config;
    struct block_virt_client client_configs[BLOCK_MAX_CLIENTS];
    struct world_client clients[BLOCK_MAX_CLIENTS];
    uint64_t notified; /* by the last step */
    uint64_t now_ms;

    struct world_queues driver;
    uint64_t driver_io_base;
    struct block_request_reader driver_requests;
    struct block_response_writer driver_responses;
    uint32_t driver_notifications;

    uint32_t cache_call_count; /* those beyond WORLD_CACHE_CALLS are counted only */
    struct world_cache_call cache_calls[WORLD_CACHE_CALLS];
};

extern struct world world;
extern uint8_t world_disk[WORLD_DISK_BLOCKS][SDDF_BLK_BLOCK_BYTES];
extern uint8_t world_driver_data[SDDF_BLK_BLOCK_BYTES];
extern uint8_t world_data[BLOCK_MAX_CLIENTS][WORLD_DATA_BLOCKS][SDDF_BLK_BLOCK_BYTES];

/*
 * A config for `client_count` clients, each with partition 0, 1, ..., queues of `capacity` slots, client i on channel
 * i; everything may be changed before world_begin(). The disk has an MBR with up to four partitions of 1000 blocks.
 */
void world_set_up(uint32_t client_count, uint32_t capacity);
/* Initialises the virtualiser and both sides' ends, and steps once. */
void world_begin(void);
/* The driver describes its disk and is ready. */
void world_driver_ready(void);
/* All of the above, with the partition tables read: requests are served. */
void world_serve(uint32_t client_count, uint32_t capacity);

/* All sides know what this project adds, and requests may take that long; before world_begin(). */
void world_be_resilient(uint32_t timeout_ms);
/* The driver is gone, and another starts in its place, which is not ready yet. */
void world_driver_start(void);

/* A step; what it notified. Afterwards the virtualiser's account must be sound. */
uint64_t world_step(void);
/* The same, for who has notified. */
uint64_t world_step_notified(uint64_t channels);
/* The same, later. */
uint64_t world_step_at(uint64_t now_ms);

/* A client's request, published. */
void world_ask(uint32_t client, struct sddf_blk_request request);
/* A client's next response, if there is one. */
bool world_hear(uint32_t client, struct sddf_blk_response *response);

/* The driver's next request, if there is one. */
bool world_driver_take(struct sddf_blk_request *request);
/* Does what a request says to the disk. */
void world_driver_do(const struct sddf_blk_request *request);
void world_driver_answer(uint32_t id, uint32_t status, uint16_t success_count);
/* Takes, does and answers up to `limit` requests; how many. */
uint32_t world_driver_work(uint32_t limit);
/* Steps and works until nothing moves any more. */
void world_run(void);

/* Writes an MBR entry to the disk's first block. */
void world_mbr_entry(uint32_t index, uint32_t first_block, uint32_t block_count);
