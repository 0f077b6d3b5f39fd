/* SPDX-License-Identifier: BSD-2-Clause */
/* The block driver's maps and io addresses, by the generated table. Each function says on stderr what is wrong. */
#pragma once

#include <sdfgen/sddf_blk.h>
#include <sdfgen/libuio.h>

#include "block_exit.h"

/* The maps that are not data regions, of the sizes that the program needs. */
struct block_maps {
    volatile uint32_t *notify;
    volatile struct sddf_blk_storage_info *info;
    volatile struct sddf_blk_request_queue *requests;
    volatile struct sddf_blk_response_queue *responses;
};

/* Finds all of them; queues have `queue_capacity` slots. False when the program was generated wrongly. */
bool block_maps_find(const struct uio *uio, uint32_t queue_capacity, struct block_maps *maps);

/* Reads the phys-addr page through its map and compares it with this program's own table. */
enum block_exit block_maps_read_addresses(const struct uio *uio, struct phys_addr_table *table);

/* Prints a line per map. */
enum block_exit block_maps_print(const struct uio *uio, const struct phys_addr_table *table);
