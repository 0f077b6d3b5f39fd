/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk of the guest's: virtio-blk over virtio-mmio, backed by the virtualiser at the row's channel.
 *
 * While requests are in flight the guest is not asked for kicks: the VMM looks at the ring at each of its exits, and at
 * each answer. Most guests put requests into the ring and then wait, which is an exit. One that computes on has exits
 * too, ticks at the least, and its requests wait for them: after VMM_VIRTIO_BLK_BUSY_LOOKS looks that found some without
 * one at which it waited, or after one that came later than VMM_VIRTIO_BLK_PATIENCE_MS, kicks are asked for again for
 * VMM_VIRTIO_BLK_KICKS_MS. Looks are counted, and no short times measured, because how long a guest takes to fill its
 * ring is the machine's affair. So requests wait for a look no longer than for the guest's next exit, or the next
 * answer, and if it computes on, in so many looks of each such time at most.
 *
 * The guest may start when the virtualiser has published the disk. Whatever then goes wrong is the guest's to see: a
 * failed request, or DEVICE_NEEDS_RESET.
 */
#pragma once

#include <sdfgen/block_config.h>
#include <sdfgen/virtio_blk.h>
#include <sdfgen/vmm_virtio.h>

#define VMM_VIRTIO_BLK_BUSY_LOOKS 16u
#define VMM_VIRTIO_BLK_PATIENCE_MS 100u
#define VMM_VIRTIO_BLK_KICKS_MS 1000u

struct vmm_virtio_blk_config {
    uintptr_t registers_vaddr;         /* the page */
    struct block_client_config client; /* connection.channel is the row's channel */
};

/* A row has this as its state: about 600 KiB. */
struct vmm_virtio_blk {
    struct vmm_virtio virtio;
    struct virtio_blk disk;
    uint64_t priced_requests;   /* of those that were handed on, what the guest was charged for */
    uint64_t looked_ticks;      /* when the ring was looked at last */
    uint32_t busy_looks;        /* that found requests, since the guest last waited when one did */
    uint64_t kicks_until_ticks; /* until when kicks are asked for while requests are in flight */
};

extern const struct vmm_device_kind vmm_virtio_blk_kind;
