/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a driver in the guest (UIO) shares with a virtualiser, as far as the VMM has to do with it.
 *
 * The registers are the notify page. Nothing is behind it: a store of the driver's becomes a notification of the
 * virtualiser. It reads as 0: stopping the guest for a load, which nothing of ours does, would take every client's
 * device away. The virtualiser's notification becomes the UIO device's interrupt.
 *
 * The io addresses of the data regions are published before the guest starts. Where one is not known, or can't be, the
 * guest is not started: a driver with a wrong address would write into somebody else's memory.
 */
#pragma once

#include <sdfgen/phys_addr.h>
#include <sdfgen/vmm_device.h>

struct vmm_uio_config {
    uintptr_t phys_addr_vaddr; /* struct phys_addr_region, mapped uncached */
    const struct phys_addr_slot *slots;
    uint32_t slot_count;
};

/* A row has this as its state. */
struct vmm_uio {
    uint64_t notifications; /* sent */
};

extern const struct vmm_device_kind vmm_uio_kind;
