/* SPDX-License-Identifier: BSD-2-Clause */
/* The block device as a transport sees it: virtio_device.h's calls, handed on. */
#include <sdfgen/virtio_blk_ops.h>

static uint64_t op_features(const void *device)
{
    return virtio_blk_features(device);
}

static void op_set_features(void *device, uint64_t features)
{
    virtio_blk_set_features(device, features);
}

static uint8_t op_read_config(const void *device, uint32_t offset)
{
    return virtio_blk_read_config(device, offset);
}

static void op_write_config(void *device, uint32_t offset, uint8_t value)
{
    virtio_blk_write_config(device, offset, value);
}

static uint32_t op_config_generation(const void *device)
{
    return virtio_blk_config_generation(device);
}

static enum virtq_code op_start_queue(void *device, uint32_t queue, const struct virtq_geometry *geometry)
{
    (void)queue;
    return virtio_blk_start_queue(device, geometry);
}

static void op_stop_queue(void *device, uint32_t queue)
{
    (void)queue;
    virtio_blk_stop_queue(device);
}

static void op_driver_ok(void *device)
{
    virtio_blk_driver_ok(device);
}

static struct virtio_effects op_step(void *device)
{
    return virtio_blk_step(device);
}

static void op_reset(void *device)
{
    virtio_blk_reset(device);
}

static bool op_draining(const void *device)
{
    return virtio_blk_draining(device);
}

static bool op_needs_reset(const void *device)
{
    return virtio_blk_needs_reset(device);
}

const struct virtio_device_ops virtio_blk_ops = {
    .device_id = VIRTIO_DEVICE_ID_BLOCK,
    .queue_count = 1,
    .queue_size_max = VIRTQ_MAX_SIZE,
    .features = op_features,
    .set_features = op_set_features,
    .read_config = op_read_config,
    .write_config = op_write_config,
    .config_generation = op_config_generation,
    .start_queue = op_start_queue,
    .stop_queue = op_stop_queue,
    .driver_ok = op_driver_ok,
    .step = op_step,
    .reset = op_reset,
    .draining = op_draining,
    .needs_reset = op_needs_reset,
};
