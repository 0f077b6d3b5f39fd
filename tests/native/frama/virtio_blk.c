/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device but for virtio_blk_step(): any description of the disk, features, configuration accesses, ring geometry
 * and resets, over and over. (docs/proofs.md says why not the step.)
 */
#include <sdfgen/virtio_blk.h>

#include "any.h"

#define SLOTS 16u
#define CELLS 16u
#define RAM_BYTES 0x4000u

static uint8_t request_memory[SDDF_BLK_REQUEST_QUEUE_BYTES(SLOTS)];
static uint8_t response_memory[SDDF_BLK_RESPONSE_QUEUE_BYTES(SLOTS)];
static uint8_t data[CELLS * SDDF_BLK_BLOCK_BYTES];
static uint8_t guest[RAM_BYTES];
static struct sddf_blk_storage_info info;
static struct guest_ram ram;
static struct virtio_blk device;

static void configure(void)
{
    const struct virtq_geometry geometry = { 256, any_u64(), any_u64(), any_u64(), any_u16() };
    virtio_blk_set_features(&device, any_u64());
    (void)virtio_blk_read_config(&device, any_u32());
    virtio_blk_write_config(&device, any_u32(), any_u8());
    (void)virtio_blk_start_queue(&device, &geometry);
    virtio_blk_driver_ok(&device);
    (void)virtio_blk_needs_reset(&device);
    (void)virtio_blk_draining(&device);
}

int main(void)
{
    const struct block_client_config config = {
        .connection = {
            .storage_info_vaddr = (uintptr_t)&info,
            .request_vaddr = (uintptr_t)request_memory,
            .response_vaddr = (uintptr_t)response_memory,
            .queue_capacity = SLOTS,
            .extended = any_bool(),
        },
        .data = { (uintptr_t)data, sizeof(data) },
    };
    if (!guest_ram_add(&ram, any_u64(), RAM_BYTES, guest)) {
        return 0;
    }
    virtio_blk_init(&device, &config, &ram);
    if (!virtio_blk_ready(&device)) {
        return 0;
    }
    while (any_bool()) {
        configure();
        virtio_blk_reset(&device);
    }
    return 0;
}
