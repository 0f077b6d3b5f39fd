/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Register accesses, as a hostile guest would make them: any offset, width and value, in any order, over the block
 * device, with guest memory that changes between them and a disk that answers late, wrongly or not at all.
 *
 * An input is a list of steps, each a byte and its operands.
 */
#include <sdfgen/virtio_blk_ops.h>
#include <sdfgen/virtio_mmio.h>

#include "../c/device_disk.h"
#include "../c/driver_side.h"
#include "fuzz_input.h"

#define MEMORY_BYTES 0x8000u /* each of the two regions */
#define BLOCKS 4u
#define CELLS 4u
#define QUEUE_CAPACITY 4u
#define SECTORS_AND_BEYOND 40u
#define RING 8u
#define RUNNING 15u

static _Alignas(8) uint8_t memory[2][MEMORY_BYTES];
static struct fuzz_memory rewritten = { memory[0], sizeof(memory) };
static struct driver driver;
static struct device_disk disk;
static struct device_disk fresh_disk; /* as it is at first */
static struct block_client_config config;
static struct virtio_blk block;
static struct virtio_mmio mmio;

static uint32_t status(void)
{
    return (uint32_t)virtio_mmio_read(&mmio, VIRTIO_MMIO_STATUS, 4);
}

static void access_write(uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    const bool resets = offset == VIRTIO_MMIO_STATUS && width_bytes == 4;
    const uint32_t before = status();
    virtio_mmio_write(&mmio, offset, width_bytes, value);
    CHECK(resets || (status() & before) == before);
}

static void set(uint64_t offset, uint64_t value)
{
    access_write(offset, 4, (uint32_t)value);
}

static void set_address(uint64_t offset, uint64_t gpa)
{
    set(offset, gpa);
    set(offset + 4, gpa >> 32);
}

static void start_driver(struct fuzz_input *input)
{
    const uint64_t without = fuzz_take(input, 1) << VIRTIO_F_INDIRECT_DESC;
    const uint64_t features = virtio_blk_features(&block) & ~without;
    driver_ring(&driver, RING, 0);
    set(VIRTIO_MMIO_STATUS, 0);
    set(VIRTIO_MMIO_STATUS, 3);
    for (uint32_t half = 0; half < 2; half++) {
        set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
        set(VIRTIO_MMIO_DRIVER_FEATURES, features >> 32 * half);
    }
    set(VIRTIO_MMIO_STATUS, 11);
    set(VIRTIO_MMIO_QUEUE_SEL, 0);
    set(VIRTIO_MMIO_QUEUE_NUM, RING);
    set_address(VIRTIO_MMIO_QUEUE_DESC_LOW, driver.geometry.desc_gpa);
    set_address(VIRTIO_MMIO_QUEUE_DRIVER_LOW, driver.geometry.avail_gpa);
    set_address(VIRTIO_MMIO_QUEUE_DEVICE_LOW, driver.geometry.used_gpa);
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    set(VIRTIO_MMIO_STATUS, RUNNING);
}

static void write_register(struct fuzz_input *input)
{
    const uint64_t offset = 4 * fuzz_take(input, 1) % VIRTIO_MMIO_CONFIG;
    set(offset, fuzz_take(input, 4));
}

static void write_anywhere(struct fuzz_input *input)
{
    const uint64_t offset = fuzz_take(input, 2);
    const uint32_t width_bytes = 1u << fuzz_take(input, 1) % 4;
    access_write(offset, width_bytes, fuzz_take(input, 8));
}

static void read_anywhere(struct fuzz_input *input)
{
    const uint64_t offset = fuzz_take(input, 2) % 0x400;
    const uint32_t width_bytes = 1u << fuzz_take(input, 1) % 4;
    const uint64_t value = virtio_mmio_read(&mmio, offset, width_bytes);
    CHECK(width_bytes == 8 || value >> 8 * width_bytes == 0);
    CHECK(offset >= VIRTIO_MMIO_CONFIG || (offset % 4 == 0 && width_bytes == 4) || value == 0);
}

