/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block path on one core, without a guest and without a disk: a guest's ring, the device, the virtualiser and a
 * driver that answers at once. What is left is what this project's code costs.
 *
 *     datapath device|path  SIZE_BYTES  direct|indirect  RING  DEPTH  REQUESTS
 *
 * `device`: the driver answers the device's sDDF requests itself. `path`: the virtualiser is between them. Prints one
 * line of JSON: requests per second, and for each hop how many notifications a request took.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sdfgen/block_virt.h>
#include <sdfgen/cache.h>
#include <sdfgen/virtio_blk.h>

#include "ring.h"

#define GUEST_GPA 0x40000000u
#define GUEST_BYTES (128u << 20)
#define DATA_BYTES (16u << 20)
#define CAPACITY 1024u
#define DISK_BLOCKS (1u << 20)
#define PARTITION_BLOCK 256u
#define FEATURES                                                                \
    (UINT64_C(1) << VIRTIO_F_INDIRECT_DESC | UINT64_C(1) << VIRTIO_F_EVENT_IDX | \
     UINT64_C(1) << VIRTIO_F_VERSION_1 | UINT64_C(1) << VIRTIO_BLK_F_FLUSH)

/* Two queues and the storage info of one connection. */
struct shared {
    _Alignas(4096) uint8_t info[PAGE_BYTES];
    _Alignas(4096) uint8_t requests[SDDF_BLK_REQUEST_QUEUE_BYTES(CAPACITY)];
    _Alignas(4096) uint8_t responses[SDDF_BLK_RESPONSE_QUEUE_BYTES(CAPACITY)];
};

static struct shared client_side;
static struct shared driver_side;
static _Alignas(4096) uint8_t client_data[DATA_BYTES];
static _Alignas(4096) uint8_t virt_data[1u << 20];
static uint64_t client_io_base;
static uint64_t virt_io_base;

static struct virtio_blk device;
static struct block_virt virt;
static struct guest_ram ram;
static struct ring ring;

/* The null driver's ends, and how often each hop had to wake the next. */
static struct block_request_reader driver_requests;
static struct block_response_writer driver_responses;
static struct {
    uint64_t to_virt, to_driver, from_driver, to_client, interrupts;
} hops;

void cache_clean_range(uintptr_t vaddr, size_t size_bytes)
{
    (void)vaddr;
    (void)size_bytes;
}

void cache_clean_and_invalidate_range(uintptr_t vaddr, size_t size_bytes)
{
    (void)vaddr;
    (void)size_bytes;
}

static struct block_connection connection(struct shared *shared, uint32_t channel)
{
    return (struct block_connection) {
        .storage_info_vaddr = (uintptr_t)shared->info,
        .request_vaddr = (uintptr_t)shared->requests,
        .response_vaddr = (uintptr_t)shared->responses,
        .queue_capacity = CAPACITY,
        .channel = channel,
    };
}

/* One Linux partition from PARTITION_BLOCK to the end of the disk. */
static void write_mbr(uint8_t *sector)
{
    uint32_t first = PARTITION_BLOCK * 8;
    uint32_t count = (DISK_BLOCKS - PARTITION_BLOCK) * 8;
    memset(sector, 0, PAGE_BYTES);
    sector[446 + 4] = 0x83;
    memcpy(sector + 446 + 8, &first, sizeof(first));
    memcpy(sector + 446 + 12, &count, sizeof(count));
    sector[510] = 0x55;
    sector[511] = 0xaa;
}

static void publish_disk(struct shared *shared, uint64_t blocks)
{
    struct sddf_blk_storage_info *info = (struct sddf_blk_storage_info *)(void *)shared->info;
    info->sector_bytes = 512;
    info->block_size = 1;
    info->queue_depth = 256;
    info->capacity_blocks = blocks;
    shared_store_release_u8(&info->ready, 1);
}

/* Answers everything that is queued, without moving data. True when there was something. */
static bool run_driver(void)
{
    uint32_t filled = block_queue_filled(&driver_requests.end);
    for (uint32_t i = 0; i < filled; i++) {
        struct sddf_blk_request request;
        block_request_take(&driver_requests, &request);
        const struct sddf_blk_response response = {
            .status = SDDF_BLK_OK, .success_count = request.block_count, .id = request.id
        };
        block_response_put(&driver_responses, &response);
    }
    block_queue_publish(&driver_requests.end);
    block_queue_publish(&driver_responses.end);
    return filled != 0;
}

/* Runs virtualiser and driver until neither has work. Bit 0 is the driver's channel, bit 1 the client's. */
static void run_below(bool through_virt)
{
    if (!through_virt) {
        hops.from_driver += run_driver();
        return;
    }
    for (uint64_t woken = block_virt_step(&virt, 0); woken != 0;) {
        hops.to_client += woken >> 1 & 1u;
        hops.to_driver += woken & 1u;
        if ((woken & 1u) == 0 || !run_driver()) {
            return;
        }
        hops.from_driver++;
        woken = block_virt_step(&virt, 0);
    }
}

