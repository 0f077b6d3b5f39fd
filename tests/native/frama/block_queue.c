/* SPDX-License-Identifier: BSD-2-Clause */
/* All four ends of the sDDF queues, of any capacity, over memory that says anything at any time. */
#include <sdfgen/block_queue.h>

#include "any.h"

#define MOST_SLOTS 256u

static union {
    struct sddf_blk_request_queue queue;
    uint8_t bytes[SDDF_BLK_REQUEST_QUEUE_BYTES(MOST_SLOTS)];
} requests;

static union {
    struct sddf_blk_response_queue queue;
    uint8_t bytes[SDDF_BLK_RESPONSE_QUEUE_BYTES(MOST_SLOTS)];
} responses;

static void write_requests(uint32_t capacity)
{
    struct block_request_writer writer;
    struct sddf_blk_request request = { any_u32(), any_u64(), any_u64(), any_u16(), any_u32() };
    block_request_writer_init(&writer, &requests.queue, capacity);
    while (block_queue_room(&writer.end) > 0) {
        block_request_put(&writer, &request);
        block_queue_publish(&writer.end);
    }
}

static void read_requests(uint32_t capacity)
{
    struct block_request_reader reader;
    struct sddf_blk_request request;
    block_request_reader_init(&reader, &requests.queue, capacity);
    while (block_queue_filled(&reader.end) > 0) {
        block_request_take(&reader, &request);
        block_queue_publish(&reader.end);
    }
}

static void write_responses(uint32_t capacity)
{
    struct block_response_writer writer;
    struct sddf_blk_response response = { any_u32(), any_u16(), any_u32() };
    block_response_writer_init(&writer, &responses.queue, capacity);
    while (block_queue_room(&writer.end) > 0) {
        block_response_put(&writer, &response);
        block_queue_publish(&writer.end);
    }
}

static void read_responses(uint32_t capacity)
{
    struct block_response_reader reader;
    struct sddf_blk_response response;
    block_response_reader_init(&reader, &responses.queue, capacity);
    while (block_queue_filled(&reader.end) > 0) {
        block_response_take(&reader, &response);
        (void)block_queue_release(&reader.end, any_u32());
    }
}

int main(void)
{
    for (uint32_t capacity = 1; capacity <= MOST_SLOTS; capacity *= 2) {
        write_requests(capacity);
        read_requests(capacity);
        write_responses(capacity);
        read_responses(capacity);
    }
    return 0;
}
