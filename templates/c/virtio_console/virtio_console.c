/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/mem.h>
#include <sdfgen/virtio_console.h>

#define FEATURE(bit) (UINT64_C(1) << (bit))
#define PIECE_BYTES 256u
/* The word behind the available ring's entries, 2.7.6: which used element the driver waits for. */
#define AVAIL_HEAD_WORDS 2u

static struct virtq *receive_queue(struct virtio_console *device)
{
    return &device->queues[VIRTIO_CONSOLE_RECEIVE];
}

static struct virtq *transmit_queue(struct virtio_console *device)
{
    return &device->queues[VIRTIO_CONSOLE_TRANSMIT];
}

/* ---- Interrupts for sent buffers ---- */

static bool has_seen_all(const struct virtq *queue)
{
    const uint16_t used_event = shared_load_u16(&queue->avail[AVAIL_HEAD_WORDS + queue->mask + 1]);
    return queue->event_idx && used_event == queue->published_used;
}

bool virtio_console_owes(const struct virtio_console *device)
{
    const struct virtq *queue = &device->queues[VIRTIO_CONSOLE_TRANSMIT];
    return device->owed && queue->live && !has_seen_all(queue);
}

/* ---- Sending ---- */

/* Copies what there is room for. True when the whole chain was taken. */
static bool send_some(struct virtio_console *device)
{
    uint8_t piece[PIECE_BYTES];
    uint32_t room = serial_room(device->out);
    while (device->left_bytes > 0 && room > 0) {
        uint32_t size_bytes = device->left_bytes < room ? device->left_bytes : room;
        size_bytes = size_bytes < PIECE_BYTES ? size_bytes : PIECE_BYTES;
        virtq_copy_from(&device->chain, &device->cursor, piece, size_bytes);
        for (uint32_t i = 0; i < size_bytes; i++) {
            serial_put(device->out, piece[i]);
        }
        device->left_bytes -= size_bytes;
        room -= size_bytes;
        device->notify = true;
    }
    return device->left_bytes == 0;
}

/* True when the chain is done; otherwise the other end notifies when it has made room. */
static bool send_chain(struct virtio_console *device)
{
    if (!send_some(device)) {
        serial_publish(device->out);
        serial_ask_for_room(device->out);
        if (!send_some(device)) {
            return false;
        }
    }
    virtq_push(transmit_queue(device), device->chain.head, 0);
    device->sending = false;
    return true;
}

static void begin_chain(struct virtio_console *device)
{
    device->sending = true;
    device->cursor = (struct virtq_cursor) { 0 };
    device->left_bytes = device->chain.unmapped ? 0 : device->chain.readable_bytes;
}

/* Whether a chain is being sent: the one that waited, or the next. */
static bool has_chain(struct virtio_console *device, bool *more)
{
    struct virtq *queue = transmit_queue(device);
    *more = true;
    if (device->sending) {
        return true;
    }
    switch (virtq_pop(queue, device->ram, &device->chain)) {
    case VIRTQ_CHAIN:
        begin_chain(device);
        return true;
    case VIRTQ_DROPPED:
        return false;
    case VIRTQ_EMPTY:
        *more = virtq_enable_kicks(queue);
        return false;
    case VIRTQ_BROKEN:
        break;
    }
    *more = false;
    return false;
}

/* Takes a ring's length of chains at most. True when there may be more. */
static bool transmit(struct virtio_console *device)
{
    struct virtq *queue = transmit_queue(device);
    bool more = queue->live;
    queue->loaded_count = 0;
    for (uint32_t budget = queue->mask + 1; budget > 0 && more; budget--) {
        if (queue->loaded_count >= VIRTIO_CONSOLE_STEP_DESCRIPTORS) {
            return true;
        }
        if (has_chain(device, &more) && !send_chain(device)) {
            return false;
        }
    }
    return more;
}

/* ---- Receiving ---- */

static void fill(struct virtio_console *device, uint32_t size_bytes)
{
    struct virtq_cursor cursor = { .segment = device->buffer.readable_count };
    uint8_t piece[PIECE_BYTES];
    for (uint32_t done = 0; done < size_bytes;) {
        const uint32_t left = size_bytes - done;
        const uint32_t now = left < PIECE_BYTES ? left : PIECE_BYTES;
        for (uint32_t i = 0; i < now; i++) {
            piece[i] = serial_take(device->in);
        }
        virtq_copy_to(&device->buffer, &cursor, piece, now);
        done += now;
    }
}

/* Puts what was received into one of the driver's buffers. How much, or 0 for a buffer of no use. */
static uint32_t fill_buffer(struct virtio_console *device, uint32_t filled)
{
    const struct virtq_chain *buffer = &device->buffer;
    const uint32_t room = buffer->unmapped ? 0 : buffer->writable_bytes;
    const uint32_t size_bytes = room < filled ? room : filled;
    fill(device, size_bytes);
    virtq_push(receive_queue(device), buffer->head, size_bytes);
    return size_bytes;
}