static void notify_queue(struct fuzz_input *input)
{
    set(VIRTIO_MMIO_QUEUE_NOTIFY, fuzz_take(input, 1) % 2);
}

static void step(struct fuzz_input *input)
{
    (void)input;
    virtio_mmio_step(&mmio);
}

static void disk_answers(struct fuzz_input *input)
{
    const uint32_t which = (uint32_t)fuzz_take(input, 1);
    const uint32_t code = (uint32_t)fuzz_take(input, 1) % 8;
    disk_take(&disk);
    if (!disk_can_answer(&disk)) {
        return;
    }
    if (code < 4) {
        disk_answer(&disk, which % disk.held_count);
    } else {
        disk_fail(&disk, which % disk.held_count, code - 3, 0);
    }
}

static void change_memory(struct fuzz_input *input)
{
    const uint64_t offset = fuzz_take(input, 2) % (2 * MEMORY_BYTES - 8);
    const uint64_t value = fuzz_take(input, 8);
    driver_write(&driver, R0 + offset, &value, sizeof(value));
}

static void offer_request(struct fuzz_input *input)
{
    const uint16_t first = (uint16_t)(fuzz_take(input, 1) % RING);
    const uint32_t type = (uint32_t)fuzz_take(input, 1) % 16;
    const uint32_t sector = (uint32_t)fuzz_take(input, 1) % SECTORS_AND_BEYOND;
    const uint16_t data_flags = (uint16_t)(fuzz_take(input, 1) % 8 | NEXT);
    const uint32_t data_bytes = 512 * ((uint32_t)fuzz_take(input, 1) % 32);
    const uint32_t header[4] = { type, 0, sector, 0 };
    const struct virtq_desc descs[3] = {
        { HEADER, 16, NEXT, (uint16_t)((first + 1) % RING) },
        { DATA, data_bytes, data_flags, (uint16_t)((first + 2) % RING) },
        { STATUS, 1, WRITE, 0 },
    };
    driver_write(&driver, HEADER, header, sizeof(header));
    for (uint32_t i = 0; i < 3; i++) {
        driver_chain(&driver, (first + i) % RING, &descs[i], 1);
    }
    driver_submit(&driver, first);
}

static void (*const steps[])(struct fuzz_input *input) = {
    start_driver, write_register, write_anywhere, read_anywhere, notify_queue,
    step,         disk_answers,   change_memory,  offer_request,
};

/* Quicker than disk_init(). */
static void refresh_disk(void)
{
    const size_t used_bytes = (size_t)BLOCKS * SDDF_BLK_BLOCK_BYTES;
    memcpy(&disk, &fresh_disk, offsetof(struct device_disk, data));
    memcpy(disk.data, fresh_disk.data, (size_t)CELLS * SDDF_BLK_BLOCK_BYTES);
    memcpy(disk.bytes, fresh_disk.bytes, used_bytes);
    memcpy(disk.durable, fresh_disk.durable, used_bytes);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    disk_init(&disk, BLOCKS, CELLS, QUEUE_CAPACITY);
    memcpy(&fresh_disk, &disk, sizeof(disk));
    fuzz_start_rewriting(&rewritten);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    struct fuzz_input input = { bytes, size_bytes };
    driver_init(&driver, memory[0], memory[1], MEMORY_BYTES, RING);
    refresh_disk();
    config = disk_client(&disk, true);
    virtio_blk_init(&block, &config, &driver.ram);
    CHECK(virtio_blk_ready(&block));
    virtio_mmio_init(&mmio, &virtio_blk_ops, &block);
    while (input.size_bytes > 0) {
        steps[fuzz_take(&input, 1) % (sizeof(steps) / sizeof(steps[0]))](&input);
        const bool pending = virtio_mmio_read(&mmio, VIRTIO_MMIO_INTERRUPT_STATUS, 4) != 0;
        CHECK(virtio_mmio_interrupt(&mmio) == pending);
    }
    return 0;
}
