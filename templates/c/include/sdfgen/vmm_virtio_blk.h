/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk of the guest's: virtio-blk over virtio-mmio, backed by the virtualiser at the row's channel.
 *
 * While requests are in flight the guest is not asked for kicks: the VMM looks at the ring at each of its exits, and at
 * each answer. A guest that computes on has exits too, ticks at the least; when one of its requests waited because two
 * looks were further apart than VMM_VIRTIO_BLK_PATIENCE_MS, kicks are asked for again for VMM_VIRTIO_BLK_KICKS_MS. So a
 * request waits for a look no longer than the former, but one in each of the latter: that waits until the guest's next
 * exit or answer.
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

#define VMM_VIRTIO_BLK_PATIENCE_MS 2u
#define VMM_VIRTIO_BLK_KICKS_MS 1000u

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
    uint64_t looked_ticks;      /* when the ring was looked at last */
    uint64_t kicks_until_ticks; /* until when kicks are asked for while requests are in flight */
};

extern const struct vmm_device_kind vmm_virtio_blk_kind;
