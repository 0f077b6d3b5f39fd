/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The phys-addr page, whatever stands in it. First byte: how many maps there are; the rest: the page.
 * What is accepted must keep the rules by itself, be found again, and publish to a page that reads the same.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sdfgen/phys_addr.h>

#include "fuzz_input.h"

static union {
    struct phys_addr_region region;
    uint8_t bytes[PHYS_ADDR_PAGE_BYTES];
} page;

static struct phys_addr_table table;
static struct phys_addr_table again;
static struct phys_addr_slot slots[PHYS_ADDR_MAX_ENTRIES];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entry(uint32_t index, uint32_t map_count)
{
    const struct phys_addr_entry *entry = &table.entries[index];
    uint32_t found = UINT32_MAX;
    uint64_t offset = UINT64_MAX;
    REQUIRE(entry->size_bytes != 0 && entry->map_index < map_count);
    REQUIRE(entry->io_base != PHYS_ADDR_UNPATCHED && entry->io_base + (entry->size_bytes - 1) >= entry->io_base);
    REQUIRE(phys_addr_find(&table, entry->io_base, entry->size_bytes, &found, &offset));
    REQUIRE(found == index && offset == 0);
    REQUIRE(!phys_addr_find(&table, entry->io_base, entry->size_bytes + 1, &found, &offset) || found != index);
}

static void check_round_trip(uint32_t map_count)
{
    for (uint32_t i = 0; i < table.count; i++) {
        const struct phys_addr_entry *entry = &table.entries[i];
        slots[i] = (struct phys_addr_slot) { "data", &entry->io_base, entry->size_bytes, entry->map_index };
    }
    REQUIRE(phys_addr_compare(&table, slots, table.count, PHYS_ADDR_ASSIGNED).code == PHYS_ADDR_OK);
    REQUIRE(phys_addr_publish(&page.region, slots, table.count).code == PHYS_ADDR_OK);
    REQUIRE(phys_addr_read(&page.region, map_count, &again).code == PHYS_ADDR_OK);
    REQUIRE(again.count == table.count);
    REQUIRE(memcmp(again.entries, table.entries, table.count * sizeof(table.entries[0])) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 + sizeof(page.region)) {
        return -1;
    }
    uint32_t map_count = data[0];
    memset(&page, 0, sizeof(page.region));
    memcpy(page.bytes, data + 1, size - 1);
    struct phys_addr_result result = phys_addr_read(&page.region, map_count, &table);
    REQUIRE(result.entry < PHYS_ADDR_MAX_ENTRIES && phys_addr_strerror(result.code)[0] != '\0');
    if (result.code == PHYS_ADDR_OK) {
        REQUIRE(table.count != 0 && table.count <= PHYS_ADDR_MAX_ENTRIES);
        for (uint32_t i = 0; i < table.count; i++) {
            check_entry(i, map_count);
        }
        check_round_trip(map_count);
    }
    return 0;
}
