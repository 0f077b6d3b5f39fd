/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of virtio_mmio.h as a page that the guest reads without trapping: reading has no effect on any of them
 * (virtio 1.2, 4.2.2), so only stores need a trap. The page is the guest's to read and the VMM's to write, and holds
 * nothing else.
 *
 * What an access of any width sees is what the registers' words say there. Words that can't be read are 0.
 */
#pragma once

#include <sdfgen/virtio_mmio.h>

/* Bytes of the page that are ever written. */
#define VIRTIO_MMIO_PAGE_BYTES (VIRTIO_MMIO_CONFIG + VIRTIO_MMIO_PAGE_CONFIG_BYTES)
/* Configuration space that is shown: no device here has more. */
#define VIRTIO_MMIO_PAGE_CONFIG_BYTES 64u

enum virtio_mmio_extent {
    VIRTIO_MMIO_STATE, /* what changes by itself: InterruptStatus, Status, ConfigGeneration */
    VIRTIO_MMIO_ALL,   /* and what follows from what the driver wrote, or from a new configuration */
};

/*
 * Shows the registers. A driver that reads the configuration while it changes may see some of both; the interrupt that
 * tells of the change comes after it, and makes it read again. `page` is aligned to a word; every store is of one.
 */
void virtio_mmio_show(const struct virtio_mmio *mmio, volatile uint32_t *page, enum virtio_mmio_extent extent);