/* True when there may be more. Kicks tell of buffers only while something waits for one. */
static bool receive(struct virtio_console *device)
{
    struct virtq *queue = receive_queue(device);
    uint32_t filled = queue->live ? serial_filled(device->in) : 0;
    bool took = false;
    bool more = filled > 0;
    queue->loaded_count = 0;
    for (uint32_t budget = queue->mask + 1; budget > 0 && filled > 0 && more; budget--) {
        const enum virtq_popped popped = virtq_pop(queue, device->ram, &device->buffer);
        if (popped == VIRTQ_CHAIN) {
            filled -= fill_buffer(device, filled);
            took = true;
        } else {
            more = popped == VIRTQ_DROPPED || (popped == VIRTQ_EMPTY && virtq_enable_kicks(queue));
        }
        if (queue->loaded_count >= VIRTIO_CONSOLE_STEP_DESCRIPTORS) {
            break;
        }
    }
    if (queue->live && filled == 0) {
        virtq_disable_kicks(queue);
    }
    device->notify |= took && serial_release(device->in);
    return more && filled > 0;
}

/* ---- Work ---- */

static bool is_broken(const struct virtio_console *device)
{
    return device->queues[VIRTIO_CONSOLE_RECEIVE].broken || device->queues[VIRTIO_CONSOLE_TRANSMIT].broken;
}

/* Makes what was done visible, each thing once. */
static struct virtio_effects publish(struct virtio_console *device)
{
    struct virtio_effects effects = { .used_interrupt = virtio_console_owes(device) };
    struct virtq *sent = transmit_queue(device);
    struct virtq *received = receive_queue(device);
    device->owed = false;
    serial_publish(device->out);
    if (sent->live && virtq_publish(sent)) {
        device->owed = sent->event_idx;
        effects.used_interrupt |= !sent->event_idx;
    }
    effects.used_interrupt |= received->live && virtq_publish(received);
    effects.config_interrupt = is_broken(device) && !device->told_broken;
    device->told_broken = is_broken(device);
    effects.notify = device->notify;
    device->notify = false;
    return effects;
}

static struct virtio_effects step(void *of)
{
    struct virtio_console *device = of;
    if (!device->running) {
        return (struct virtio_effects) { 0 };
    }
    const bool more_to_send = transmit(device);
    const bool more_received = receive(device);
    struct virtio_effects effects = publish(device);
    effects.again = more_to_send || more_received;
    return effects;
}

bool virtio_console_listens(const struct virtio_console *device)
{
    return device->running && device->queues[VIRTIO_CONSOLE_RECEIVE].live;
}

/* ---- Life ---- */

static uint64_t features(const void *of)
{
    (void)of;
    return FEATURE(VIRTIO_F_INDIRECT_DESC) | FEATURE(VIRTIO_F_EVENT_IDX) | FEATURE(VIRTIO_F_VERSION_1);
}

static void set_features(void *of, uint64_t chosen)
{
    struct virtio_console *device = of;
    device->features = chosen & features(of);
}

/* Of size and ports nothing is known: all of it is 0 without the features that say so. */
static uint8_t read_config(const void *of, uint32_t offset)
{
    (void)of;
    (void)offset;
    return 0;
}

static void write_config(void *of, uint32_t offset, uint8_t value)
{
    (void)of;
    (void)offset;
    (void)value;
}

static uint32_t config_generation(const void *of)
{
    (void)of;
    return 0;
}

static void stop_queue(void *of, uint32_t queue)
{
    struct virtio_console *device = of;
    virtq_stop(&device->queues[queue]);
    device->queues[queue].broken = false;
    device->told_broken = is_broken(device);
    if (queue == VIRTIO_CONSOLE_TRANSMIT) {
        device->sending = false;
        device->owed = false;
    }
}

static enum virtq_code start_queue(void *of, uint32_t queue, const struct virtq_geometry *geometry)
{
    struct virtio_console *device = of;
    const bool event_idx = (device->features & FEATURE(VIRTIO_F_EVENT_IDX)) != 0;
    const bool indirect = (device->features & FEATURE(VIRTIO_F_INDIRECT_DESC)) != 0;
    stop_queue(of, queue);
    return virtq_start(&device->queues[queue], device->ram, geometry, event_idx, indirect);
}

static void driver_ok(void *of)
{
    struct virtio_console *device = of;
    device->running = true;
}

static void reset(void *of)
{
    struct virtio_console *device = of;
    device->running = false;
    device->features = 0;
    for (uint32_t queue = 0; queue < VIRTIO_CONSOLE_QUEUES; queue++) {
        stop_queue(of, queue);
    }
}

static bool draining(const void *of)
{
    (void)of;
    return false;
}

static bool needs_reset(const void *of)
{
    return is_broken(of);
}

void virtio_console_init(struct virtio_console *device, const struct guest_ram *ram, struct serial_writer *out,
                         struct serial_reader *in)
{
    memset(device, 0, sizeof(*device));
    device->ram = ram;
    device->out = out;
    device->in = in;
}

const struct virtio_device_ops virtio_console_ops = {
    .device_id = VIRTIO_DEVICE_ID_CONSOLE,
    .queue_count = VIRTIO_CONSOLE_QUEUES,
    .queue_size_max = VIRTQ_MAX_SIZE,
    .features = features,
    .set_features = set_features,
    .read_config = read_config,
    .write_config = write_config,
    .config_generation = config_generation,
    .start_queue = start_queue,
    .stop_queue = stop_queue,
    .driver_ok = driver_ok,
    .step = step,
    .reset = reset,
    .draining = draining,
    .needs_reset = needs_reset,
};
