/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk of the guest's: virtio-blk over virtio-mmio, backed by the virtualiser at the row's channel.
 *
 * The guest reads the registers from a page (virtio_mmio_page.h), so only stores trap. It may start when the
 * virtualiser has published the disk. Whatever then goes wrong is the guest's to see: a failed request, or
 * DEVICE_NEEDS_RESET.
 */
#pragma once

#include <sdfgen/block_config.h>
#include <sdfgen/virtio_blk.h>
#include <sdfgen/virtio_mmio.h>
#include <sdfgen/vmm_device.h>

struct vmm_virtio_blk_config {
    uintptr_t registers_vaddr;         /* the page, mapped uncached, which holds nothing else */
    struct block_client_config client; /* connection.channel is the row's channel */
};

/* A row has this as its state: about 600 KiB. */
struct vmm_virtio_blk {
    bool has_more; /* than the last step did */
    struct guest_ram ram;
    struct virtio_blk disk;
    struct virtio_mmio registers;
};

extern const struct vmm_device_kind vmm_virtio_blk_kind;
