/* SPDX-License-Identifier: BSD-2-Clause */
/* The shared phys-addr page: written, read back, compared, looked up. Hostile pages are test_phys_addr.py's. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sdfgen/uio_table.h>

#include "unit.h"

/* The fixture's own symbols, which a build patches and a test sets. */
extern uint64_t io_base_virt_data;
extern uint64_t io_base_client1_0_data;
extern uint64_t io_base_client2_0_data;

static _Alignas(4096) union {
    struct phys_addr_region region;
    uint8_t bytes[PHYS_ADDR_PAGE_BYTES];
} page;

static struct phys_addr_table table;

static void patch(void)
{
    io_base_virt_data = 0x60a00000;
    io_base_client1_0_data = 0x60c00000;
    io_base_client2_0_data = 0x1060e00000;
}

static void publish_and_read(void)
{
    patch();
    CHECK(phys_addr_publish(&page.region, phys_addr_slots, phys_addr_slots_count).code == PHYS_ADDR_OK);
    CHECK(phys_addr_read(&page.region, uio_maps_count, &table).code == PHYS_ADDR_OK);
}

static bool is(struct phys_addr_result result, enum phys_addr_code code, uint32_t entry)
{
    return result.code == code && result.entry == entry;
}

static bool page_is_zero(void)
{
    for (size_t i = 0; i < sizeof(page.bytes); i++) {
        if (page.bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

static void round_trip(void)
{
    publish_and_read();
    CHECK(table.count == 3);
    CHECK(table.entries[0].io_base == 0x60a00000);
    CHECK(table.entries[2].io_base == 0x1060e00000);
    CHECK(table.entries[2].size_bytes == 0x200000);
    CHECK(table.entries[2].map_index == 8);
    CHECK(phys_addr_compare(&table, phys_addr_slots, 3, PHYS_ADDR_ASSIGNED).code == PHYS_ADDR_OK);
}

static void publishing_again_replaces(void)
{
    publish_and_read();
    io_base_client1_0_data = 0x70000000;
    CHECK(phys_addr_publish(&page.region, phys_addr_slots, 2).code == PHYS_ADDR_OK);
    CHECK(phys_addr_read(&page.region, uio_maps_count, &table).code == PHYS_ADDR_OK);
    CHECK(table.count == 2);
    CHECK(table.entries[1].io_base == 0x70000000);
}

static void as_many_regions_as_there_can_be(void)
{
    static uint64_t io_bases[PHYS_ADDR_MAX_ENTRIES + 1];
    static struct phys_addr_slot slots[PHYS_ADDR_MAX_ENTRIES + 1];
    for (uint32_t i = 0; i <= PHYS_ADDR_MAX_ENTRIES; i++) {
        io_bases[i] = 0x1000u * (i + 1);
        slots[i] = (struct phys_addr_slot) { "data", &io_bases[i], 0x1000, 6 + i };
    }
    CHECK(is(phys_addr_publish(&page.region, slots, PHYS_ADDR_MAX_ENTRIES + 1), PHYS_ADDR_ERR_SLOT_COUNT, 0));
    CHECK(page_is_zero());
    CHECK(phys_addr_publish(&page.region, slots, PHYS_ADDR_MAX_ENTRIES).code == PHYS_ADDR_OK);
    CHECK(phys_addr_read(&page.region, UIO_MAX_MAPS, &table).code == PHYS_ADDR_OK);
    CHECK(table.count == 62 && table.entries[61].io_base == 0x3e000 && table.entries[61].map_index == 67);
    CHECK(is(phys_addr_read(&page.region, UIO_MAX_MAPS - 1, &table), PHYS_ADDR_ERR_MAP_INDEX, 61));
}

static void nothing_is_published_unpatched(void)
{
    patch();
    io_base_client1_0_data = PHYS_ADDR_UNPATCHED;
    CHECK(is(phys_addr_publish(&page.region, phys_addr_slots, 3), PHYS_ADDR_ERR_SLOT_UNPATCHED, 1));
    CHECK(page_is_zero());
}

static void nothing_is_published_without_slots(void)
{
    CHECK(is(phys_addr_publish(&page.region, phys_addr_slots, 0), PHYS_ADDR_ERR_SLOT_COUNT, 0));
    CHECK(page_is_zero());
}

static void nothing_is_published_that_a_reader_would_refuse(void)
{
    patch();
    io_base_client2_0_data = io_base_client1_0_data + 0x1ff000;
    CHECK(is(phys_addr_publish(&page.region, phys_addr_slots, 3), PHYS_ADDR_ERR_OVERLAP, 2));
    io_base_client2_0_data = 0x60e00800;
    CHECK(is(phys_addr_publish(&page.region, phys_addr_slots, 3), PHYS_ADDR_ERR_BASE_UNALIGNED, 2));
    io_base_client2_0_data = UINT64_MAX - 0xfff;
    CHECK(is(phys_addr_publish(&page.region, phys_addr_slots, 3), PHYS_ADDR_ERR_WRAP, 2));
    CHECK(page_is_zero());
}

static void every_difference_is_found(void)
{
    publish_and_read();
    table.entries[1].io_base += 0x200000;
    CHECK(is(phys_addr_compare(&table, phys_addr_slots, 3, PHYS_ADDR_ASSIGNED), PHYS_ADDR_DIFF_BASE, 1));
    publish_and_read();
    table.entries[2].size_bytes = 0x1000;
    CHECK(is(phys_addr_compare(&table, phys_addr_slots, 3, PHYS_ADDR_ASSIGNED), PHYS_ADDR_DIFF_SIZE, 2));
    CHECK(is(phys_addr_compare(&table, phys_addr_slots, 3, PHYS_ADDR_LEARNED), PHYS_ADDR_DIFF_SIZE, 2));
    publish_and_read();
    table.entries[0].map_index = 5;
    CHECK(is(phys_addr_compare(&table, phys_addr_slots, 3, PHYS_ADDR_ASSIGNED), PHYS_ADDR_DIFF_MAP, 0));
    CHECK(is(phys_addr_compare(&table, phys_addr_slots, 3, PHYS_ADDR_LEARNED), PHYS_ADDR_DIFF_MAP, 0));
}

static void another_number_of_entries_is_a_difference(void)
{
    publish_and_read();
    CHECK(is(phys_addr_compare(&table, phys_addr_slots, 2, PHYS_ADDR_ASSIGNED), PHYS_ADDR_DIFF_COUNT, 2));
    table.count = 1;
    CHECK(is(phys_addr_compare(&table, phys_addr_slots, 3, PHYS_ADDR_ASSIGNED), PHYS_ADDR_DIFF_COUNT, 1));
    CHECK(is(phys_addr_compare(&table, phys_addr_slots, 0, PHYS_ADDR_LEARNED), PHYS_ADDR_DIFF_COUNT, 0));
}

static void only_assigned_addresses_have_to_be_patched(void)
{
    publish_and_read();
    io_base_client2_0_data = PHYS_ADDR_UNPATCHED;
    CHECK(is(phys_addr_compare(&table, phys_addr_slots, 3, PHYS_ADDR_ASSIGNED), PHYS_ADDR_ERR_SLOT_UNPATCHED, 2));
    CHECK(is(phys_addr_compare(&table, phys_addr_slots, 3, PHYS_ADDR_LEARNED), PHYS_ADDR_OK, 0));
}

static void addresses_are_found_with_their_bounds(void)
{
    uint32_t entry = 99;
    uint64_t offset = 99;
    publish_and_read();
    CHECK(phys_addr_find(&table, 0x60c00000, 0x200000, &entry, &offset) && entry == 1 && offset == 0);
    CHECK(phys_addr_find(&table, 0x1060ffffff, 1, &entry, &offset) && entry == 2 && offset == 0x1fffff);
    CHECK(phys_addr_find(&table, 0x60bff000, 0x1000, &entry, &offset) && entry == 0 && offset == 0x1ff000);
    entry = 99;
    offset = 99;
    CHECK(!phys_addr_find(&table, 0x60bff000, 0x1001, &entry, &offset));
    CHECK(!phys_addr_find(&table, 0x609fffff, 1, &entry, &offset));
    CHECK(!phys_addr_find(&table, 0x60e00000, 1, &entry, &offset));
    CHECK(!phys_addr_find(&table, 0x60c00000, 0, &entry, &offset));
    CHECK(!phys_addr_find(&table, 0x60c00000, UINT64_MAX, &entry, &offset));
    CHECK(!phys_addr_find(&table, 0, 1, &entry, &offset));
    CHECK(!phys_addr_find(&table, UINT64_MAX, 1, &entry, &offset));
    CHECK(entry == 99 && offset == 99);
}

static void the_last_page_of_the_address_space_is_found(void)
{
    uint32_t entry = 0;
    uint64_t offset = 0;
    table.count = 1;
    table.entries[0] = (struct phys_addr_entry) { .io_base = UINT64_MAX - 0xfff, .size_bytes = 0x1000 };
    CHECK(phys_addr_find(&table, UINT64_MAX, 1, &entry, &offset) && offset == 0xfff);
    CHECK(!phys_addr_find(&table, UINT64_MAX, 2, &entry, &offset));
    CHECK(!phys_addr_find(&table, 0, 1, &entry, &offset));
}

static void every_code_has_a_text_of_its_own(void)
{
    const char *unknown = phys_addr_strerror((enum phys_addr_code)999);
    int known = 0;
    for (unsigned int code = 0; code < 64; code++) {
        const char *text = phys_addr_strerror((enum phys_addr_code)code);
        CHECK(text != NULL && text[0] != '\0');
        known += strcmp(text, unknown) != 0;
        for (unsigned int other = 0; other < code; other++) {
            CHECK(strcmp(text, unknown) == 0 || strcmp(text, phys_addr_strerror((enum phys_addr_code)other)) != 0);
        }
    }
    CHECK(known == 19);
}

/* Rewrites words of the page while it is read, as a broken or hostile VMM could. */
static void *rewrite(void *stop)
{
    static const uint64_t words[] = { 0, 3, 62, 0x1000, 0x60a00000, 0x60c00000, UINT64_MAX, UINT64_MAX - 0xfff };
    volatile uint64_t *entries = (volatile uint64_t *)&page.region.entries;
    uint32_t random = 1;
    while (!__atomic_load_n((const int *)stop, __ATOMIC_RELAXED)) {
        random = random * 1664525u + 1013904223u;
        entries[(random >> 8) % 9] = words[(random >> 24) % 8];
        __atomic_store_n(&page.region.entry_count, (random >> 16) & 1 ? 3u : UINT32_MAX, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void check_accepted(void)
{
    for (uint32_t i = 0; i < table.count; i++) {
        const struct phys_addr_entry *entry = &table.entries[i];
        uint32_t found = 0;
        uint64_t offset = 0;
        CHECK(entry->size_bytes != 0 && entry->map_index < uio_maps_count);
        CHECK(phys_addr_find(&table, entry->io_base, entry->size_bytes, &found, &offset) && found == i);
    }
}

static void what_was_accepted_stays_sound_while_the_page_changes(void)
{
    pthread_t thread;
    int stop = 0;
    patch();
    CHECK(phys_addr_publish(&page.region, phys_addr_slots, 3).code == PHYS_ADDR_OK);
    CHECK(pthread_create(&thread, NULL, rewrite, &stop) == 0);
    for (int i = 0; i < 200000; i++) {
        if (phys_addr_read(&page.region, uio_maps_count, &table).code == PHYS_ADDR_OK) {
            CHECK(table.count <= PHYS_ADDR_MAX_ENTRIES);
            check_accepted();
        }
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    CHECK(pthread_join(thread, NULL) == 0);
}

static void the_tables_slots_are_maps_of_the_same_size(void)
{
    for (uint32_t i = 0; i < phys_addr_slots_count; i++) {
        const struct phys_addr_slot *slot = &phys_addr_slots[i];
        CHECK(slot->map_index < uio_maps_count);
        CHECK(strcmp(slot->name, uio_maps[slot->map_index].name) == 0);
        CHECK(slot->size_bytes == uio_maps[slot->map_index].size_bytes);
    }
}

/* `read FILE MAPS`: reads a page from a file, for tests that make their pages elsewhere. Prints "code entry". */
static int read_file(const char *path, const char *maps)
{
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    CHECK(fread(page.bytes, 1, sizeof(page.bytes), file) == sizeof(page.bytes));
    CHECK(fclose(file) == 0);
    struct phys_addr_result result = phys_addr_read(&page.region, (uint32_t)strtoul(maps, NULL, 10), &table);
    printf("%d %u\n", (int)result.code, (unsigned int)result.entry);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(round_trip),
        UNIT_TEST(publishing_again_replaces),
        UNIT_TEST(as_many_regions_as_there_can_be),
        UNIT_TEST(nothing_is_published_unpatched),
        UNIT_TEST(nothing_is_published_without_slots),
        UNIT_TEST(nothing_is_published_that_a_reader_would_refuse),
        UNIT_TEST(every_difference_is_found),
        UNIT_TEST(another_number_of_entries_is_a_difference),
        UNIT_TEST(only_assigned_addresses_have_to_be_patched),
        UNIT_TEST(addresses_are_found_with_their_bounds),
        UNIT_TEST(the_last_page_of_the_address_space_is_found),
        UNIT_TEST(every_code_has_a_text_of_its_own),
        UNIT_TEST(what_was_accepted_stays_sound_while_the_page_changes),
        UNIT_TEST(the_tables_slots_are_maps_of_the_same_size),
    };
    if (argc == 4 && strcmp(argv[1], "read") == 0) {
        return read_file(argv[2], argv[3]);
    }
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
