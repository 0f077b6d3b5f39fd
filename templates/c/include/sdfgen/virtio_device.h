/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a transport (virtio_mmio.h, or a test) calls of a device. The device knows nothing of registers.
 *
 * Order of calls: reset, set_features once the driver's choice is final (FEATURES_OK), start_queue, driver_ok, step
 * whenever the driver notified or the other side did; stop_queue and reset at any time.
 */
#pragma once

#include <sdfgen/virtq.h>

/* Feature bits that belong to no device type, virtio 1.2, 6. */
#define VIRTIO_F_INDIRECT_DESC 28
#define VIRTIO_F_EVENT_IDX 29
#define VIRTIO_F_VERSION_1 32

/* What a step asks of whoever called it. */
struct virtio_effects {
    bool used_interrupt;   /* tell the driver: buffers were used */
    bool config_interrupt; /* tell the driver: configuration or status changed */
    bool notify;           /* tell the other side of the device's back end: requests were queued */
    bool again;            /* there is more to do: call again, after whatever else waits */
};

struct virtio_device_ops {
    uint32_t device_id; /* virtio 1.2, 5 */
    uint32_t queue_count;
    uint32_t queue_size_max;

    /* All feature bits the device offers. */
    uint64_t (*features)(const void *device);
    /* The driver's choice, a subset of what was offered. */
    void (*set_features)(void *device, uint64_t features);

    /* Configuration space: 0 beyond its end; writes are bounded, and ignored where nothing may be written. */
    uint8_t (*read_config)(const void *device, uint32_t offset);
    void (*write_config)(void *device, uint32_t offset, uint8_t value);
    /* Changes whenever the configuration does (4.2.2). */
    uint32_t (*config_generation)(const void *device);

    /* `queue` < queue_count. Not live unless VIRTQ_OK. */
    enum virtq_code (*start_queue)(void *device, uint32_t queue, const struct virtq_geometry *geometry);
    /* From here on guest memory is not touched for that queue, whatever is in flight. */
    void (*stop_queue)(void *device, uint32_t queue);
    /* Nothing is consumed before. */
    void (*driver_ok)(void *device);
    struct virtio_effects (*step)(void *device);

    /* The device is as new; guest memory is not touched any more. */
    void (*reset)(void *device);
    /* After reset: requests that were in flight are not yet finished. The reset is complete when it says false. */
    bool (*draining)(const void *device);
    /* The driver broke a queue: DEVICE_NEEDS_RESET (2.1.2). */
    bool (*needs_reset)(const void *device);
};
