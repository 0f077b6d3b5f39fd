/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a VMM's virtio devices have in common: the state of a row of such a kind begins with it, and its operations are
 * the kind's, unless that has something of its own to do.
 *
 * The guest reads the registers from a page (virtio_mmio_page.h), so only stores trap.
 */
#pragma once

#include <sdfgen/guest_ram.h>
#include <sdfgen/virtio_mmio.h>
#include <sdfgen/virtio_mmio_page.h>
#include <sdfgen/vmm_device.h>

struct vmm_virtio {
    struct guest_ram ram;
    struct virtio_mmio registers;
    volatile uint32_t *page; /* mapped uncached, holds nothing else */
    void (*followed)(const struct vmm_device *device); /* after each access and step; NULL: nothing to do */
    bool has_more;                                     /* than the last step did */
    bool served;                                       /* since that was asked */
};

/* Sets all of it up but `followed`: registers of a device, and their page. False after a message. */
bool vmm_virtio_create(const struct vmm_device *device, const struct vmm_guest *guest,
                       const struct virtio_device_ops *ops, void *virtio_device, uintptr_t page_vaddr);

/* Something has changed that no access or step is the cause of. */
void vmm_virtio_show_all(const struct vmm_device *device);

/* Lets the device go on, whoever notified. */
void vmm_virtio_step(const struct vmm_device *device);

/* Operations of vmm_device.h. */
bool vmm_virtio_read(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t *value);
bool vmm_virtio_write(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t value);
bool vmm_virtio_level(const struct vmm_device *device);
bool vmm_virtio_has_more(const struct vmm_device *device);
bool vmm_virtio_served(const struct vmm_device *device, uint32_t *request_count);
/* What is under way ends without touching the guest's RAM (virtio_mmio.h). */
void vmm_virtio_reset(const struct vmm_device *device);
