/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the generated tables tell a block subsystem's PDs: the virtualiser (VIRT_table.c) and each client, whether a VMM
 * (inside PD_table.c, a disk of its guest's) or a native PD (PD_block_table.c).
 *
 * Addresses named *_vaddr are virtual addresses in the PD that the table is linked into. Channels are that PD's
 * Microkit channel ids. The tables are this system's own facts, checked when they were generated; what lies behind the
 * addresses is not (sddf_blk.h).
 */
#pragma once

#include <sdfgen/guest_timer.h>
#include <sdfgen/phys_addr.h>
#include <sdfgen/sddf_blk.h>

/* A PD has the channel ids 0..61, and one of the virtualiser's is the driver's. */
#define BLOCK_MAX_CLIENTS 61u
/* How many times as much as another a client may have. */
#define BLOCK_MAX_WEIGHT 16u
#define BLOCK_MAX_IOPS 1000000u

_Static_assert(PHYS_ADDR_MAX_ENTRIES == BLOCK_MAX_CLIENTS + 1, "each client's data region and the virtualiser's own");

/* One side of a connection: to the driver, to the virtualiser, to a client. */
struct block_connection {
    uintptr_t storage_info_vaddr; /* struct sddf_blk_storage_info */
    uintptr_t request_vaddr;      /* struct sddf_blk_request_queue */
    uintptr_t response_vaddr;     /* struct sddf_blk_response_queue */
    uint32_t queue_capacity;      /* slots of each queue: a power of two */
    uint32_t channel;
    bool extended;                /* the consumer of the requests also knows the SDFGEN_BLOCK_ codes */
    bool resilient;               /* both sides know struct sdfgen_block_storage and SDFGEN_BLOCK_ERR_LATE */
};

/* A data region as its client sees it: requests carry offsets into it. */
struct block_data_region {
    uintptr_t vaddr;
    uint64_t size_bytes;
};

/*
 * A data region as the virtualiser sees it: it turns an offset into an io address. Where it maps the region cached,
 * and the other side's accesses bypass the cache, it cleans before a write and invalidates after a read.
 */
struct block_virt_data_region {
    uintptr_t vaddr;
    uint64_t size_bytes;
    const uint64_t *io_base; /* a SDFGEN_PATCHED global */
    bool cached;
};

struct block_virt_driver {
    struct block_connection connection;
    struct block_virt_data_region data; /* the virtualiser's own: partition tables are read into it */
};

struct block_virt_client {
    const char *name; /* the client and its disk, for messages */
    struct block_connection connection;
    struct block_virt_data_region data;
    uint32_t partition;    /* counted from 0 in the disk's partition table */
    const char *partuuid;  /* or its identifier there, in lower case */
    const char *partlabel; /* or its label, in UTF-8 */
    bool read_only;        /* though the disk may not be */
    uint32_t weight;       /* its share beside others: 1..BLOCK_MAX_WEIGHT; anything else is taken for the nearest */
    uint64_t bandwidth;    /* bytes a second, 0 for as many as there can be, else SDDF_BLK_BLOCK_BYTES or more */
    uint32_t iops;         /* requests a second, likewise; else BLOCK_MAX_IOPS or less */
};

/* VIRT_table.c */
struct block_virt_config {
    struct block_virt_driver driver;
    const struct block_virt_client *clients;
    uint32_t client_count; /* 1..BLOCK_MAX_CLIENTS */
    uint32_t timeout_ms;   /* how long a request may take, whoever is silent; 0: as long as it takes */
    struct guest_timer_connection timer; /* who wakes it when that is over; all 0 where nothing has a time */
};

extern const struct block_virt_config block_virt_config;

/* A client's end: one disk. */
struct block_client_config {
    const char *name; /* of the disk in its client */
    struct block_connection connection;
    struct block_data_region data;
};

/* PD_block_table.c: all disks of a native client, whatever block subsystems they are of. */
extern const struct block_client_config block_disks[];
extern const uint32_t block_disks_count;
