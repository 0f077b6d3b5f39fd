/* SPDX-License-Identifier: BSD-2-Clause */
/* The register file: any access of any width at any offset, in any order, before a device that answers anything. */
#include <sdfgen/virtio_mmio_page.h>

#include "any.h"

#define QUEUES 2u

static struct virtio_mmio mmio;
static volatile uint32_t page[VIRTIO_MMIO_PAGE_BYTES / sizeof(uint32_t)];
static int device_state;

static uint64_t features(const void *device)
{
    /*@ assert own_device: device == &device_state; */
    return any_u64();
}

static void set_features(void *device, uint64_t accepted)
{
    /*@ assert own_device: device == &device_state; */
    (void)accepted;
}

static uint8_t read_config(const void *device, uint32_t offset)
{
    /*@ assert own_device: device == &device_state; */
    return (uint8_t)(any_u8() + offset);
}

static void write_config(void *device, uint32_t offset, uint8_t value)
{
    /*@ assert own_device: device == &device_state; */
    (void)offset;
    (void)value;
}

static uint32_t config_generation(const void *device)
{
    /*@ assert own_device: device == &device_state; */
    return any_u32();
}

static enum virtq_code start_queue(void *device, uint32_t queue, const struct virtq_geometry *geometry)
{
    /*@ assert own_device: device == &device_state; */
    /*@ assert known_queue: queue < QUEUES; */
    return geometry->size == 0 || any_bool() ? VIRTQ_ERR_SIZE : VIRTQ_OK;
}

static void stop_queue(void *device, uint32_t queue)
{
    /*@ assert own_device: device == &device_state; */
    /*@ assert known_queue: queue < QUEUES; */
}

static void act(void *device)
{
    /*@ assert own_device: device == &device_state; */
}

static struct virtio_effects step(void *device)
{
    /*@ assert own_device: device == &device_state; */
    return (struct virtio_effects) { any_bool(), any_bool(), any_bool(), any_bool() };
}

static bool ask(const void *device)
{
    /*@ assert own_device: device == &device_state; */
    return any_bool();
}

static const struct virtio_device_ops ops = {
    .device_id = 2,
    .queue_count = QUEUES,
    .queue_size_max = VIRTQ_MAX_SIZE,
    .features = features,
    .set_features = set_features,
    .read_config = read_config,
    .write_config = write_config,
    .config_generation = config_generation,
    .start_queue = start_queue,
    .stop_queue = stop_queue,
    .driver_ok = act,
    .step = step,
    .reset = act,
    .draining = ask,
    .needs_reset = ask,
};

int main(void)
{
    virtio_mmio_init(&mmio, &ops, &device_state);
    while (any_bool()) {
        (void)virtio_mmio_read(&mmio, any_u64(), any_u32());
        (void)virtio_mmio_write(&mmio, any_u64(), any_u32(), any_u64());
        (void)virtio_mmio_step(&mmio);
        (void)virtio_mmio_interrupt(&mmio);
        virtio_mmio_show(&mmio, page, any_bool() ? VIRTIO_MMIO_ALL : VIRTIO_MMIO_STATE);
    }
    return 0;
}
