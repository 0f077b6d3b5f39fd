/* SPDX-License-Identifier: BSD-2-Clause */
/* Which 4 KiB cells of a data region are in use. Runs of neighbouring cells, next fit, whole words at a time. */
#pragma once

#include <stdint.h>

/* What lies beyond 64 MiB of a data region is not used. A multiple of 64. */
#define BLOCK_MAX_CELLS 16384u

struct block_cells {
    uint32_t total;
    uint32_t hint; /* where the next search begins */
    uint64_t used[BLOCK_MAX_CELLS / 64];
};

/* All of `total` cells are free; of more than BLOCK_MAX_CELLS only so many are managed. */
void block_cells_init(struct block_cells *cells, uint64_t total);

/*
 * Takes up to `wanted` > 0 neighbouring cells: the first run that is long enough, or else the longest there is. Returns
 * how many, 0 when none is free, and in `first` where they begin.
 */
uint32_t block_cells_take(struct block_cells *cells, uint32_t wanted, uint32_t *first);

/* Frees cells that were taken. */
void block_cells_give(struct block_cells *cells, uint32_t first, uint32_t count);
