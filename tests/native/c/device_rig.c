/* SPDX-License-Identifier: BSD-2-Clause */
#include "device_rig.h"

#define ARENA_BYTES 0x8000u
#define SETTLE_LIMIT 100000u

const struct rig_options rig_usual = {
    .region_bytes = RAM_BYTES,
    .ring_size = 8,
    .without = FEATURE(VIRTIO_F_EVENT_IDX),
    .blocks = 256,
    .cells = 16,
    .queue_capacity = 16,
};

struct rig rig;

void rig_offer_features(const struct rig_options *options)
{
    rig.used_interrupts = 0;
    rig.config_interrupts = 0;
    driver_init(&rig.driver, rig.low, rig.high, options->region_bytes, options->ring_size);
    driver_ring(&rig.driver, options->ring_size, options->start);
    disk_init(&rig.disk, options->blocks, options->cells, options->queue_capacity);
    rig.disk.info.read_only = options->read_only;
    rig.config = disk_client(&rig.disk, options->extended);
    virtio_blk_init(&rig.device, &rig.config, &rig.driver.ram);
    rig.device.watched = options->watched;
    CHECK(virtio_blk_ready(&rig.device));
    virtio_blk_set_features(&rig.device, virtio_blk_features(&rig.device) & ~options->without);
}

void rig_prepare(const struct rig_options *options)
{
    rig_offer_features(options);
    CHECK(virtio_blk_start_queue(&rig.device, &rig.driver.geometry) == VIRTQ_OK);
}

void rig_start(const struct rig_options *options)
{
    rig_prepare(options);
    virtio_blk_driver_ok(&rig.device);
}

struct virtio_effects rig_step(void)
{
    struct virtio_effects effects = virtio_blk_step(&rig.device);
    rig.used_interrupts += effects.used_interrupt;
    rig.config_interrupts += effects.config_interrupt;
    return effects;
}

void rig_hold(void)
{
    struct virtio_effects effects;
    uint32_t steps = 0;
    do {
        effects = rig_step();
        uint32_t before = rig.disk.log_count;
        disk_take(&rig.disk);
        CHECK(effects.notify || rig.disk.log_count == before);
        CHECK(++steps < SETTLE_LIMIT);
    } while (effects.notify || effects.again);
}

void rig_settle(void)
{
    for (rig_hold(); rig.disk.held_count > 0; rig_hold()) {
        while (disk_can_answer(&rig.disk)) {
            disk_answer(&rig.disk, 0);
        }
    }
}

void rig_settle_backwards(void)
{
    for (rig_hold(); rig.disk.held_count > 0; rig_hold()) {
        disk_answer(&rig.disk, rig.disk.held_count - 1);
    }
}

static uint64_t arena(uint32_t slot)
{
    return R1 + (uint64_t)slot * ARENA_BYTES;
}

uint64_t rig_data(uint32_t slot)
{
    return arena(slot) + 0x1000;
}

uint8_t rig_status(uint32_t slot)
{
    return *driver_at(&rig.driver, arena(slot) + 16);
}

void rig_header(uint64_t gpa, uint32_t type, uint64_t sector)
{
    uint32_t words[4] = { type, 0, (uint32_t)sector, (uint32_t)(sector >> 32) };
    driver_write(&rig.driver, gpa, words, sizeof(words));
}

void rig_request(uint32_t slot, uint32_t type, uint64_t sector, uint32_t data_bytes, uint8_t fill)
{
    uint16_t first = (uint16_t)(3 * slot);
    uint16_t data_flags = type == VIRTIO_BLK_T_OUT ? NEXT : NEXT_WRITE;
    const struct virtq_desc descs[] = {
        { arena(slot), 16, NEXT, (uint16_t)(first + 1) },
        { rig_data(slot), data_bytes, data_flags, (uint16_t)(first + 2) },
        { arena(slot) + 16, 1, WRITE, 0 },
    };
    rig_header(arena(slot), type, sector);
    driver_fill(&rig.driver, rig_data(slot), fill, data_bytes);
    driver_fill(&rig.driver, arena(slot) + 16, 0xff, 1);
    driver_chain(&rig.driver, first, descs, 3);
}

void rig_offer(uint32_t slot, uint32_t type, uint64_t sector, uint32_t data_bytes, uint8_t fill)
{
    rig_request(slot, type, sector, data_bytes, fill);
    driver_offer(&rig.driver, (uint16_t)(3 * slot));
}

bool rig_sectors_untouched(uint64_t sector, uint64_t count)
{
    for (uint64_t i = sector * 512; i < (sector + count) * 512; i++) {
        if (rig.disk.bytes[i] != (uint8_t)(i / 512 + i % 512)) {
            return false;
        }
    }
    return true;
}

bool rig_sector_is(uint64_t sector, uint8_t fill)
{
    for (uint64_t i = sector * 512; i < (sector + 1) * 512; i++) {
        if (rig.disk.bytes[i] != fill) {
            return false;
        }
    }
    return true;
}
