/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio-blk device between a driver-side mock and a disk in memory, all of which a test can reach. */
#pragma once

#include <sdfgen/virtio_blk.h>

#include "device_disk.h"
#include "driver_side.h"

#define FEATURE(bit) (UINT64_C(1) << (bit))

struct rig_options {
    uint32_t region_bytes; /* of each of the guest's two regions */
    uint32_t ring_size;
    uint16_t start;
    uint64_t without; /* features that are offered and not accepted */
    uint32_t blocks;
    uint32_t cells;
    uint32_t queue_capacity;
    bool extended;
    bool read_only;
    bool watched; /* somebody looks at the ring, as a VMM does */
};

/* Ring of 8, 2048 sectors, 16 cells, 16 slots, indirect tables, write cache; no EVENT_IDX. */
extern const struct rig_options rig_usual;

struct rig {
    uint8_t high[RAM_BYTES];
    uint8_t gap[4096]; /* no region runs on into the other */
    uint8_t low[RAM_BYTES];
    struct driver driver;
    struct device_disk disk;
    struct block_client_config config;
    struct virtio_blk device;
    uint32_t used_interrupts; /* all that were asked for */
    uint32_t config_interrupts;
};

extern struct rig rig;

/* The device up to where its driver has it: features negotiated, queue live, DRIVER_OK. */
void rig_start(const struct rig_options *options);
/* The same up to the queue, without DRIVER_OK. */
void rig_prepare(const struct rig_options *options);
/* The same up to the features, without a queue. */
void rig_offer_features(const struct rig_options *options);

/* One step of the device. */
struct virtio_effects rig_step(void);
/* Steps until the device asks for nothing, nothing being answered meanwhile. The disk has taken what was requested. */
void rig_hold(void);
/* Steps and answers until nothing is under way. */
void rig_settle(void);
/* The same, the youngest request answered first. */
void rig_settle_backwards(void);

/*
 * A request of three descriptors in slot 0..20 of a ring of 64: descriptors 3 * slot and following, in an arena of its
 * own. It is written, not submitted. Data of a write is `fill` throughout.
 */
void rig_request(uint32_t slot, uint32_t type, uint64_t sector, uint32_t data_bytes, uint8_t fill);
/* The same, and made available (not yet visible: driver_publish). */
void rig_offer(uint32_t slot, uint32_t type, uint64_t sector, uint32_t data_bytes, uint8_t fill);
uint64_t rig_data(uint32_t slot);
uint8_t rig_status(uint32_t slot);

void rig_header(uint64_t gpa, uint32_t type, uint64_t sector);
/* Whether these sectors hold what they held at first. */
bool rig_sectors_untouched(uint64_t sector, uint64_t count);
bool rig_sector_is(uint64_t sector, uint8_t fill);
