/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_info.h"

#include <sdfgen/shared.h>

_Static_assert(sizeof(((struct sddf_blk_storage_info *)0)->serial_number) == BLOCK_DISK_SERIAL_BYTES,
               "the whole serial");

static uint16_t at_most_u16(uint32_t value)
{
    return (uint16_t)(value < UINT16_MAX ? value : UINT16_MAX);
}

bool block_info_withdraw(volatile struct sddf_blk_storage_info *info)
{
    bool was_ready = shared_load_u8(&info->ready) != 0;
    shared_store_release_u8(&info->ready, 0);
    /* Nothing of a later description is seen while the earlier one counts. */
    shared_fence();
    return was_ready;
}

void block_info_start(volatile struct sddf_blk_storage_info *info, volatile struct sddf_blk_request_queue *requests,
                      volatile struct sddf_blk_response_queue *responses, uint32_t queue_capacity)
{
    volatile uint64_t *start = &((volatile struct sdfgen_block_storage *)info)->start;
    uint32_t first = shared_load_acquire_u32(&requests->tail);
    uint32_t read = shared_load_u32(&responses->head);
    uint64_t starts = shared_load_u64(start) >> 32;
    shared_store_release_u32(&requests->head, first);
    if (shared_load_u32(&responses->tail) - read > queue_capacity) {
        shared_store_release_u32(&responses->tail, read); /* an earlier driver left it broken */
    }
    shared_store_release_u64(start, (starts + 1) << 32 | first);
}

void block_info_publish(volatile struct sddf_blk_storage_info *info, const struct block_disk *disk,
                        uint32_t queue_depth)
{
    for (size_t i = 0; i < BLOCK_DISK_SERIAL_BYTES; i++) {
        shared_store_u8((volatile uint8_t *)&info->serial_number[i], (uint8_t)disk->serial[i]);
    }
    shared_store_u8(&info->read_only, disk->read_only ? 1 : 0);
    shared_store_u16(&info->sector_bytes, at_most_u16(disk->sector_bytes));
    shared_store_u16(&info->block_size, at_most_u16(disk->optimal_blocks));
    shared_store_u16(&info->queue_depth, at_most_u16(queue_depth));
    /* No geometry: nothing has had cylinders for long. */
    shared_store_u16(&info->cylinders, 0);
    shared_store_u16(&info->heads, 0);
    shared_store_u16(&info->blocks, 0);
    shared_store_u8(&info->sdfgen_traits, (uint8_t)((disk->no_discard ? SDFGEN_BLOCK_TRAIT_NO_DISCARD : 0) |
                                                    (disk->zeroes_unmap ? SDFGEN_BLOCK_TRAIT_ZEROES_UNMAP : 0)));
    shared_store_u8(&info->sdfgen_tail_sectors, (uint8_t)disk->tail_sectors);
    shared_store_u64(&info->capacity_blocks, disk->capacity_blocks);
    shared_store_release_u8(&info->ready, 1);
}
