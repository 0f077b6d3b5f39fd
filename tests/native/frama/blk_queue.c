/* SPDX-License-Identifier: BSD-2-Clause */
/* All four ends of the sDDF queues, of any capacity, over memory that says anything at any time. */
#include <sdfgen/blk_queue.h>

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
    struct blk_request_writer writer;
    struct sddf_blk_request request = { any_u32(), any_u64(), any_u64(), any_u16(), any_u32() };
    blk_request_writer_init(&writer, &requests.queue, capacity);
    while (blk_queue_room(&writer.end) > 0) {
        blk_request_put(&writer, &request);
        blk_queue_publish(&writer.end);
    }
}

static void read_requests(uint32_t capacity)
{
    struct blk_request_reader reader;
    struct sddf_blk_request request;
    blk_request_reader_init(&reader, &requests.queue, capacity);
    while (blk_queue_filled(&reader.end) > 0) {
        blk_request_take(&reader, &request);
        blk_queue_publish(&reader.end);
    }
}

static void write_responses(uint32_t capacity)
{
    struct blk_response_writer writer;
    struct sddf_blk_response response = { any_u32(), any_u16(), any_u32() };
    blk_response_writer_init(&writer, &responses.queue, capacity);
    while (blk_queue_room(&writer.end) > 0) {
        blk_response_put(&writer, &response);
        blk_queue_publish(&writer.end);
    }
}

static void read_responses(uint32_t capacity)
{
    struct blk_response_reader reader;
    struct sddf_blk_response response;
    blk_response_reader_init(&reader, &responses.queue, capacity);
    while (blk_queue_filled(&reader.end) > 0) {
        blk_response_take(&reader, &response);
        blk_queue_publish(&reader.end);
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
