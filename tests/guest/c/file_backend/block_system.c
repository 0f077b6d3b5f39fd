/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "block_system.h"

#include <sys/mman.h>

#define DRIVER_CHANNEL 0u
/* More than all clients together may have under way. */
#define DRIVER_CAPACITY 512u
/* Io addresses that are nobody's pointers, so that a missing translation is seen. */
#define FIRST_IO_BASE 0x100000000u
#define IO_BASE_STEP 0x10000000u

static uintptr_t new_memory(size_t size_bytes)
{
    void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? 0 : (uintptr_t)memory;
}

static bool make_connection(struct block_connection *connection, uint32_t channel, uint32_t capacity)
{
    *connection = (struct block_connection){
        .storage_info_vaddr = new_memory(sizeof(struct sddf_blk_storage_info)),
        .request_vaddr = new_memory(SDDF_BLK_REQUEST_QUEUE_BYTES(capacity)),
        .response_vaddr = new_memory(SDDF_BLK_RESPONSE_QUEUE_BYTES(capacity)),
        .queue_capacity = capacity,
        .channel = channel,
        .extended = true,
    };
    return connection->storage_info_vaddr != 0 && connection->request_vaddr != 0 && connection->response_vaddr != 0;
}

/* Region 0 is the virtualiser's own. */
static bool make_region(struct block_system *system, uint32_t index, struct block_virt_data_region *data)
{
    system->io_bases[index] = FIRST_IO_BASE + (uint64_t)index * IO_BASE_STEP;
    *data = (struct block_virt_data_region){
        .vaddr = new_memory(BLOCK_SYSTEM_DATA_BYTES),
        .size_bytes = BLOCK_SYSTEM_DATA_BYTES,
        .io_base = &system->io_bases[index],
    };
    uint8_t *memory = (uint8_t *)data->vaddr;
    system->regions[index] = (struct file_disk_region){system->io_bases[index], data->size_bytes, memory};
    return data->vaddr != 0;
}

static bool make_client(struct block_system *system, uint32_t index, const struct block_system_client *client)
{
    struct block_virt_client *virt_client = &system->virt_clients[index];
    virt_client->name = client->name;
    virt_client->partition = client->partition;
    virt_client->read_only = client->read_only;
    if (!make_connection(&virt_client->connection, DRIVER_CHANNEL + 1 + index, BLOCK_SYSTEM_CAPACITY) ||
        !make_region(system, index + 1, &virt_client->data)) {
        return false;
    }
    system->clients[index].connection = virt_client->connection;
    system->clients[index].data.vaddr = virt_client->data.vaddr;
    system->clients[index].data.size_bytes = virt_client->data.size_bytes;
    return true;
}

static void attach_disk(struct block_system *system)
{
    const struct block_connection *connection = &system->config.driver.connection;
    system->disk.regions = system->regions;
    system->disk.region_count = system->client_count + 1;
    file_disk_attach(&system->disk, (volatile struct sddf_blk_storage_info *)connection->storage_info_vaddr,
                     connection->queue_capacity,
                     (volatile struct sddf_blk_request_queue *)connection->request_vaddr,
                     (volatile struct sddf_blk_response_queue *)connection->response_vaddr);
}

bool block_system_init(struct block_system *system, const struct block_system_client *clients, uint32_t client_count,
                       const struct file_disk_options *disk)
{
    system->client_count = client_count;
    system->config.clients = system->virt_clients;
    system->config.client_count = client_count;
    if (!file_disk_open(&system->disk, disk) ||
        !make_connection(&system->config.driver.connection, DRIVER_CHANNEL, DRIVER_CAPACITY) ||
        !make_region(system, 0, &system->config.driver.data)) {
        return false;
    }
    for (uint32_t i = 0; i < client_count; i++) {
        if (!make_client(system, i, &clients[i])) {
            return false;
        }
    }
    attach_disk(system);
    block_virt_init(&system->virt, &system->config);
    return true;
}

bool block_system_step(struct block_system *system)
{
    uint64_t notified = block_virt_step(&system->virt, 0);
    bool done = file_disk_step(&system->disk);
    return done || notified != 0;
}
