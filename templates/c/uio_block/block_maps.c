/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_maps.h"

#include <inttypes.h>
#include <stdio.h>

#include <sdfgen/block_queue.h>

/* The map of that name, or NULL with a message when the table has none as large. */
static volatile void *find(const struct uio *uio, const char *name, uint64_t needed_bytes)
{
    const struct uio_map *map = uio_map_named(uio, name);
    if (map != NULL && map->entry->size_bytes >= needed_bytes) {
        return map->base;
    }
    fprintf(stderr, "uio_block_driver: this program was generated without a map called '%s' of 0x%" PRIx64 " bytes\n",
            name, needed_bytes);
    return NULL;
}

bool block_maps_find(const struct uio *uio, uint32_t queue_capacity, struct block_maps *maps)
{
    bool power_of_two = queue_capacity != 0 && (queue_capacity & (queue_capacity - 1)) == 0;
    if (!power_of_two || queue_capacity > BLOCK_QUEUE_MAX_CAPACITY) {
        fprintf(stderr, "uio_block_driver: this program was generated for queues of %" PRIu32 " slots\n",
                queue_capacity);
        return false;
    }
    maps->notify = find(uio, UIO_MAP_NOTIFY, sizeof(*maps->notify));
    maps->info = find(uio, UIO_MAP_STORAGE_INFO, sizeof(*maps->info));
    maps->requests = find(uio, UIO_MAP_REQUEST_QUEUE, SDDF_BLK_REQUEST_QUEUE_BYTES(queue_capacity));
    maps->responses = find(uio, UIO_MAP_RESPONSE_QUEUE, SDDF_BLK_RESPONSE_QUEUE_BYTES(queue_capacity));
    return maps->notify != NULL && maps->info != NULL && maps->requests != NULL && maps->responses != NULL;
}

static enum block_exit fail_page(const struct phys_addr_result *result)
{
    fprintf(stderr,
            "uio_block_driver: phys-addr page, entry %" PRIu32 ": %s; the VMM fills it before it starts this VM: "
            "use the VMM of the same build\n",
            result->entry, phys_addr_strerror(result->code));
    return EXIT_PAGE;
}

/* Prints both sides of a difference between the page and this program. */
static enum block_exit fail_different(const struct phys_addr_table *table, const struct phys_addr_result *result)
{
    uint32_t i = result->entry;
    fprintf(stderr, "uio_block_driver: phys-addr entry %" PRIu32 " (%s): %s\n", i,
            i < phys_addr_slots_count ? phys_addr_slots[i].name : "unknown", phys_addr_strerror(result->code));
    if (i < table->count) {
        fprintf(stderr, "  the page:     io address 0x%" PRIx64 ", 0x%" PRIx64 " bytes, map %" PRIu32 "\n",
                table->entries[i].io_base, table->entries[i].size_bytes, table->entries[i].map_index);
    }
    if (i < phys_addr_slots_count) {
        fprintf(stderr, "  this program: io address 0x%" PRIx64 ", 0x%" PRIx64 " bytes, map %" PRIu32 "\n",
                *phys_addr_slots[i].io_base, phys_addr_slots[i].size_bytes, phys_addr_slots[i].map_index);
    }
    fprintf(stderr, "  refusing to start: build, patch and install the driver VMM and this program together\n");
    return EXIT_DIFFERENT;
}

enum block_exit block_maps_read_addresses(const struct uio *uio, struct phys_addr_table *table)
{
    const volatile struct phys_addr_region *region = find(uio, UIO_MAP_PHYS_ADDR, sizeof(*region));
    if (region == NULL) {
        return EXIT_MAP;
    }
    struct phys_addr_result result = phys_addr_read(region, uio->map_count, table);
    if (result.code != PHYS_ADDR_OK) {
        return fail_page(&result);
    }
    result = phys_addr_compare(table, phys_addr_slots, phys_addr_slots_count, phys_addr_mode);
    return result.code == PHYS_ADDR_OK ? EXIT_AS_BUILT : fail_different(table, &result);
}

static void print_io_address(const struct phys_addr_table *table, uint32_t map_index)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->entries[i].map_index == map_index) {
            printf("0x%" PRIx64 "\n", table->entries[i].io_base);
            return;
        }
    }
    printf("-\n");
}

enum block_exit block_maps_print(const struct uio *uio, const struct phys_addr_table *table)
{
    printf("%-20s %-12s %-10s %-18s %-12s %s\n", "map", "device", "where", "gpa", "size", "io address");
    for (uint32_t i = 0; i < uio->map_count; i++) {
        const struct uio_map *map = &uio->maps[i];
        const struct uio_device *device = &uio->devices[map->entry->device];
        char where[24];
        (void)snprintf(where, sizeof(where), "uio%d/map%" PRIu32, device->number, map->index);
        printf("%-20s %-12s %-10s 0x%-16" PRIx64 " 0x%-10" PRIx64 " ", map->entry->name, device->entry->name, where,
               map->entry->gpa, map->entry->size_bytes);
        print_io_address(table, i);
    }
    if (fflush(stdout) != 0) {
        perror("uio_block_driver: standard output");
        return EXIT_SYSTEM;
    }
    return EXIT_AS_BUILT;
}

