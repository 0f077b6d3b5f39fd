/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtualiser's side of a block device under a fuzzer: what is asked of it must be sound; it answers honestly,
 * fails, or lies, as it is told.
 */
#pragma once

#include <string.h>

#include <sdfgen/block_config.h>
#include <sdfgen/block_queue.h>

#include "fuzz_input.h"

#define BLOCKS 6u
#define CELLS 3u
#define CAPACITY 4u
/* More than a device has under way at once. */
#define HELD 160u

static struct sdfgen_block_storage storage;
static _Alignas(16) uint8_t request_queue[SDDF_BLK_REQUEST_QUEUE_BYTES(CAPACITY)];
static _Alignas(16) uint8_t response_queue[SDDF_BLK_RESPONSE_QUEUE_BYTES(CAPACITY)];
static _Alignas(4096) uint8_t data[CELLS * SDDF_BLK_BLOCK_BYTES];
static uint8_t disk[BLOCKS * SDDF_BLK_BLOCK_BYTES];
static struct block_request_reader requests;
static struct block_response_writer responses;
static struct sddf_blk_request held[HELD];
static bool held_late[HELD];
static uint32_t held_count;
static bool lied;
static bool takes_ranges;

static inline bool touches_blocks(const struct sddf_blk_request *request)
{
    return request->code != SDDF_BLK_FLUSH;
}

static inline bool moves_data(const struct sddf_blk_request *request)
{
    return request->code == SDDF_BLK_READ || request->code == SDDF_BLK_WRITE;
}

static inline bool changes_blocks(const struct sddf_blk_request *request)
{
    return touches_blocks(request) && request->code != SDDF_BLK_READ;
}

static inline void check_request(const struct sddf_blk_request *request)
{
    bool unmaps = request->code == SDFGEN_BLOCK_WRITE_ZEROES_UNMAP;
    bool range = request->code == SDFGEN_BLOCK_DISCARD || request->code == SDFGEN_BLOCK_WRITE_ZEROES || unmaps;
    REQUIRE(!unmaps || (storage.info.sdfgen_traits & SDFGEN_BLOCK_TRAIT_ZEROES_UNMAP) != 0);
    REQUIRE(moves_data(request) || request->code == SDDF_BLK_FLUSH || (range && takes_ranges));
    REQUIRE(!changes_blocks(request) || !storage.info.read_only);
    if (touches_blocks(request)) {
        REQUIRE(request->block_count > 0 && request->block_number < BLOCKS);
        REQUIRE(request->block_count <= BLOCKS - request->block_number);
    }
    if (moves_data(request)) {
        uint64_t cell = request->io_or_offset / SDDF_BLK_BLOCK_BYTES;
        REQUIRE(request->io_or_offset % SDDF_BLK_BLOCK_BYTES == 0 && cell < CELLS);
        REQUIRE(request->block_count <= CELLS - cell);
    }
}

/* Two that are under way at once share neither id nor cells. */
static inline void check_pair(const struct sddf_blk_request *a, const struct sddf_blk_request *b)
{
    uint64_t distance = a->io_or_offset > b->io_or_offset ? a->io_or_offset - b->io_or_offset
                                                          : b->io_or_offset - a->io_or_offset;
    const struct sddf_blk_request *lower = a->io_or_offset > b->io_or_offset ? b : a;
    REQUIRE(a->id != b->id);
    if (moves_data(a) && moves_data(b)) {
        REQUIRE(distance >= (uint64_t)lower->block_count * SDDF_BLK_BLOCK_BYTES);
    }
}

static inline void take_requests(void)
{
    uint32_t filled = block_queue_filled(&requests.end);
    for (uint32_t i = 0; i < filled && held_count < HELD; i++) {
        struct sddf_blk_request request;
        block_request_take(&requests, &request);
        check_request(&request);
        for (uint32_t k = 0; k < held_count && !lied; k++) {
            check_pair(&request, &held[k]);
        }
        held_late[held_count] = false;
        held[held_count++] = request;
    }
    block_queue_publish(&requests.end);
}

static inline void execute(const struct sddf_blk_request *request)
{
    size_t size_bytes = (size_t)request->block_count * SDDF_BLK_BLOCK_BYTES;
    if (request->code == SDDF_BLK_READ) {
        memcpy(&data[request->io_or_offset], &disk[request->block_number * SDDF_BLK_BLOCK_BYTES], size_bytes);
    } else if (request->code == SDDF_BLK_WRITE) {
        memcpy(&disk[request->block_number * SDDF_BLK_BLOCK_BYTES], &data[request->io_or_offset], size_bytes);
    }
}

static inline void answer_held(uint32_t index, uint32_t status)
{
    if (held_count == 0 || block_queue_room(&responses.end) == 0) {
        return;
    }
    index %= held_count;
    const struct sddf_blk_response response = { status, held[index].block_count, held[index].id };
    if (status == SDDF_BLK_OK) {
        execute(&held[index]);
    }
    held[index] = held[--held_count];
    held_late[index] = held_late[held_count];
    block_response_put(&responses, &response);
    block_queue_publish(&responses.end);
}

/* Says once that a request is late, which stays held. */
static inline void be_late(uint32_t index)
{
    if (held_count != 0 && !held_late[index % held_count] && block_queue_room(&responses.end) != 0) {
        const struct sddf_blk_response response = { .status = SDFGEN_BLOCK_ERR_LATE, .id = held[index % held_count].id };
        held_late[index % held_count] = true;
        block_response_put(&responses, &response);
        block_queue_publish(&responses.end);
    }
}

/* An empty pair of queues, and the client's end of it. */
static inline struct block_client_config disk_power_on(bool extended, bool read_only)
{
    storage.info = (struct sddf_blk_storage_info) { .ready = 1, .read_only = read_only, .capacity_blocks = BLOCKS };
    storage.info.sdfgen_traits = extended ? SDFGEN_BLOCK_TRAIT_ZEROES_UNMAP : 0;
    storage.start = 0;
    takes_ranges = extended;
    held_count = 0;
    lied = false;
    memset(request_queue, 0, sizeof(request_queue));
    memset(response_queue, 0, sizeof(response_queue));
    block_request_reader_init(&requests, (void *)request_queue, CAPACITY);
    block_response_writer_init(&responses, (void *)response_queue, CAPACITY);
    return (struct block_client_config) {
        .connection = {
            .storage_info_vaddr = (uintptr_t)&storage.info,
            .request_vaddr = (uintptr_t)request_queue,
            .response_vaddr = (uintptr_t)response_queue,
            .queue_capacity = CAPACITY,
            .extended = extended,
            .resilient = true,
        },
        .data = { .vaddr = (uintptr_t)data, .size_bytes = sizeof(data) },
    };
}
