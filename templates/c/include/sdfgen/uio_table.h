/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a generated BLOCK_uio_table.c defines: the driver VM's UIO devices and maps, as the device tree of the same
 * build declares them, and the io addresses of the data regions.
 *
 * The maps, in this order: irq_status, notify, phys_addr, storage_info, request_queue, response_queue, virt_data, then
 * one data region for each disk of a client. They are cut over the devices five at a time.
 *
 * How Linux shows them (drivers/uio/uio_pdrv_genirq.c, drivers/of/address.c, read in 6.1):
 *   - /sys/class/uio/uioN/name is the node's `linux,uio-name` property, or without it the node's name up to its '@',
 *     and beyond it in newer kernels (seen: 6.12). Names must therefore differ before the '@'.
 *   - maps/mapM/name is the M-th string of `reg-names`; a node without that property gives its own full name to all.
 *   - maps/mapM/addr, size and offset are hexadecimal; size is rounded up to pages, and offset is the distance of the
 *     region from the start of its page: 0 here.
 *   - uioN numbers follow probe order, which nothing guarantees.
 */
#pragma once

#include <sdfgen/phys_addr.h>

/* MAX_UIO_MAPS in include/linux/uio_driver.h; further reg entries are dropped with a warning. */
#define UIO_MAPS_PER_DEVICE 5u
/* Seven maps, and one for each of up to 61 clients. */
#define UIO_MAX_MAPS 68u
#define UIO_MAX_DEVICES ((UIO_MAX_MAPS + UIO_MAPS_PER_DEVICE - 1) / UIO_MAPS_PER_DEVICE)

/* Maps by name. */
#define UIO_MAP_NOTIFY "notify"                 /* nothing is behind it: a store traps to the VMM, a load is refused */
#define UIO_MAP_PHYS_ADDR "phys_addr"           /* struct phys_addr_region */
#define UIO_MAP_STORAGE_INFO "storage_info"     /* struct sddf_blk_storage_info */
#define UIO_MAP_REQUEST_QUEUE "request_queue"   /* struct sddf_blk_request_queue */
#define UIO_MAP_RESPONSE_QUEUE "response_queue" /* struct sddf_blk_response_queue */

_Static_assert(UIO_MAX_MAPS == 6 + PHYS_ADDR_MAX_ENTRIES, "every map after the sixth is a data region");

struct uio_device_entry {
    const char *name; /* of the device tree node, unique */
    bool interrupt;   /* without one, read() and poll() fail: such a device is only mapped */
};

struct uio_map_entry {
    const char *name; /* unique over all devices */
    uint64_t gpa;     /* guest-physical address, page aligned */
    uint64_t size_bytes;
    uint32_t device; /* index into uio_devices */
    uint32_t map;    /* which entry of that node's reg and reg-names */
};

extern const struct uio_device_entry uio_devices[];
extern const uint32_t uio_devices_count;
extern const struct uio_map_entry uio_maps[];
extern const uint32_t uio_maps_count;

/* One per data region, in the order of the maps; map_index counts in uio_maps. */
extern const struct phys_addr_slot phys_addr_slots[];
extern const uint32_t phys_addr_slots_count;
extern const enum phys_addr_mode phys_addr_mode;

/* Slots of the request and of the response queue: a power of two, and the maps hold that many. */
extern const uint32_t uio_block_queue_capacity;
/* The disk in the driver VM, unless the command line names another: "/dev/vda". */
extern const char *const uio_block_storage;
