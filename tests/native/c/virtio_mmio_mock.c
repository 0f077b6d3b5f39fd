/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio_mmio_mock.h"

struct notes notes;
struct virtio_mmio mmio;

static uint64_t mock_features(const void *device)
{
    CHECK(device == &notes);
    return OFFERED;
}

static void mock_set_features(void *device, uint64_t features)
{
    struct notes *mock = device;
    mock->feature_calls++;
    mock->features = features;
}

static uint8_t mock_read_config(const void *device, uint32_t offset)
{
    const struct notes *mock = device;
    return offset < CONFIG_BYTES ? mock->config[offset] : 0;
}

static void mock_write_config(void *device, uint32_t offset, uint8_t value)
{
    struct notes *mock = device;
    if (offset == WRITABLE) {
        mock->config[offset] = value;
    }
}

static uint32_t mock_config_generation(const void *device)
{
    return ((const struct notes *)device)->generation;
}

static enum virtq_code mock_start_queue(void *device, uint32_t queue, const struct virtq_geometry *geometry)
{
    struct notes *mock = device;
    mock->starts++;
    mock->queue = queue;
    mock->geometry = *geometry;
    return mock->start_code;
}

static void mock_stop_queue(void *device, uint32_t queue)
{
    struct notes *mock = device;
    mock->stops++;
    mock->queue = queue;
}

static void mock_driver_ok(void *device)
{
    ((struct notes *)device)->driver_oks++;
}

static struct virtio_effects mock_step(void *device)
{
    struct notes *mock = device;
    struct virtio_effects effects = mock->effects;
    mock->effects = (struct virtio_effects){ 0 };
    mock->steps++;
    return effects;
}

static void mock_reset(void *device)
{
    ((struct notes *)device)->resets++;
}

static bool mock_draining(const void *device)
{
    return ((const struct notes *)device)->draining;
}

static bool mock_needs_reset(const void *device)
{
    return ((const struct notes *)device)->needs_reset;
}

const struct virtio_device_ops mock_ops = {
    .device_id = DEVICE_ID,
    .queue_count = QUEUES,
    .queue_size_max = QUEUE_SIZE_MAX,
    .features = mock_features,
    .set_features = mock_set_features,
    .read_config = mock_read_config,
    .write_config = mock_write_config,
    .config_generation = mock_config_generation,
    .start_queue = mock_start_queue,
    .stop_queue = mock_stop_queue,
    .driver_ok = mock_driver_ok,
    .step = mock_step,
    .reset = mock_reset,
    .draining = mock_draining,
    .needs_reset = mock_needs_reset,
};

void setup(void)
{
    notes = (struct notes){ .generation = 7 };
    for (uint32_t i = 0; i < CONFIG_BYTES; i++) {
        notes.config[i] = (uint8_t)(0x80 + i);
    }
    memset(&mmio, 0xa5, sizeof(mmio));
    virtio_mmio_init(&mmio, &mock_ops, &notes);
    CHECK(notes.resets == 1);
}

uint32_t get(uint64_t offset)
{
    uint64_t value = virtio_mmio_read(&mmio, offset, 4);
    CHECK(value <= UINT32_MAX);
    return (uint32_t)value;
}

struct virtio_effects set(uint64_t offset, uint32_t value)
{
    return virtio_mmio_write(&mmio, offset, 4, value);
}

void choose_features(uint64_t features)
{
    for (uint32_t half = 0; half < 2; half++) {
        set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
        set(VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32 * half));
    }
}

void negotiate(void)
{
    set(VIRTIO_MMIO_STATUS, INIT);
    choose_features(OFFERED);
    set(VIRTIO_MMIO_STATUS, NEGOTIATED);
    CHECK(get(VIRTIO_MMIO_STATUS) == NEGOTIATED);
}

void write_geometry(uint32_t queue, uint32_t size)
{
    set(VIRTIO_MMIO_QUEUE_SEL, queue);
    set(VIRTIO_MMIO_QUEUE_NUM, size);
    set(VIRTIO_MMIO_QUEUE_DESC_LOW, 0x40000000);
    set(VIRTIO_MMIO_QUEUE_DESC_HIGH, 0x1);
    set(VIRTIO_MMIO_QUEUE_DRIVER_LOW, 0x50000000);
    set(VIRTIO_MMIO_QUEUE_DRIVER_HIGH, 0x2);
    set(VIRTIO_MMIO_QUEUE_DEVICE_LOW, 0x60000000);
    set(VIRTIO_MMIO_QUEUE_DEVICE_HIGH, 0x3);
}

void start_queue(uint32_t queue)
{
    write_geometry(queue, 8);
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 1);
}

void run(void)
{
    setup();
    negotiate();
    start_queue(0);
    set(VIRTIO_MMIO_STATUS, RUNNING);
    CHECK(get(VIRTIO_MMIO_STATUS) == RUNNING);
    CHECK(notes.driver_oks == 1);
}
