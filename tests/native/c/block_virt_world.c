/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <sdfgen/cache.h>

#include "block_virt_account.h"
#include "block_virt_world.h"
#include "unit.h"

#define SECTORS_PER_BLOCK 8u
#define FIRST_PARTITION_BLOCK 8u
#define PARTITION_BLOCKS 1000u
#define IO_BASE_STEP 0x10000000u

struct world world;
_Alignas(4096) uint8_t world_disk[WORLD_DISK_BLOCKS][SDDF_BLK_BLOCK_BYTES];
_Alignas(4096) uint8_t world_driver_data[SDDF_BLK_BLOCK_BYTES];
_Alignas(4096) uint8_t world_data[BLOCK_MAX_CLIENTS][WORLD_DATA_BLOCKS][SDDF_BLK_BLOCK_BYTES];

static void note_cache_call(bool invalidate, uintptr_t vaddr, size_t size_bytes)
{
    if (world.cache_call_count < WORLD_CACHE_CALLS) {
        world.cache_calls[world.cache_call_count] = (struct world_cache_call) { invalidate, vaddr, size_bytes };
    }
    world.cache_call_count++;
}

void cache_clean_range(uintptr_t vaddr, size_t size_bytes)
{
    note_cache_call(false, vaddr, size_bytes);
}

void cache_clean_and_invalidate_range(uintptr_t vaddr, size_t size_bytes)
{
    note_cache_call(true, vaddr, size_bytes);
}

