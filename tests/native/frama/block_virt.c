/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtualiser's steps between two clients and a driver that may say anything: all shared words are volatile here,
 * so that each load gives any value at all. Any number of steps, for any notifications. The partition parser, which
 * block_virt_partition.c is about, is one that may answer anything.
 */
#include <sdfgen/block_virt.h>
#include <sdfgen/cache.h>

#include "any.h"

#define CLIENTS 2u
#define MOST_SLOTS 512u
#define DATA_BLOCKS 512u

struct side {
    struct sddf_blk_storage_info info;
    uint64_t start;
    uint64_t requests[SDDF_BLK_REQUEST_QUEUE_BYTES(MOST_SLOTS) / sizeof(uint64_t)];
    uint64_t responses[SDDF_BLK_RESPONSE_QUEUE_BYTES(MOST_SLOTS) / sizeof(uint64_t)];
};

static volatile struct side sides[CLIENTS + 1];
static volatile uint64_t table_block[PARTITION_BLOCK_BYTES / sizeof(uint64_t)];
static uint8_t data[CLIENTS][DATA_BLOCKS * SDDF_BLK_BLOCK_BYTES];
static uint64_t io_bases[CLIENTS + 1];
static struct block_virt_client clients[CLIENTS];
static struct block_virt_config config;
static struct block_virt virt;

static volatile uint8_t looked_at;

/* Nothing that C looks at; that the ranges lie in their regions is held by the fuzz target. */
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

enum partition_step partition_table_start(struct partition_table *table, uint64_t capacity_blocks,
                                          uint32_t tail_sectors, uint32_t sector_bytes)
{
    (void)capacity_blocks;
    (void)tail_sectors;
    (void)sector_bytes;
    table->read_block = any_u64();
    return any_bool() ? PARTITION_READ : PARTITION_DONE;
}

enum partition_step partition_table_feed(struct partition_table *table, const uint8_t *block)
{
    looked_at = block != NULL ? block[PARTITION_BLOCK_BYTES - 1] : 0;
    return partition_table_start(table, 0, 0, 0);
}

enum partition_code partition_find(const struct partition_table *table, const char *uuid, const char *label,
                                   uint32_t *index)
{
    (void)table;
    (void)uuid;
    (void)label;
    *index = any_u32();
    return any_bool() ? PARTITION_OK : PARTITION_ERR_AMBIGUOUS;
}

struct partition partition_of(const struct partition_table *table, uint32_t index)
{
    (void)table;
    (void)index;
    return (struct partition) { any_bool() ? PARTITION_OK : PARTITION_ERR_MISSING, any_u64(), any_u64() };
}

static struct block_connection connect(uint32_t side)
{
    return (struct block_connection) {
        .storage_info_vaddr = (uintptr_t)&sides[side].info,
        .request_vaddr = (uintptr_t)&sides[side].requests,
        .response_vaddr = (uintptr_t)&sides[side].responses,
        .queue_capacity = MOST_SLOTS,
        .channel = side,
        .extended = any_bool(),
        .resilient = any_bool(),
    };
}

static struct block_virt_data_region region(uint32_t side, uintptr_t vaddr, uint64_t size_bytes)
{
    io_bases[side] = any_u64();
    return (struct block_virt_data_region) {
        .vaddr = vaddr, .size_bytes = size_bytes, .io_base = &io_bases[side], .cached = any_bool(),
    };
}

int main(void)
{
    for (uint32_t i = 0; i < CLIENTS; i++) {
        clients[i].connection = connect(i);
        clients[i].data = region(i, (uintptr_t)data[i], sizeof(data[i]));
        clients[i].partition = any_u32();
        clients[i].read_only = any_bool();
        clients[i].weight = any_u32();
        clients[i].bandwidth = any_u64();
        clients[i].iops = any_u32();
    }
    config.driver.connection = connect(CLIENTS);
    config.driver.data = region(CLIENTS, (uintptr_t)table_block, sizeof(table_block));
    config.clients = clients;
    config.client_count = CLIENTS;
    config.timeout_ms = any_u32();
    block_virt_init(&virt, &config);
    while (any_bool()) {
        (void)block_virt_step_notified(&virt, any_u64(), any_u64());
    }
    return 0;
}
