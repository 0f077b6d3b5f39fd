/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/counters.h>

#include <stddef.h>

#include <sdfgen/phys_addr.h>
#include <sdfgen/shared.h>

SDFGEN_PATCHED uint64_t counters_page_vaddr = PHYS_ADDR_UNPATCHED;

static volatile struct counters_page *page(void)
{
    return counters_page_vaddr == PHYS_ADDR_UNPATCHED ? NULL : (volatile struct counters_page *)counters_page_vaddr;
}

static volatile uint64_t *word(uint32_t row, uint32_t column)
{
    volatile struct counters_page *counters = page();
    return counters == NULL || row >= COUNTERS_MAX_ROWS || column >= COUNTERS_COLUMNS
        ? NULL : &counters->rows[row].values[column];
}

void counters_store(uint32_t row, uint32_t column, uint64_t value)
{
    volatile uint64_t *at = word(row, column);
    if (at != NULL) {
        shared_store_u64(at, value);
    }
}

/* Nobody has cleared it: it may lie in memory that is not the kernel's. */
void counters_begin(void)
{
    volatile struct counters_page *counters = page();
    if (counters == NULL) {
        return;
    }
    for (uint32_t cell = 0; cell < COUNTERS_MAX_ROWS * COUNTERS_COLUMNS; cell++) {
        counters_store(cell / COUNTERS_COLUMNS, cell % COUNTERS_COLUMNS, 0);
    }
    shared_store_release_u64(&counters->magic, COUNTERS_MAGIC);
}

/* Nobody else writes the page, so what is read is what was written. */
void counters_add(uint32_t row, uint32_t column, uint64_t more)
{
    volatile uint64_t *at = word(row, column);
    if (at != NULL) {
        shared_store_u64(at, shared_load_u64(at) + more);
    }
}