static void set_up_virt(void)
{
    static struct block_virt_client clients[1];
    static struct block_virt_config config;
    clients[0] = (struct block_virt_client) {
        .name = "client",
        .connection = connection(&client_side, 1),
        .data = { (uintptr_t)client_data, DATA_BYTES, &client_io_base, false },
    };
    config = (struct block_virt_config) {
        .driver = { connection(&driver_side, 0), { (uintptr_t)virt_data, sizeof(virt_data), &virt_io_base, false } },
        .clients = clients,
        .client_count = 1,
    };
    client_io_base = 0x80000000;
    virt_io_base = 0x70000000;
    write_mbr(virt_data);
    publish_disk(&driver_side, DISK_BLOCKS);
    block_virt_init(&virt, &config);
    for (int i = 0; i < 16; i++) {
        run_below(true);
    }
}

static void set_up(bool through_virt, uint32_t size_bytes, bool indirect, uint32_t ring_size)
{
    struct shared *below = through_virt ? &driver_side : &client_side;
    const struct block_client_config config = {
        .connection = connection(&client_side, 0), .data = { (uintptr_t)client_data, DATA_BYTES }
    };
    uint8_t *memory = aligned_alloc(PAGE_BYTES, GUEST_BYTES);
    if (memory == NULL || !guest_ram_add(&ram, GUEST_GPA, GUEST_BYTES, memory)) {
        exit(1);
    }
    memset(memory, 0, GUEST_BYTES);
    block_request_reader_init(&driver_requests, (void *)below->requests, CAPACITY);
    block_response_writer_init(&driver_responses, (void *)below->responses, CAPACITY);
    if (through_virt) {
        set_up_virt();
    } else {
        publish_disk(&client_side, DISK_BLOCKS);
    }
    virtio_blk_init(&device, &config, &ram);
    if (!virtio_blk_ready(&device)) {
        fprintf(stderr, "the virtualiser published no disk\n");
        exit(1);
    }
    ring_init(&ring, memory, GUEST_GPA, ring_size, size_bytes, indirect);
    struct virtq_geometry geometry = ring_geometry(&ring);
    virtio_blk_set_features(&device, FEATURES);
    if (virtio_blk_start_queue(&device, &geometry) != VIRTQ_OK) {
        exit(1);
    }
    virtio_blk_driver_ok(&device);
}

/* What one step does is bounded: until there is nothing left to do. */
static void step(bool through_virt)
{
    struct virtio_effects effects;
    do {
        effects = virtio_blk_step(&device);
        hops.interrupts += effects.used_interrupt;
        if (effects.notify) {
            hops.to_virt++;
            run_below(through_virt);
        }
    } while (effects.notify || effects.again);
}

/* Keeps `depth` requests under way until `requests` are done. */
static void run(bool through_virt, uint32_t depth, uint64_t requests)
{
    uint64_t blocks = ring.data_bytes / PAGE_BYTES;
    uint64_t submitted = 0;
    uint64_t done = 0;
    uint32_t vacant[RING_MAX_SIZE];
    uint32_t vacant_count = 0;
    while (vacant_count < depth) {
        vacant[vacant_count] = vacant_count;
        vacant_count++;
    }
    while (done < requests) {
        while (vacant_count > 0 && submitted < requests) {
            uint64_t block = submitted * blocks % (DISK_BLOCKS / 2);
            vacant_count--;
            ring_submit(&ring, vacant[vacant_count], submitted % 2 == 0, block * 8);
            submitted++;
        }
        if (ring_kick(&ring)) {
            step(through_virt);
        }
        for (int slot = ring_complete(&ring); slot >= 0; slot = ring_complete(&ring)) {
            if (ring_status(&ring, (uint32_t)slot) != VIRTIO_BLK_S_OK) {
                fprintf(stderr, "request %llu failed\n", (unsigned long long)done);
                exit(1);
            }
            vacant[vacant_count] = (uint32_t)slot;
            vacant_count++;
            done++;
        }
    }
}

int main(int argc, char **argv)
{
    struct timespec begin;
    struct timespec end;
    if (argc != 7) {
        fprintf(stderr, "usage: datapath device|path SIZE_BYTES direct|indirect RING DEPTH REQUESTS\n");
        return 2;
    }
    bool through_virt = strcmp(argv[1], "path") == 0;
    uint64_t requests = strtoull(argv[6], NULL, 10);
    set_up(through_virt, (uint32_t)strtoul(argv[2], NULL, 10), strcmp(argv[3], "indirect") == 0,
           (uint32_t)strtoul(argv[4], NULL, 10));
    uint32_t depth = (uint32_t)strtoul(argv[5], NULL, 10);
    depth = depth < ring.slots ? depth : ring.slots;
    memset(&hops, 0, sizeof(hops));
    ring.kicks = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    run(through_virt, depth, requests);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    double count = (double)requests;
    printf("{\"depth\": %u, \"requests_per_s\": %.0f, \"kicks\": %.4f, \"to_virt\": %.4f, \"to_driver\": %.4f, "
           "\"from_driver\": %.4f, \"to_client\": %.4f, \"interrupts\": %.4f}\n",
           depth, seconds > 0 ? count / seconds : 0, (double)ring.kicks / count, (double)hops.to_virt / count,
           (double)hops.to_driver / count, (double)hops.from_driver / count, (double)hops.to_client / count,
           (double)hops.interrupts / count);
    return 0;
}
