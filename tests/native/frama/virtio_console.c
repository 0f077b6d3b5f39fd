/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtio-console over rings that answer anything, between queues that say anything at any time: any features, resets,
 * queues started (each once at first) and stopped, and steps, in any order. The rings' own code is what virtq.c here is
 * about.
 */
#include <sdfgen/virtio_console.h>

#include "any.h"

#define QUEUE_BYTES 4096u

static volatile uint16_t avail[2 + VIRTQ_MAX_SIZE + 1];
static volatile struct sddf_serial_queue indices[2];
static volatile uint8_t data[2][QUEUE_BYTES];
static struct guest_ram ram;
static struct serial_writer out;
static struct serial_reader in;
static struct virtio_console device;
static volatile uint8_t copied;

enum virtq_code virtq_start(struct virtq *queue, const struct guest_ram *memory, const struct virtq_geometry *geometry,
                            bool event_idx, bool indirect)
{
    (void)memory;
    (void)geometry;
    queue->live = any_bool();
    queue->event_idx = event_idx;
    queue->indirect = indirect;
    queue->avail = avail;
    queue->mask = (uint32_t)any_between(0, VIRTQ_MAX_SIZE - 1);
    return queue->live ? VIRTQ_OK : VIRTQ_ERR_SIZE;
}

void virtq_stop(struct virtq *queue)
{
    queue->live = false;
}

enum virtq_popped virtq_pop(struct virtq *queue, const struct guest_ram *memory, struct virtq_chain *chain)
{
    (void)memory;
    queue->broken = any_bool();
    queue->loaded_count = any_u32();
    chain->head = any_u16();
    chain->unmapped = any_bool();
    chain->readable_count = any_u32();
    chain->readable_bytes = any_u32();
    chain->writable_bytes = any_u32();
    return (enum virtq_popped)any_between(VIRTQ_EMPTY, VIRTQ_BROKEN);
}

void virtq_push(struct virtq *queue, uint16_t head, uint32_t used_bytes)
{
    (void)queue;
    (void)head;
    (void)used_bytes;
}

bool virtq_publish(struct virtq *queue)
{
    queue->published_used = any_u16();
    return any_bool();
}

void virtq_disable_kicks(struct virtq *queue)
{
    (void)queue;
}

bool virtq_enable_kicks(struct virtq *queue)
{
    queue->broken = any_bool();
    return any_bool();
}

void virtq_copy_from(const struct virtq_chain *chain, struct virtq_cursor *cursor, uint8_t *to, uint32_t size_bytes)
{
    (void)chain;
    cursor->segment = any_u32();
    cursor->offset_bytes = any_u32();
    for (uint32_t i = 0; i < size_bytes; i++) {
        to[i] = any_u8();
    }
}

void virtq_copy_to(const struct virtq_chain *chain, struct virtq_cursor *cursor, const uint8_t *from,
                   uint32_t size_bytes)
{
    (void)chain;
    cursor->segment = any_u32();
    for (uint32_t i = 0; i < size_bytes; i++) {
        copied = from[i];
    }
}

static void use(void)
{
    const uint32_t queue = (uint32_t)any_between(0, VIRTIO_CONSOLE_QUEUES - 1);
    const struct virtq_geometry geometry = { any_u32(), any_u64(), any_u64(), any_u64(), any_u16() };
    if (any_bool()) {
        virtio_console_ops.reset(&device);
    }
    if (any_bool()) {
        virtio_console_ops.set_features(&device, any_u64());
        (void)virtio_console_ops.start_queue(&device, queue, &geometry);
    }
    if (any_bool()) {
        virtio_console_ops.stop_queue(&device, queue);
    }
    if (any_bool()) {
        virtio_console_ops.driver_ok(&device);
    }
    (void)virtio_console_owes(&device);
    (void)virtio_console_listens(&device);
    (void)virtio_console_ops.needs_reset(&device);
    (void)virtio_console_ops.step(&device);
}

int main(void)
{
    const struct console_queue queues[2] = {
        { (uintptr_t)&indices[0], (uintptr_t)data[0], QUEUE_BYTES },
        { (uintptr_t)&indices[1], (uintptr_t)data[1], QUEUE_BYTES },
    };
    serial_writer_init(&out, &queues[0]);
    serial_reader_init(&in, &queues[1]);
    virtio_console_init(&device, &ram, &out, &in);
    for (uint32_t queue = 0; queue < VIRTIO_CONSOLE_QUEUES; queue++) {
        const struct virtq_geometry geometry = { 0 };
        (void)virtio_console_ops.start_queue(&device, queue, &geometry);
    }
    while (any_bool()) {
        use();
    }
    return 0;
}
