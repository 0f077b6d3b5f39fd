/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/serial_queue.h>

static bool is_usable(const struct console_queue *queue)
{
    const uint32_t size_bytes = queue->size_bytes;
    return size_bytes != 0 && size_bytes <= SERIAL_QUEUE_MAX_BYTES && (size_bytes & (size_bytes - 1)) == 0;
}

void serial_writer_init(struct serial_writer *writer, const struct console_queue *queue)
{
    *writer = (struct serial_writer) {
        .indices = (volatile struct sddf_serial_queue *)queue->indices_vaddr,
        .data = (volatile uint8_t *)queue->data_vaddr,
        .size_bytes = queue->size_bytes,
        .broken = !is_usable(queue),
    };
    if (!writer->broken) {
        writer->tail = shared_load_u32(&writer->indices->tail);
        shared_store_u32(&writer->indices->producer_signalled, 1);
        (void)serial_room(writer);
    }
}

void serial_reader_init(struct serial_reader *reader, const struct console_queue *queue)
{
    *reader = (struct serial_reader) {
        .indices = (volatile struct sddf_serial_queue *)queue->indices_vaddr,
        .data = (const volatile uint8_t *)queue->data_vaddr,
        .size_bytes = queue->size_bytes,
        .broken = !is_usable(queue),
    };
    if (!reader->broken) {
        reader->head = shared_load_u32(&reader->indices->head);
        (void)serial_filled(reader);
    }
}

uint32_t serial_room(struct serial_writer *writer)
{
    if (writer->broken) {
        return 0;
    }
    const uint32_t filled = writer->tail - shared_load_acquire_u32(&writer->indices->head);
    writer->broken = filled > writer->size_bytes;
    return writer->broken ? 0 : writer->size_bytes - filled;
}

uint32_t serial_filled(struct serial_reader *reader)
{
    if (reader->broken) {
        return 0;
    }
    const uint32_t filled = shared_load_acquire_u32(&reader->indices->tail) - reader->head;
    reader->broken = filled > reader->size_bytes;
    return reader->broken ? 0 : filled;
}

void serial_put(struct serial_writer *writer, uint8_t byte)
{
    shared_store_u8(&writer->data[writer->tail & (writer->size_bytes - 1)], byte);
    writer->tail++;
}

uint8_t serial_take(struct serial_reader *reader)
{
    const uint8_t byte = shared_load_u8(&reader->data[reader->head & (reader->size_bytes - 1)]);
    reader->head++;
    return byte;
}

void serial_publish(struct serial_writer *writer)
{
    if (!writer->broken) {
        shared_store_release_u32(&writer->indices->tail, writer->tail);
    }
}

bool serial_release(struct serial_reader *reader)
{
    if (reader->broken) {
        return false;
    }
    shared_store_release_u32(&reader->indices->head, reader->head);
    shared_fence();
    const bool waits = shared_load_u32(&reader->indices->producer_signalled) == 0;
    if (waits) {
        shared_store_u32(&reader->indices->producer_signalled, 1);
    }
    return waits;
}

void serial_ask_for_room(struct serial_writer *writer)
{
    if (!writer->broken) {
        shared_store_u32(&writer->indices->producer_signalled, 0);
        shared_fence();
    }
}