static void store_le32(uint8_t *bytes, uint32_t value)
{
    for (uint32_t i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
}

void world_mbr_entry(uint32_t index, uint32_t first_block, uint32_t block_count)
{
    uint8_t *entry = &world_disk[0][446 + 16 * index];
    entry[4] = block_count != 0 ? 0x83 : 0;
    store_le32(entry + 8, first_block * SECTORS_PER_BLOCK);
    store_le32(entry + 12, block_count * SECTORS_PER_BLOCK);
    world_disk[0][510] = 0x55;
    world_disk[0][511] = 0xaa;
}

static struct block_connection connect(struct world_queues *shared, uint32_t capacity, uint32_t channel)
{
    return (struct block_connection) {
        .storage_info_vaddr = (uintptr_t)&shared->info,
        .request_vaddr = (uintptr_t)shared->request_bytes,
        .response_vaddr = (uintptr_t)shared->response_bytes,
        .queue_capacity = capacity,
        .channel = channel,
        .extended = true,
    };
}

static void set_up_client(uint32_t index, uint32_t capacity)
{
    struct world_client *client = &world.clients[index];
    client->io_base = UINT64_C(0x100000000) + (uint64_t)IO_BASE_STEP * index;
    world.client_configs[index] = (struct block_virt_client) {
        .name = "client",
        .connection = connect(&client->shared, capacity, index),
        .data = {
            .vaddr = (uintptr_t)world_data[index],
            .size_bytes = sizeof(world_data[index]),
            .io_base = &client->io_base,
        },
        .partition = index,
    };
}

void world_set_up(uint32_t client_count, uint32_t capacity)
{
    memset(&world, 0, sizeof(world));
    memset(world_disk[0], 0, sizeof(world_disk[0]));
    world.driver_io_base = IO_BASE_STEP;
    for (uint32_t i = 0; i < client_count; i++) {
        set_up_client(i, capacity);
    }
    for (uint32_t i = 0; i < 4; i++) {
        world_mbr_entry(i, FIRST_PARTITION_BLOCK + i * PARTITION_BLOCKS, PARTITION_BLOCKS);
    }
    world.config = (struct block_virt_config) {
        .driver = {
            .connection = connect(&world.driver, WORLD_CAPACITY, WORLD_DRIVER_CHANNEL),
            .data = {
                .vaddr = (uintptr_t)world_driver_data,
                .size_bytes = sizeof(world_driver_data),
                .io_base = &world.driver_io_base,
            },
        },
        .clients = world.client_configs,
        .client_count = client_count,
    };
}

void world_begin(void)
{
    uint32_t capacity = world.config.driver.connection.queue_capacity;
    block_virt_init(&world.virt, &world.config);
    block_request_reader_init(&world.driver_requests, world_requests(&world.driver), capacity);
    block_response_writer_init(&world.driver_responses, world_responses(&world.driver), capacity);
    for (uint32_t i = 0; i < world.config.client_count; i++) {
        struct world_client *client = &world.clients[i];
        uint32_t slots = world.client_configs[i].connection.queue_capacity;
        block_request_writer_init(&client->requests, world_requests(&client->shared), slots);
        block_response_reader_init(&client->responses, world_responses(&client->shared), slots);
    }
    world_step();
}

void world_driver_ready(void)
{
    struct sddf_blk_storage_info *info = &world.driver.info;
    info->sector_bytes = 512;
    info->capacity_blocks = WORLD_DISK_BLOCKS;
    shared_store_release_u8(&info->ready, 1);
}

void world_serve(uint32_t client_count, uint32_t capacity)
{
    world_set_up(client_count, capacity);
    world_begin();
    world_driver_ready();
    world_run();
}

void world_be_resilient(uint32_t timeout_ms)
{
    world.config.timeout_ms = timeout_ms;
    world.config.driver.connection.resilient = true;
    for (uint32_t i = 0; i < world.config.client_count; i++) {
        world.client_configs[i].connection.resilient = true;
    }
}

void world_driver_start(void)
{
    volatile struct sddf_blk_request_queue *requests = world_requests(&world.driver);
    uint32_t capacity = world.config.driver.connection.queue_capacity;
    shared_store_release_u8(&world.driver.info.ready, 0);
    requests->head = requests->tail;
    world.driver.start = ((world.driver.start >> 32) + 1) << 32 | requests->tail;
    block_request_reader_init(&world.driver_requests, requests, capacity);
    block_response_writer_init(&world.driver_responses, world_responses(&world.driver), capacity);
}

/* What is in flight is what is not answered, whoever came and went. */
static void check_account(void)
{
    const char *fault = account_fault(&world.virt);
    if (fault != NULL) {
        fprintf(stderr, "the account of %s is wrong\n", fault);
    }
    CHECK(fault == NULL);
}

uint64_t world_step_notified(uint64_t channels)
{
    world.notified = block_virt_step_notified(&world.virt, channels, world.now_ms);
    world.driver_notifications += world.notified >> WORLD_DRIVER_CHANNEL & 1;
    check_account();
    return world.notified;
}

uint64_t world_step(void)
{
    return world_step_notified(UINT64_MAX);
}

uint64_t world_step_at(uint64_t now_ms)
{
    world.now_ms = now_ms;
    return world_step();
}

void world_ask(uint32_t client, struct sddf_blk_request request)
{
    block_request_put(&world.clients[client].requests, &request);
    block_queue_publish(&world.clients[client].requests.end);
}

bool world_hear(uint32_t client, struct sddf_blk_response *response)
{
    struct block_response_reader *reader = &world.clients[client].responses;
    if (block_queue_filled(&reader->end) == 0) {
        return false;
    }
    block_response_take(reader, response);
    block_queue_publish(&reader->end);
    return true;
}

bool world_driver_take(struct sddf_blk_request *request)
{
    if (block_queue_filled(&world.driver_requests.end) == 0) {
        return false;
    }
    block_request_take(&world.driver_requests, request);
    block_queue_publish(&world.driver_requests.end);
    return true;
}

/* Where an io address lies; the regions are far apart. */
static uint8_t *at_io_address(uint64_t io_address)
{
    if (io_address >= world.driver_io_base && io_address - world.driver_io_base < sizeof(world_driver_data)) {
        return world_driver_data + (io_address - world.driver_io_base);
    }
    for (uint32_t i = 0; i < world.config.client_count; i++) {
        uint64_t offset = io_address - world.clients[i].io_base;
        if (io_address >= world.clients[i].io_base && offset < sizeof(world_data[i])) {
            return &world_data[i][0][0] + offset;
        }
    }
    return NULL;
}

void world_driver_do(const struct sddf_blk_request *request)
{
    size_t size_bytes = (size_t)request->block_count * SDDF_BLK_BLOCK_BYTES;
    if (request->code == SDDF_BLK_READ) {
        memcpy(at_io_address(request->io_or_offset), world_disk[request->block_number], size_bytes);
    } else if (request->code == SDDF_BLK_WRITE) {
        memcpy(world_disk[request->block_number], at_io_address(request->io_or_offset), size_bytes);
    } else if (request->code == SDFGEN_BLOCK_WRITE_ZEROES
               || request->code == SDFGEN_BLOCK_WRITE_ZEROES_UNMAP) {
        memset(world_disk[request->block_number], 0, size_bytes);
    }
}

void world_driver_answer(uint32_t id, uint32_t status, uint16_t success_count)
{
    struct sddf_blk_response response = { .status = status, .success_count = success_count, .id = id };
    block_response_put(&world.driver_responses, &response);
    block_queue_publish(&world.driver_responses.end);
}

uint32_t world_driver_work(uint32_t limit)
{
    struct sddf_blk_request request;
    uint32_t done = 0;
    while (done < limit && world_driver_take(&request)) {
        world_driver_do(&request);
        world_driver_answer(request.id, SDDF_BLK_OK, request.block_count);
        done++;
    }
    return done;
}

void world_run(void)
{
    do {
        world_step();
    } while (world_driver_work(UINT32_MAX) != 0);
}
