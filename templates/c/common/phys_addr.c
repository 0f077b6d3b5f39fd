/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/phys_addr.h>

static struct phys_addr_result result(enum phys_addr_code code, uint32_t entry)
{
    return (struct phys_addr_result) { .code = code, .entry = entry };
}

/* The rules an entry must keep by itself. */
static enum phys_addr_code check_entry(const struct phys_addr_entry *entry, uint32_t map_count)
{
    if (entry->io_base % PHYS_ADDR_PAGE_BYTES != 0) {
        return PHYS_ADDR_ERR_BASE_UNALIGNED;
    }
    if (entry->size_bytes == 0) {
        return PHYS_ADDR_ERR_SIZE_ZERO;
    }
    if (entry->size_bytes % PHYS_ADDR_PAGE_BYTES != 0) {
        return PHYS_ADDR_ERR_SIZE_UNALIGNED;
    }
    if (entry->size_bytes - 1 > UINT64_MAX - entry->io_base) {
        return PHYS_ADDR_ERR_WRAP;
    }
    if (entry->map_index >= map_count) {
        return PHYS_ADDR_ERR_MAP_INDEX;
    }
    return entry->reserved == 0 ? PHYS_ADDR_OK : PHYS_ADDR_ERR_RESERVED;
}

/* The rules between two entries, neither of which wraps. */
static enum phys_addr_code check_pair(const struct phys_addr_entry *a, const struct phys_addr_entry *b)
{
    if (a->io_base - b->io_base < b->size_bytes || b->io_base - a->io_base < a->size_bytes) {
        return PHYS_ADDR_ERR_OVERLAP;
    }
    return a->map_index == b->map_index ? PHYS_ADDR_ERR_MAP_TWICE : PHYS_ADDR_OK;
}

static struct phys_addr_result check_table(const struct phys_addr_table *table, uint32_t map_count)
{
    for (uint32_t i = 0; i < table->count; i++) {
        enum phys_addr_code code = check_entry(&table->entries[i], map_count);
        for (uint32_t j = 0; j < i && code == PHYS_ADDR_OK; j++) {
            code = check_pair(&table->entries[i], &table->entries[j]);
        }
        if (code != PHYS_ADDR_OK) {
            return result(code, i);
        }
    }
    return result(PHYS_ADDR_OK, 0);
}

/* This program's slots as a table, patched but not yet checked. */
static struct phys_addr_result table_of_slots(const struct phys_addr_slot *slots, uint32_t slot_count,
                                              struct phys_addr_table *table)
{
    if (slot_count == 0 || slot_count > PHYS_ADDR_MAX_ENTRIES) {
        return result(PHYS_ADDR_ERR_SLOT_COUNT, 0);
    }
    table->count = slot_count;
    for (uint32_t i = 0; i < slot_count; i++) {
        if (*slots[i].io_base == PHYS_ADDR_UNPATCHED) {
            return result(PHYS_ADDR_ERR_SLOT_UNPATCHED, i);
        }
        table->entries[i].io_base = *slots[i].io_base;
        table->entries[i].size_bytes = slots[i].size_bytes;
        table->entries[i].map_index = slots[i].map_index;
        table->entries[i].reserved = 0;
    }
    return result(PHYS_ADDR_OK, 0);
}

static void write_region(volatile struct phys_addr_region *region, const struct phys_addr_table *table)
{
    __atomic_store_n(&region->magic, 0, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    region->version = PHYS_ADDR_VERSION;
    region->header_bytes = offsetof(struct phys_addr_region, entries);
    region->entry_count = table->count;
    region->reserved = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        region->entries[i].io_base = table->entries[i].io_base;
        region->entries[i].size_bytes = table->entries[i].size_bytes;
        region->entries[i].map_index = table->entries[i].map_index;
        region->entries[i].reserved = 0;
    }
    __atomic_store_n(&region->magic, PHYS_ADDR_MAGIC, __ATOMIC_RELEASE);
}

struct phys_addr_result phys_addr_publish(volatile struct phys_addr_region *region, const struct phys_addr_slot *slots,
                                          uint32_t slot_count)
{
    struct phys_addr_table table;
    struct phys_addr_result found = table_of_slots(slots, slot_count, &table);
    if (found.code == PHYS_ADDR_OK) {
        /* The writer does not know how many maps the reader has; the reader does. */
        found = check_table(&table, UINT32_MAX);
    }
    if (found.code == PHYS_ADDR_OK) {
        write_region(region, &table);
    }
    return found;
}

/* Reads the header, each word once. The count is the caller's only when the code is PHYS_ADDR_OK. */
static enum phys_addr_code read_header(const volatile struct phys_addr_region *region, uint32_t *count)
{
    if (__atomic_load_n(&region->magic, __ATOMIC_ACQUIRE) != PHYS_ADDR_MAGIC) {
        return PHYS_ADDR_ERR_MAGIC;
    }
    if (region->version != PHYS_ADDR_VERSION) {
        return PHYS_ADDR_ERR_VERSION;
    }
    if (region->header_bytes != offsetof(struct phys_addr_region, entries) || region->reserved != 0) {
        return PHYS_ADDR_ERR_HEADER;
    }
    *count = region->entry_count;
    return *count == 0 || *count > PHYS_ADDR_MAX_ENTRIES ? PHYS_ADDR_ERR_COUNT : PHYS_ADDR_OK;
}

