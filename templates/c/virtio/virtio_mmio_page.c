/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/shared.h>
#include <sdfgen/virtio_mmio_page.h>

#define WORD_BYTES ((uint32_t)sizeof(uint32_t))

static void show(const struct virtio_mmio *mmio, volatile uint32_t *page, uint32_t offset)
{
    shared_store_u32(&page[offset / WORD_BYTES], (uint32_t)virtio_mmio_read(mmio, offset, WORD_BYTES));
}

static void show_state(const struct virtio_mmio *mmio, volatile uint32_t *page)
{
    show(mmio, page, VIRTIO_MMIO_INTERRUPT_STATUS);
    show(mmio, page, VIRTIO_MMIO_STATUS);
    show(mmio, page, VIRTIO_MMIO_CONFIG_GENERATION);
}

static void show_all(const struct virtio_mmio *mmio, volatile uint32_t *page)
{
    for (uint32_t offset = 0; offset < VIRTIO_MMIO_PAGE_BYTES; offset += WORD_BYTES) {
        show(mmio, page, offset);
    }
}

void virtio_mmio_show(const struct virtio_mmio *mmio, volatile uint32_t *page, enum virtio_mmio_extent extent)
{
    if (extent == VIRTIO_MMIO_ALL) {
        show_all(mmio, page);
    } else {
        show_state(mmio, page);
    }
}
