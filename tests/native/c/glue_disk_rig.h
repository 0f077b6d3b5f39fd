/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Around a VMM whose table has disks, one or several: their virtualisers, and the guest's drivers, which read their
 * registers from a page and write them by stores that trap. Memory, pages, queues and data regions are where the table
 * says. What follows is about the disk that was chosen last, at first the table's first.
 */
#pragma once

#include <sdfgen/block_queue.h>
#include <sdfgen/vmm_config.h>
#include <sdfgen/vmm_virtio_blk.h>

#include "driver_side.h"
#include "glue_fake.h"

/* The VMM's table. */
#ifndef VMM_TABLE
#define VMM_TABLE (&vmm_config)
#endif
#define GUEST (&VMM_TABLE->guest)
#define TIMER VMM_TABLE->guest.timer.channel
#define VIRT disk->row->channel
#define INTID disk->row->intid
#define REGISTERS disk->row->gpa
#define STARTED "guest_init linux_setup_images guest_start "
#define CAPACITY_BLOCKS 256u
#define RING 8u
#define MAX_DISKS 2u
/* Of the guest's memory, from the start, for each disk's driver. */
#define SHARE_BYTES 0x10000u

struct disk {
    const struct vmm_device *row;
    struct sddf_blk_storage_info *info;
    uint8_t *data;
    struct block_request_reader requests;
    struct block_response_writer responses;
    struct driver driver;
    const uint32_t *page;
    struct virtio_mmio *mmio; /* the VMM's own */
    uint64_t share;           /* where its driver's memory begins in the guest's */
};

static struct disk disks[MAX_DISKS];
static uint32_t disk_count;
static struct disk *disk = disks;
static struct guest_timer_page *wake;

static inline void choose(uint32_t index)
{
    CHECK(index < disk_count);
    disk = &disks[index];
}

/* The guest sees what the registers are. */
static inline void check_page(void)
{
    for (uint64_t i = 0; i < disk->row->size_bytes / sizeof(uint32_t); i++) {
        CHECK(disk->page[i] == virtio_mmio_read(disk->mmio, i * sizeof(uint32_t), sizeof(uint32_t)));
    }
}

static inline void map_disk(const struct vmm_device *row)
{
    const struct vmm_virtio_blk_config *config = row->config;
    const struct block_connection *connection = &config->client.connection;
    const uint32_t capacity = connection->queue_capacity;
    CHECK(disk_count < MAX_DISKS);
    struct disk *added = &disks[disk_count];
    *added = (struct disk){
        .row = row,
        .page = fake_map(config->registers_vaddr, row->size_bytes),
        .info = fake_map(connection->storage_info_vaddr, SDDF_BLK_BLOCK_BYTES),
        .data = fake_map(config->client.data.vaddr, config->client.data.size_bytes),
        .mmio = &((struct vmm_virtio_blk *)row->state)->virtio.registers,
        .share = (uint64_t)disk_count * SHARE_BYTES,
    };
    block_request_reader_init(&added->requests,
                              fake_map(connection->request_vaddr, SDDF_BLK_REQUEST_QUEUE_BYTES(capacity)), capacity);
    block_response_writer_init(&added->responses,
                               fake_map(connection->response_vaddr, SDDF_BLK_RESPONSE_QUEUE_BYTES(capacity)), capacity);
    disk_count++;
}

static inline void map_regions(void)
{
    fake_map(GUEST->ram_vaddr, GUEST->ram_size_bytes);
    wake = fake_map(GUEST->timer.page_vaddr, SDDF_BLK_BLOCK_BYTES);
    for (uint32_t i = 0; i < VMM_TABLE->device_count; i++) {
        if (VMM_TABLE->devices[i].kind == &vmm_virtio_blk_kind) {
            map_disk(&VMM_TABLE->devices[i]);
        }
    }
}

static inline void publish_disk(void)
{
    disk->info->sector_bytes = 512;
    disk->info->block_size = 1;
    disk->info->queue_depth = 8;
    disk->info->capacity_blocks = CAPACITY_BLOCKS;
    shared_store_release_u8(&disk->info->ready, 1);
}

static inline void publish_disks(void)
{
    for (uint32_t i = disk_count; i-- > 0;) {
        choose(i);
        publish_disk();
    }
}

static inline void boot(void)
{
    map_regions();
    publish_disks();
    init();
    CHECK(strcmp(fake.log, STARTED) == 0);
    check_page();
}

/* What the guest has there, in the chosen driver's share. */
static inline uint8_t *at(uint64_t gpa)
{
    return driver_at(&disk->driver, gpa + disk->share);
}

