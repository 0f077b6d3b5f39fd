/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cells: regions of sizes around a word's end, and a large one; runs of any length are taken and given back, over and
 * over.
 */
#include <sdfgen/block_cells.h>

#include "any.h"

static struct block_cells cells;

static const uint64_t totals[] = { 0, 1, 2, 63, 64, 65, 8192 };

static void use(void)
{
    uint32_t first = 0;
    uint32_t wanted = (uint32_t)any_between(1, UINT32_MAX);
    uint32_t count = block_cells_take(&cells, wanted, &first);
    if (count > 0) {
        block_cells_give(&cells, first, count);
    }
}

int main(void)
{
    for (uint32_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
        block_cells_init(&cells, totals[i]);
        while (any_bool()) {
            use();
        }
    }
    return 0;
}
