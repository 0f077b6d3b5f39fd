/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's VMM: a Linux guest that owns the disk and runs the UIO driver.
 *
 * The io addresses are published for the UIO driver before the guest starts. Where one is not known, or can't be, the
 * guest is not started: a driver with a wrong address would write into somebody else's memory.
 *
 * The virtualiser's notification becomes the UIO device's interrupt; a store of the driver's to the notify page, which
 * is mapped nowhere, becomes a notification of the virtualiser. It reads as 0: stopping the guest for a load, which
 * nothing of ours does, would take every client's disk away.
 */
#include <microkit.h>

#include <sdfgen/pd_say.h>

#include "vmm_common.h"

static struct vmm_irq uio_irq;

static bool notify_page_read(uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    (void)offset;
    (void)width_bytes;
    *value = 0;
    return true;
}

static bool notify_page_write(uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    (void)offset;
    (void)width_bytes;
    (void)value;
    microkit_notify(driver_vmm_config.uio.virt_channel);
    return true;
}

static const struct vmm_trap notify_page = { .read = notify_page_read, .write = notify_page_write };

static bool publish_addresses(const struct driver_vmm_config *config)
{
    volatile struct phys_addr_region *region = (volatile struct phys_addr_region *)config->phys_addr_vaddr;
    const struct phys_addr_slot *slots = config->phys_addr_slots;
    const struct phys_addr_result result = phys_addr_publish(region, slots, config->phys_addr_slot_count);
    if (result.code != PHYS_ADDR_OK) {
        const bool about_a_slot = result.code != PHYS_ADDR_ERR_SLOT_COUNT;
        pd_say(about_a_slot ? slots[result.entry].name : "io addresses", phys_addr_strerror(result.code));
        pd_say("the guest is not started", NULL);
    }
    return result.code == PHYS_ADDR_OK;
}

static bool set_up(const struct driver_vmm_config *config)
{
    const struct vmm_uio *uio = &config->uio;
    uio_irq = (struct vmm_irq){ .kind = VMM_IRQ_EDGE, .intid = uio->intid };
    return vmm_create(&config->guest, config->irqs, config->irq_count) && vmm_add_irq(&uio_irq) &&
           vmm_add_trap(uio->notify_gpa, uio->notify_size_bytes, &notify_page);
}

void init(void)
{
    if (publish_addresses(&driver_vmm_config) && set_up(&driver_vmm_config)) {
        (void)vmm_boot(&driver_vmm_config.guest);
    }
}

void notified(microkit_channel channel)
{
    if (channel == driver_vmm_config.uio.virt_channel) {
        vmm_irq_raise(&uio_irq);
    } else {
        vmm_notified(channel);
    }
}
