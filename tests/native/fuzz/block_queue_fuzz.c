/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One end of an sDDF queue against another end that is anything. The input is a program: each action is two bytes and
 * what it needs. An end must never run ahead of what it was told, and stay broken once the other made no sense.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sdfgen/block_queue.h>

#include "fuzz_input.h"

#define CAPACITY 8u
/* Bytes outside the queue that nobody may touch. */
#define GUARD 64u

static struct {
    _Alignas(8) uint8_t requests[SDDF_BLK_REQUEST_QUEUE_BYTES(CAPACITY)];
    uint8_t requests_guard[GUARD];
    _Alignas(8) uint8_t responses[SDDF_BLK_RESPONSE_QUEUE_BYTES(CAPACITY)];
    uint8_t responses_guard[GUARD];
} memory;

struct ends {
    struct block_request_writer request_writer;
    struct block_request_reader request_reader;
    struct block_response_writer response_writer;
    struct block_response_reader response_reader;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct block_queue_end *end_of(struct ends *ends, uint32_t which)
{
    struct block_queue_end *const all[] = {
        &ends->request_writer.end, &ends->request_reader.end, &ends->response_writer.end, &ends->response_reader.end,
    };
    return all[which % 4];
}

static bool is_writer(uint32_t which)
{
    return which % 2 == 0;
}

static void move_one(struct ends *ends, uint32_t which, uint32_t value)
{
    struct sddf_blk_request request = { .code = value, .id = value };
    struct sddf_blk_response response = { .status = value, .id = value };
    switch (which % 4) {
    case 0:
        block_request_put(&ends->request_writer, &request);
        break;
    case 1:
        block_request_take(&ends->request_reader, &request);
        break;
    case 2:
        block_response_put(&ends->response_writer, &response);
        break;
    default:
        block_response_take(&ends->response_reader, &response);
        break;
    }
}

/* Moves what can be moved, at most `limit` entries, and publishes. */
static void move(struct ends *ends, uint32_t which, uint32_t limit)
{
    struct block_queue_end *end = end_of(ends, which);
    bool was_broken = end->broken;
    uint32_t count = is_writer(which) ? block_queue_room(end) : block_queue_filled(end);
    uint32_t before = end->own;
    REQUIRE(count <= CAPACITY && (!was_broken || end->broken) && (!end->broken || count == 0));
    for (uint32_t i = 0; i < count && i < limit; i++) {
        move_one(ends, which, i);
    }
    REQUIRE(end->own - before <= count);
    block_queue_publish(end);
}

/* Any byte of the shared memory changes. */
static void poke(uint32_t at, uint8_t value)
{
    uint32_t request_bytes = sizeof(memory.requests);
    at %= request_bytes + (uint32_t)sizeof(memory.responses);
    *(at < request_bytes ? &memory.requests[at] : &memory.responses[at - request_bytes]) = value;
}

static void start(struct ends *ends)
{
    volatile struct sddf_blk_request_queue *requests =
        (volatile struct sddf_blk_request_queue *)(void *)memory.requests;
    volatile struct sddf_blk_response_queue *responses =
        (volatile struct sddf_blk_response_queue *)(void *)memory.responses;
    block_request_writer_init(&ends->request_writer, requests, CAPACITY);
    block_request_reader_init(&ends->request_reader, requests, CAPACITY);
    block_response_writer_init(&ends->response_writer, responses, CAPACITY);
    block_response_reader_init(&ends->response_reader, responses, CAPACITY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t untouched[GUARD];
    struct ends ends;
    memset(&memory, 0, sizeof(memory));
    start(&ends);
    for (size_t i = 0; i + 3 <= size; i += 3) {
        switch (data[i] % 4) {
        case 0:
            poke(data[i + 1], data[i + 2]);
            break;
        case 1:
            poke((data[i + 1] & 7u) + ((data[i] & 64u) != 0 ? (uint32_t)sizeof(memory.requests) : 0), data[i + 2]);
            break;
        case 2:
            move(&ends, data[i + 1], data[i + 2] & 15u);
            break;
        default:
            if (data[i + 1] == 0) {
                start(&ends);
            }
            break;
        }
    }
    REQUIRE(memcmp(memory.requests_guard, untouched, GUARD) == 0);
    REQUIRE(memcmp(memory.responses_guard, untouched, GUARD) == 0);
    return 0;
}
