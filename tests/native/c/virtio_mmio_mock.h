/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device that only takes notes of what the register file makes of a driver's accesses, and the accesses of a driver
 * that does as it should.
 */
#pragma once

#include <sdfgen/virtio_mmio.h>

#include "unit.h"

#define BIT(n) (UINT64_C(1) << (n))
#define DEVICE_ID 42u
#define QUEUES 2u
#define QUEUE_SIZE_MAX 64u
#define OFFERED (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_EVENT_IDX) | BIT(9) | BIT(5))
#define CONFIG_BYTES 60u
#define WRITABLE 32u /* the one byte of the configuration that may be written */
#define INIT (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER)
#define NEGOTIATED (INIT | VIRTIO_STATUS_FEATURES_OK)
#define RUNNING (NEGOTIATED | VIRTIO_STATUS_DRIVER_OK)

/* What the register file made of the driver's accesses. */
struct notes {
    uint32_t resets;
    uint32_t feature_calls;
    uint64_t features;
    uint32_t starts;
    uint32_t stops;
    uint32_t queue;
    struct virtq_geometry geometry;
    enum virtq_code start_code;
    uint32_t driver_oks;
    uint32_t steps;
    struct virtio_effects effects; /* of the next step */
    uint32_t generation;
    bool draining;
    bool needs_reset;
    uint8_t config[CONFIG_BYTES];
};

extern struct notes notes;
extern struct virtio_mmio mmio;
extern const struct virtio_device_ops mock_ops;

/* The registers as after a reset. */
void setup(void);
/* 32 bits of a register. */
uint32_t get(uint64_t offset);
struct virtio_effects set(uint64_t offset, uint32_t value);
void choose_features(uint64_t features);
/* Up to FEATURES_OK, with all that is offered. */
void negotiate(void);
void write_geometry(uint32_t queue, uint32_t size);
void start_queue(uint32_t queue);
/* Up to DRIVER_OK, with queue 0. */
void run(void);
