/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_request.h"

static const struct block_code codes[] = {
    { .code = SDDF_BLK_READ, .operation = BLOCK_OPERATION_READ, .range = true, .data = true },
    { .code = SDDF_BLK_WRITE, .operation = BLOCK_OPERATION_WRITE, .range = true, .data = true, .writes = true },
    { .code = SDDF_BLK_FLUSH, .operation = BLOCK_OPERATION_SYNC, .order = BLOCK_ORDER_AFTER },
    { .code = SDDF_BLK_BARRIER, .order = BLOCK_ORDER_FENCE },
    { .code = SDFGEN_BLOCK_DISCARD, .operation = BLOCK_OPERATION_DISCARD, .range = true, .writes = true },
    { .code = SDFGEN_BLOCK_WRITE_ZEROES, .operation = BLOCK_OPERATION_ZERO, .range = true, .writes = true },
    { .code = SDFGEN_BLOCK_WRITE_ZEROES_UNMAP, .operation = BLOCK_OPERATION_UNMAP, .range = true, .writes = true },
};

static const struct block_code *find_code(uint32_t code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (codes[i].code == code) {
            return &codes[i];
        }
    }
    return NULL;
}

/* The part of a block behind the last whole one: it is read alone, and not written. */
static bool is_tail(const struct block_disk *disk, const struct sddf_blk_request *request)
{
    return request->code == SDDF_BLK_READ && disk->tail_sectors != 0 && request->block_count == 1 &&
           request->block_number == disk->capacity_blocks;
}

static bool check_range(const struct block_disk *disk, const struct sddf_blk_request *request, struct block_plan *plan)
{
    if (is_tail(disk, request)) {
        plan->absent_bytes = SDDF_BLK_BLOCK_BYTES - disk->tail_sectors * BLOCK_DISK_TAIL_SECTOR_BYTES;
    } else if (request->block_count == 0 || request->block_number >= disk->capacity_blocks ||
        request->block_count > disk->capacity_blocks - request->block_number) {
        return false;
    }
    plan->offset_bytes = request->block_number * SDDF_BLK_BLOCK_BYTES;
    plan->length_bytes = (uint64_t)request->block_count * SDDF_BLK_BLOCK_BYTES;
    return true;
}

/* The io address is one of a block, as sDDF's virtualiser demands of clients; the copies need less. */
static bool check_data(const struct block_limits *limits, const struct sddf_blk_request *request,
                       struct block_plan *plan)
{
    uint32_t entry = 0;
    uint64_t offset_bytes = 0;
    if (request->io_or_offset % SDDF_BLK_BLOCK_BYTES != 0 ||
        !phys_addr_find(limits->regions, request->io_or_offset, plan->length_bytes, &entry, &offset_bytes)) {
        return false;
    }
    const struct uio_map *map = &limits->uio->maps[limits->regions->entries[entry].map_index];
    if (offset_bytes + plan->length_bytes > map->entry->size_bytes) {
        return false;
    }
    plan->data = (volatile uint64_t *)map->base + offset_bytes / sizeof(uint64_t);
    return true;
}

bool block_request_check(const struct block_limits *limits, const struct sddf_blk_request *request,
                         struct block_plan *plan)
{
    *plan = (struct block_plan) { .code = find_code(request->code) };
    if (plan->code == NULL || (plan->code->writes && limits->disk->read_only)) {
        return false;
    }
    return (!plan->code->range || check_range(limits->disk, request, plan)) &&
           (!plan->code->data || check_data(limits, request, plan));
}