struct phys_addr_result phys_addr_read(const volatile struct phys_addr_region *region, uint32_t map_count,
                                       struct phys_addr_table *table)
{
    uint32_t count = 0;
    enum phys_addr_code code = read_header(region, &count);
    if (code != PHYS_ADDR_OK) {
        table->count = 0;
        return result(code, 0);
    }
    table->count = count;
    for (uint32_t i = 0; i < count; i++) {
        table->entries[i].io_base = region->entries[i].io_base;
        table->entries[i].size_bytes = region->entries[i].size_bytes;
        table->entries[i].map_index = region->entries[i].map_index;
        table->entries[i].reserved = region->entries[i].reserved;
    }
    return check_table(table, map_count);
}

static enum phys_addr_code compare_entry(const struct phys_addr_entry *entry, const struct phys_addr_slot *slot,
                                         enum phys_addr_mode mode)
{
    if (mode == PHYS_ADDR_ASSIGNED) {
        if (*slot->io_base == PHYS_ADDR_UNPATCHED) {
            return PHYS_ADDR_ERR_SLOT_UNPATCHED;
        }
        if (*slot->io_base != entry->io_base) {
            return PHYS_ADDR_DIFF_BASE;
        }
    }
    if (slot->size_bytes != entry->size_bytes) {
        return PHYS_ADDR_DIFF_SIZE;
    }
    return slot->map_index == entry->map_index ? PHYS_ADDR_OK : PHYS_ADDR_DIFF_MAP;
}

struct phys_addr_result phys_addr_compare(const struct phys_addr_table *table, const struct phys_addr_slot *slots,
                                          uint32_t slot_count, enum phys_addr_mode mode)
{
    uint32_t common = slot_count < table->count ? slot_count : table->count;
    for (uint32_t i = 0; i < common; i++) {
        enum phys_addr_code code = compare_entry(&table->entries[i], &slots[i], mode);
        if (code != PHYS_ADDR_OK) {
            return result(code, i);
        }
    }
    return slot_count == table->count ? result(PHYS_ADDR_OK, 0) : result(PHYS_ADDR_DIFF_COUNT, common);
}

bool phys_addr_find(const struct phys_addr_table *table, uint64_t io_addr, uint64_t length_bytes, uint32_t *entry,
                    uint64_t *offset_bytes)
{
    for (uint32_t i = 0; i < table->count; i++) {
        /* Below the base this wraps to a number larger than any size that passed check_entry. */
        uint64_t offset = io_addr - table->entries[i].io_base;
        if (offset < table->entries[i].size_bytes) {
            if (length_bytes == 0 || length_bytes > table->entries[i].size_bytes - offset) {
                return false;
            }
            *entry = i;
            *offset_bytes = offset;
            return true;
        }
    }
    return false;
}

static const char *const messages[] = {
    [PHYS_ADDR_OK] = "no error",
    [PHYS_ADDR_ERR_SLOT_COUNT] = "this program was generated with no regions, or with too many",
    [PHYS_ADDR_ERR_SLOT_UNPATCHED] = "the io address was never patched into this program",
    [PHYS_ADDR_ERR_MAGIC] = "the page has no magic: it was not published",
    [PHYS_ADDR_ERR_VERSION] = "the page has another version",
    [PHYS_ADDR_ERR_HEADER] = "the header is malformed",
    [PHYS_ADDR_ERR_COUNT] = "the page has no entries, or too many",
    [PHYS_ADDR_ERR_BASE_UNALIGNED] = "the io address is not page aligned",
    [PHYS_ADDR_ERR_SIZE_ZERO] = "the size is zero",
    [PHYS_ADDR_ERR_SIZE_UNALIGNED] = "the size is not a whole number of pages",
    [PHYS_ADDR_ERR_WRAP] = "the region runs past the end of the address space",
    [PHYS_ADDR_ERR_MAP_INDEX] = "there is no map of that index",
    [PHYS_ADDR_ERR_RESERVED] = "the reserved word is not zero",
    [PHYS_ADDR_ERR_OVERLAP] = "the region overlaps an earlier one",
    [PHYS_ADDR_ERR_MAP_TWICE] = "the map belongs to an earlier entry",
    [PHYS_ADDR_DIFF_COUNT] = "the number of entries differs",
    [PHYS_ADDR_DIFF_BASE] = "the io address differs",
    [PHYS_ADDR_DIFF_SIZE] = "the size differs",
    [PHYS_ADDR_DIFF_MAP] = "the map index differs",
};

const char *phys_addr_strerror(enum phys_addr_code code)
{
    size_t index = (size_t)code;
    if (index >= sizeof(messages) / sizeof(messages[0]) || messages[index] == NULL) {
        return "unknown code";
    }
    return messages[index];
}
