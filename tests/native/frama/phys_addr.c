/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shared page. DIRECTION is which end: `read` takes any page, then looks any io address up in what came of it and
 * compares it with any slots; `publish` writes slots of any content.
 */
#include <sdfgen/phys_addr.h>

#include "any.h"

#define SLOTS 4u

static struct phys_addr_region page;
static struct phys_addr_table table;
static uint64_t io_bases[SLOTS];
static struct phys_addr_slot slots[SLOTS];

static void set_up_slots(void)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        io_bases[i] = any_u64();
        slots[i] = (struct phys_addr_slot) { "", &io_bases[i], any_u64(), any_u32() };
    }
}

static void look_up(void)
{
    uint32_t entry = 0;
    uint64_t offset = 0;
    uint32_t slot_count = (uint32_t)any_between(0, SLOTS);
    (void)phys_addr_compare(&table, slots, slot_count, any_bool() ? PHYS_ADDR_ASSIGNED : PHYS_ADDR_LEARNED);
    if (phys_addr_find(&table, any_u64(), any_u64(), &entry, &offset)) {
        /*@ assert known_entry: entry < PHYS_ADDR_MAX_ENTRIES; */
        (void)table.entries[entry].map_index;
    }
}

static void publish(void)
{
    for (uint32_t count = 0; count <= SLOTS; count++) {
        (void)phys_addr_publish(&page, slots, count);
    }
    (void)phys_addr_publish(&page, slots, PHYS_ADDR_MAX_ENTRIES + 1);
}

static void read(void)
{
    struct phys_addr_result result = phys_addr_read(&page, any_u32(), &table);
    (void)phys_addr_strerror(result.code);
    (void)phys_addr_strerror((enum phys_addr_code)any_u32());
    if (result.code == PHYS_ADDR_OK) {
        look_up();
    }
}

int main(void)
{
    set_up_slots();
    DIRECTION();
    return 0;
}
