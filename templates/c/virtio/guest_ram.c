/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/guest_ram.h>
#include <sdfgen/mem.h>
#include <sdfgen/shared.h>

/* Whether [start, start + size) neither is empty nor runs past the last address. */
static bool range_is_sound(uint64_t start, uint64_t size)
{
    return size != 0 && size - 1 <= UINT64_MAX - start;
}

/* Whether two sound ranges share an address: one of them starts inside the other. */
static bool ranges_overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a - b < b_size || b - a < a_size;
}

bool guest_ram_add(struct guest_ram *ram, uint64_t gpa, uint64_t size_bytes, uint8_t *host)
{
    if (ram->region_count >= GUEST_RAM_MAX_REGIONS || !range_is_sound(gpa, size_bytes) ||
        !range_is_sound((uintptr_t)host, size_bytes) || size_bytes > SIZE_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < ram->region_count; i++) {
        if (ranges_overlap(gpa, size_bytes, ram->regions[i].gpa, ram->regions[i].size_bytes)) {
            return false;
        }
    }
    ram->regions[ram->region_count] = (struct guest_ram_region) { .gpa = gpa, .size_bytes = size_bytes, .host = host };
    ram->region_count++;
    return true;
}

uint8_t *guest_ram_span(const struct guest_ram *ram, uint64_t gpa, uint64_t wanted_bytes, uint64_t *span_bytes)
{
    for (uint32_t i = 0; i < ram->region_count; i++) {
        const struct guest_ram_region *region = &ram->regions[i];
        /* Below the region this wraps to more than any size. */
        uint64_t offset = gpa - region->gpa;
        if (offset < region->size_bytes) {
            uint64_t rest = region->size_bytes - offset;
            *span_bytes = wanted_bytes < rest ? wanted_bytes : rest;
            return region->host + offset;
        }
    }
    *span_bytes = 0;
    return NULL;
}

uint8_t *guest_ram_whole(const struct guest_ram *ram, uint64_t gpa, uint64_t size_bytes)
{
    for (uint32_t i = 0; i < ram->region_count; i++) {
        const struct guest_ram_region *region = &ram->regions[i];
        uint64_t offset = gpa - region->gpa;
        if (size_bytes <= region->size_bytes && offset <= region->size_bytes - size_bytes) {
            return region->host + offset;
        }
    }
    return NULL;
}

bool guest_ram_holds(const struct guest_ram *ram, uint64_t gpa, uint64_t size_bytes)
{
    /* Each round leaves a region behind, and regions do not overlap. */
    for (uint32_t i = 0; i < GUEST_RAM_MAX_REGIONS; i++) {
        uint64_t span = 0;
        if (guest_ram_span(ram, gpa, size_bytes, &span) == NULL || span == size_bytes) {
            return span != 0;
        }
        gpa += span;
        size_bytes -= span;
    }
    return false;
}

void guest_ram_load(const volatile uint8_t *from, void *to, size_t size_bytes)
{
    uint8_t *bytes = to;
    size_t done = 0;
    if ((uintptr_t)from % sizeof(uint64_t) == 0) {
        for (; size_bytes - done >= sizeof(uint64_t); done += sizeof(uint64_t)) {
            uint64_t word = shared_load_u64((const volatile uint64_t *)(const volatile void *)(from + done));
            memcpy(bytes + done, &word, sizeof(word));
        }
    }
    for (; done < size_bytes; done++) {
        bytes[done] = shared_load_u8(from + done);
    }
}

bool guest_ram_read(const struct guest_ram *ram, uint64_t gpa, void *to, size_t size_bytes)
{
    uint8_t *bytes = to;
    for (size_t done = 0; done < size_bytes; done++) {
        const uint8_t *host = guest_ram_whole(ram, gpa + done, 1);
        /* Past the end of the address space there is no RAM, though addresses go on at 0. */
        if (host == NULL || done > UINT64_MAX - gpa) {
            return false;
        }
        bytes[done] = shared_load_u8(host);
    }
    return true;
}