static inline uint32_t get(uint64_t offset)
{
    return disk->page[offset / sizeof(uint32_t)];
}

static inline void set(uint64_t offset, uint32_t value)
{
    CHECK(guest_store(REGISTERS + offset, 4, value | UINT64_C(0xa5a5a5a500000000)));
    check_page();
}

static inline void set_address(uint64_t offset, uint64_t gpa)
{
    set(offset, (uint32_t)gpa);
    set(offset + 4, (uint32_t)(gpa >> 32));
}

/* An empty ring. */
static inline void make_ring(void)
{
    const uint64_t base = R0 + disk->share;
    disk->driver.geometry = (struct virtq_geometry){ RING, base, base + 0x400, base + 0x800, 0 };
    disk->driver.avail_idx = 0;
    driver_put_u16(&disk->driver, disk->driver.geometry.avail_gpa + 2, 0);
    driver_put_u16(&disk->driver, disk->driver.geometry.used_gpa + 2, 0);
}

/* What Linux does up to DRIVER_OK, with empty memory. */
static inline void start_driver(void)
{
    uint8_t *ram = (uint8_t *)GUEST->ram_vaddr;
    disk->driver = (struct driver){ .memory = { ram, ram + RAM_BYTES }, .region_bytes = RAM_BYTES };
    memset(at(R0), 0, SHARE_BYTES);
    make_ring();
    set(VIRTIO_MMIO_STATUS, 0);
    CHECK(get(VIRTIO_MMIO_STATUS) == 0);
    set(VIRTIO_MMIO_STATUS, 3);
    set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    set(VIRTIO_MMIO_DRIVER_FEATURES, 1);
    set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    set(VIRTIO_MMIO_DRIVER_FEATURES, 1u << VIRTIO_BLK_F_FLUSH | 1u << VIRTIO_BLK_F_CONFIG_WCE |
                                         1u << VIRTIO_F_INDIRECT_DESC);
    set(VIRTIO_MMIO_STATUS, 11);
    CHECK(get(VIRTIO_MMIO_STATUS) == 11);
    set(VIRTIO_MMIO_QUEUE_SEL, 0);
    CHECK(get(VIRTIO_MMIO_QUEUE_NUM_MAX) >= RING);
    set(VIRTIO_MMIO_QUEUE_NUM, RING);
    set_address(VIRTIO_MMIO_QUEUE_DESC_LOW, disk->driver.geometry.desc_gpa);
    set_address(VIRTIO_MMIO_QUEUE_DRIVER_LOW, disk->driver.geometry.avail_gpa);
    set_address(VIRTIO_MMIO_QUEUE_DEVICE_LOW, disk->driver.geometry.used_gpa);
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 1);
    set(VIRTIO_MMIO_STATUS, 15);
    CHECK(get(VIRTIO_MMIO_STATUS) == 15);
}

static inline void run(void)
{
    boot();
    guest_enable(INTID);
    start_driver();
}

/* A read of the first block into DATA, with descriptors from `first` on, of which no kick tells. */
static inline void offer_read(uint16_t first)
{
    const uint32_t header[4] = { VIRTIO_BLK_T_IN, 0, 0, 0 };
    const struct virtq_desc descs[] = {
        { HEADER + disk->share, 16, NEXT, (uint16_t)(first + 1) },
        { DATA + disk->share, 512, NEXT_WRITE, (uint16_t)(first + 2) },
        { STATUS + disk->share, 1, WRITE, 0 },
    };
    memcpy(at(HEADER), header, sizeof(header));
    *at(STATUS) = 0xff;
    driver_chain(&disk->driver, first, descs, 3);
    driver_submit(&disk->driver, first);
}

static inline void submit_read(uint16_t first)
{
    offer_read(first);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
}

/* Its virtualiser takes one read, answers it with bytes of that value, and notifies. */
static inline void virtualiser_answers(uint8_t value)
{
    struct sddf_blk_request request;
    CHECK(block_queue_filled(&disk->requests.end) > 0);
    block_request_take(&disk->requests, &request);
    CHECK(request.code == SDDF_BLK_READ && request.block_number == 0 && request.block_count == 1);
    memset(disk->data + request.io_or_offset, value, SDDF_BLK_BLOCK_BYTES);
    const struct sddf_blk_response response = { .status = SDDF_BLK_OK, .success_count = 1, .id = request.id };
    block_queue_publish(&disk->requests.end);
    block_response_put(&disk->responses, &response);
    block_queue_publish(&disk->responses.end);
    notified(VIRT);
    check_page();
}

static inline void acknowledge_used(void)
{
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_USED);
    set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_USED);
}
