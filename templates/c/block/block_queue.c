/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/block_queue.h>

/* Entries between a tail and a head; more than the capacity means that one of them is a lie. */
static uint32_t filled_between(struct block_queue_end *end, uint32_t tail, uint32_t head)
{
    uint32_t filled = tail - head;
    if (filled > end->mask + 1) {
        end->broken = true;
    }
    return filled;
}

uint32_t block_queue_room(struct block_queue_end *writer_end)
{
    uint32_t filled = filled_between(writer_end, writer_end->own, shared_load_acquire_u32(writer_end->peer_word));
    return writer_end->broken ? 0 : writer_end->mask + 1 - filled;
}

uint32_t block_queue_filled(struct block_queue_end *reader_end)
{
    uint32_t filled = filled_between(reader_end, shared_load_acquire_u32(reader_end->peer_word), reader_end->own);
    return reader_end->broken ? 0 : filled;
}

void block_queue_publish(struct block_queue_end *end)
{
    shared_store_release_u32(end->own_word, end->own);
}

uint32_t block_queue_release(struct block_queue_end *reader_end, uint32_t taken)
{
    uint32_t head_before = reader_end->own - taken;
    block_queue_publish(reader_end);
    shared_fence();
    return shared_load_u32(reader_end->peer_word) - head_before;
}

static void init_end(struct block_queue_end *end, volatile uint32_t *own_word, const volatile uint32_t *peer_word,
                     uint32_t capacity)
{
    end->own_word = own_word;
    end->peer_word = peer_word;
    end->mask = capacity - 1;
    end->own = shared_load_u32(own_word);
    end->broken = false;
}

void block_request_writer_init(struct block_request_writer *writer, volatile struct sddf_blk_request_queue *queue,
                               uint32_t capacity)
{
    init_end(&writer->end, &queue->tail, &queue->head, capacity);
    (void)block_queue_room(&writer->end);
    writer->slots = queue->buffers;
    writer->awake = &queue->awake;
    shared_store_u8(&queue->plugged, 0);
}

void block_request_reader_init(struct block_request_reader *reader, volatile struct sddf_blk_request_queue *queue,
                               uint32_t capacity)
{
    init_end(&reader->end, &queue->head, &queue->tail, capacity);
    (void)block_queue_filled(&reader->end);
    reader->slots = queue->buffers;
    reader->awake = &queue->awake;
}

void block_response_writer_init(struct block_response_writer *writer, volatile struct sddf_blk_response_queue *queue,
                                uint32_t capacity)
{
    init_end(&writer->end, &queue->tail, &queue->head, capacity);
    (void)block_queue_room(&writer->end);
    writer->slots = queue->buffers;
}

void block_response_reader_init(struct block_response_reader *reader, volatile struct sddf_blk_response_queue *queue,
                                uint32_t capacity)
{
    init_end(&reader->end, &queue->head, &queue->tail, capacity);
    (void)block_queue_filled(&reader->end);
    reader->slots = queue->buffers;
}

void block_request_put(struct block_request_writer *writer, const struct sddf_blk_request *request)
{
    volatile struct sddf_blk_request *slot = &writer->slots[writer->end.own & writer->end.mask];
    shared_store_u32(&slot->code, request->code);
    shared_store_u64(&slot->io_or_offset, request->io_or_offset);
    shared_store_u64(&slot->block_number, request->block_number);
    shared_store_u16(&slot->block_count, request->block_count);
    shared_store_u32(&slot->id, request->id);
    writer->end.own++;
}

void block_request_take(struct block_request_reader *reader, struct sddf_blk_request *request)
{
    const volatile struct sddf_blk_request *slot = &reader->slots[reader->end.own & reader->end.mask];
    request->code = shared_load_u32(&slot->code);
    request->io_or_offset = shared_load_u64(&slot->io_or_offset);
    request->block_number = shared_load_u64(&slot->block_number);
    request->block_count = shared_load_u16(&slot->block_count);
    request->id = shared_load_u32(&slot->id);
    reader->end.own++;
}

void block_response_put(struct block_response_writer *writer, const struct sddf_blk_response *response)
{
    volatile struct sddf_blk_response *slot = &writer->slots[writer->end.own & writer->end.mask];
    shared_store_u32(&slot->status, response->status);
    shared_store_u16(&slot->success_count, response->success_count);
    shared_store_u32(&slot->id, response->id);
    writer->end.own++;
}

void block_response_take(struct block_response_reader *reader, struct sddf_blk_response *response)
{
    const volatile struct sddf_blk_response *slot = &reader->slots[reader->end.own & reader->end.mask];
    response->status = shared_load_u32(&slot->status);
    response->success_count = shared_load_u16(&slot->success_count);
    response->id = shared_load_u32(&slot->id);
    reader->end.own++;
}

void block_request_say_awake(const struct block_request_reader *reader)
{
    shared_store_u32(reader->awake, SDFGEN_BLOCK_AWAKE);
}

void block_request_say_asleep(const struct block_request_reader *reader)
{
    shared_store_u32(reader->awake, 0);
    shared_fence();
}

bool block_request_must_notify(const struct block_request_writer *writer)
{
    shared_fence();
    return shared_load_u32(writer->awake) != SDFGEN_BLOCK_AWAKE;
}
