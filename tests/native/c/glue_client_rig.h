/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Around the client VMM of the two-client system: the virtualiser, and the guest's driver, which reads its registers
 * from a page and writes them by stores that trap. Its memory, that page, the queues and the data region are where the
 * generated table says.
 */
#pragma once

#include <sdfgen/blk_queue.h>
#include <sdfgen/virtio_blk.h>
#include <sdfgen/virtio_mmio.h>
#include <sdfgen/vmm_config.h>

#include "driver_side.h"
#include "glue_fake.h"

#define CONFIG (&client_vmm_config)
#define CONNECTION (&client_vmm_config.blk.connection)
#define VIRT client_vmm_config.blk.connection.channel
#define INTID client_vmm_config.virtio_blk.intid
#define TIMER client_vmm_config.guest.timer.channel
#define PAGE_WORDS (client_vmm_config.virtio_blk.size_bytes / sizeof(uint32_t))
#define CAPACITY_BLOCKS 256u
#define RING 8u

static struct sddf_blk_storage_info *info;
static uint8_t *data;
static struct blk_request_reader requests;
static struct blk_response_writer responses;
static struct driver driver;
static const uint32_t *page;
static struct guest_timer_page *wake;
static struct virtio_mmio *mmio; /* the VMM's own */

/* Calls of virtio_mmio_init come here (ld --wrap). */
void __real_virtio_mmio_init(struct virtio_mmio *registers, const struct virtio_device_ops *ops, void *device);
void __wrap_virtio_mmio_init(struct virtio_mmio *registers, const struct virtio_device_ops *ops, void *device);

void __wrap_virtio_mmio_init(struct virtio_mmio *registers, const struct virtio_device_ops *ops, void *device)
{
    mmio = registers;
    __real_virtio_mmio_init(registers, ops, device);
}

/* The guest sees what the registers are. */
static inline void check_page(void)
{
    for (uint64_t i = 0; i < PAGE_WORDS; i++) {
        CHECK(page[i] == virtio_mmio_read(mmio, i * sizeof(uint32_t), sizeof(uint32_t)));
    }
}

static inline void map_regions(void)
{
    const uint32_t capacity = CONNECTION->queue_capacity;
    fake_map(CONFIG->guest.ram_vaddr, CONFIG->guest.ram_size_bytes);
    page = fake_map(CONFIG->virtio_blk_vaddr, CONFIG->virtio_blk.size_bytes);
    wake = fake_map(CONFIG->guest.timer.page_vaddr, SDDF_BLK_BLOCK_BYTES);
    info = fake_map(CONNECTION->storage_info_vaddr, SDDF_BLK_BLOCK_BYTES);
    data = fake_map(CONFIG->blk.data.vaddr, CONFIG->blk.data.size_bytes);
    blk_request_reader_init(&requests, fake_map(CONNECTION->request_vaddr, SDDF_BLK_REQUEST_QUEUE_BYTES(capacity)),
                            capacity);
    blk_response_writer_init(&responses, fake_map(CONNECTION->response_vaddr, SDDF_BLK_RESPONSE_QUEUE_BYTES(capacity)),
                             capacity);
}

static inline void publish_disk(void)
{
    info->sector_bytes = 512;
    info->block_size = 1;
    info->queue_depth = 8;
    info->capacity_blocks = CAPACITY_BLOCKS;
    shared_store_release_u8(&info->ready, 1);
}

static inline void boot(void)
{
    map_regions();
    publish_disk();
    init();
    CHECK(strcmp(fake.log, "guest_init linux_setup_images guest_start ") == 0);
    check_page();
}

static inline uint32_t get(uint64_t offset)
{
    return page[offset / sizeof(uint32_t)];
}

static inline void set(uint64_t offset, uint32_t value)
{
    CHECK(guest_store(CONFIG->virtio_blk.gpa + offset, 4, value | UINT64_C(0xa5a5a5a500000000)));
    check_page();
}

static inline void set_address(uint64_t offset, uint64_t gpa)
{
    set(offset, (uint32_t)gpa);
    set(offset + 4, (uint32_t)(gpa >> 32));
}

/* What Linux does up to DRIVER_OK. */
static inline void start_driver(void)
{
    uint8_t *ram = (uint8_t *)CONFIG->guest.ram_vaddr;
    driver_init(&driver, ram, ram + RAM_BYTES, RAM_BYTES, RING);
    set(VIRTIO_MMIO_STATUS, 0);
    CHECK(get(VIRTIO_MMIO_STATUS) == 0);
    set(VIRTIO_MMIO_STATUS, 3);
    set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
    set(VIRTIO_MMIO_DRIVER_FEATURES, 1);
    set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    set(VIRTIO_MMIO_DRIVER_FEATURES, 1u << VIRTIO_BLK_F_FLUSH | 1u << VIRTIO_BLK_F_CONFIG_WCE);
    set(VIRTIO_MMIO_STATUS, 11);
    CHECK(get(VIRTIO_MMIO_STATUS) == 11);
    set(VIRTIO_MMIO_QUEUE_SEL, 0);
    CHECK(get(VIRTIO_MMIO_QUEUE_NUM_MAX) >= RING);
    set(VIRTIO_MMIO_QUEUE_NUM, RING);
    set_address(VIRTIO_MMIO_QUEUE_DESC_LOW, driver.geometry.desc_gpa);
    set_address(VIRTIO_MMIO_QUEUE_DRIVER_LOW, driver.geometry.avail_gpa);
    set_address(VIRTIO_MMIO_QUEUE_DEVICE_LOW, driver.geometry.used_gpa);
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

/* A read of the first block into DATA, with descriptors from `first` on. */
static inline void submit_read(uint16_t first)
{
    const uint32_t header[4] = { VIRTIO_BLK_T_IN, 0, 0, 0 };
    const struct virtq_desc descs[] = {
        { HEADER, 16, NEXT, (uint16_t)(first + 1) },
        { DATA, 512, NEXT_WRITE, (uint16_t)(first + 2) },
        { STATUS, 1, WRITE, 0 },
    };
    driver_write(&driver, HEADER, header, sizeof(header));
    driver_fill(&driver, STATUS, 0xff, 1);
    driver_chain(&driver, first, descs, 3);
    driver_submit(&driver, first);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
}

/* The virtualiser takes one read, answers it with bytes of that value, and notifies. */
static inline void virtualiser_answers(uint8_t value)
{
    struct sddf_blk_request request;
    CHECK(blk_queue_filled(&requests.end) > 0);
    blk_request_take(&requests, &request);
    CHECK(request.code == SDDF_BLK_READ && request.block_number == 0 && request.block_count == 1);
    memset(data + request.io_or_offset, value, SDDF_BLK_BLOCK_BYTES);
    const struct sddf_blk_response response = { .status = SDDF_BLK_OK, .success_count = 1, .id = request.id };
    blk_queue_publish(&requests.end);
    blk_response_put(&responses, &response);
    blk_queue_publish(&responses.end);
    notified(VIRT);
    check_page();
}

static inline void acknowledge_used(void)
{
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_USED);
    set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_USED);
}
