/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <sdfgen/pd_say.h>
#include <sdfgen/vmm_uio.h>

static bool create(const struct vmm_device *device, const struct vmm_guest *guest)
{
    const struct vmm_uio_config *config = device->config;
    volatile struct phys_addr_region *region = (volatile struct phys_addr_region *)config->phys_addr_vaddr;
    const struct phys_addr_result result = phys_addr_publish(region, config->slots, config->slot_count);
    (void)guest;
    if (result.code != PHYS_ADDR_OK) {
        const bool about_a_slot = result.code != PHYS_ADDR_ERR_SLOT_COUNT;
        pd_say(about_a_slot ? config->slots[result.entry].name : "io addresses", phys_addr_strerror(result.code));
    }
    return result.code == PHYS_ADDR_OK;
}

static bool read_notify_page(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    (void)device;
    (void)offset;
    (void)width_bytes;
    *value = 0;
    return true;
}

static bool write_notify_page(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    struct vmm_uio *uio = device->state;
    (void)offset;
    (void)width_bytes;
    (void)value;
    uio->notifications++;
    microkit_notify(device->channel);
    return true;
}

const struct vmm_device_kind vmm_uio_kind = {
    .interrupt = VMM_INTERRUPT_BY_NOTIFICATION,
    .create = create,
    .read = read_notify_page,
    .write = write_notify_page,
};
