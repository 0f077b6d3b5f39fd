/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the generated tables tell the block subsystem's PDs: the virtualiser (blk_virt_table.c) and each client,
 * whether a client VMM (inside client_vmm_table.c) or a native PD.
 *
 * Addresses named *_vaddr are virtual addresses in the PD that the table is linked into. Channels are that PD's
 * Microkit channel ids. The tables are this system's own facts, checked when they were generated; what lies behind the
 * addresses is not (sddf_blk.h).
 */
#pragma once

#include <sdfgen/phys_addr.h>
#include <sdfgen/sddf_blk.h>

/* A PD has the channel ids 0..61, and one of the virtualiser's is the driver's. */
#define BLK_MAX_CLIENTS 61u

_Static_assert(PHYS_ADDR_MAX_ENTRIES == BLK_MAX_CLIENTS + 1, "each client's data region and the virtualiser's own");

/* One side of a connection: to the driver, to the virtualiser, to a client. */
struct blk_connection {
    uintptr_t storage_info_vaddr; /* struct sddf_blk_storage_info */
    uintptr_t request_vaddr;      /* struct sddf_blk_request_queue */
    uintptr_t response_vaddr;     /* struct sddf_blk_response_queue */
    uint32_t queue_capacity;      /* slots of each queue: a power of two */
    uint32_t channel;
    bool extended;                /* the consumer of the requests also knows the SDFGEN_BLK_ codes */
};

/* A data region as its client sees it: requests carry offsets into it. */
struct blk_data_region {
    uintptr_t vaddr;
    uint64_t size_bytes;
};

/*
 * A data region as the virtualiser sees it: it turns an offset into an io address. Where it maps the region cached,
 * and the other side's accesses bypass the cache, it cleans before a write and invalidates after a read.
 */
struct blk_virt_data_region {
    uintptr_t vaddr;
    uint64_t size_bytes;
    const uint64_t *io_base; /* a SDFGEN_PATCHED global */
    bool cached;
};

struct blk_virt_driver {
    struct blk_connection connection;
    struct blk_virt_data_region data; /* the virtualiser's own: partition tables are read into it */
};

struct blk_virt_client {
    const char *name; /* the client's PD, for messages */
    struct blk_connection connection;
    struct blk_virt_data_region data;
    uint32_t partition; /* counted from 0 in the disk's partition table */
    bool read_only;     /* though the disk may not be */
};

/* blk_virt_table.c */
struct blk_virt_config {
    struct blk_virt_driver driver;
    const struct blk_virt_client *clients;
    uint32_t client_count; /* 1..BLK_MAX_CLIENTS */
};

extern const struct blk_virt_config blk_virt_config;

/* A client's end. Client VMMs have it inside struct client_vmm_config, native clients as blk_client_config. */
struct blk_client_config {
    struct blk_connection connection;
    struct blk_data_region data;
};

extern const struct blk_client_config blk_client_config;
