/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shared phys-addr region: which io address each data region has.
 *
 * The virtualiser puts io addresses into the requests it hands to the driver. The Linux UIO driver sees the same
 * memory at other addresses, so it needs a table from io address to map. The driver VMM writes that table into one
 * page that it shares with the driver VM, before it starts the guest; the UIO driver reads it once at start.
 *
 * Trust: the writer and the reader are different programs, possibly of different builds. The reader believes nothing
 * of the page that it has not checked, and loads each word of it exactly once, into a table of its own.
 *
 * Access: in the driver VM the page is Device memory (UIO maps it uncached), where an unaligned access or a libc
 * memcpy faults. Every access here is a naturally aligned 4 or 8 byte volatile one. The VMM must map the page uncached
 * as well, since the guest's view bypasses the cache.
 *
 * Freestanding: needs no libc, allocates nothing and has no state.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "SDFGPHYS" as a little-endian word. */
#define PHYS_ADDR_MAGIC UINT64_C(0x5359485047464453)
#define PHYS_ADDR_VERSION 1u
/* The size of the region, and what every io base and size in it is a multiple of. */
#define PHYS_ADDR_PAGE_BYTES 4096u
/* The virtualiser's own data region and those of 61 clients: one of the 62 Microkit channel ids is the driver's. */
#define PHYS_ADDR_MAX_ENTRIES 62u

/* An io address that was never patched in. It is not page aligned, so no region can have it. */
#define PHYS_ADDR_UNPATCHED UINT64_MAX

/*
 * Marks a 64-bit global that sdfgen or the Microkit tool writes after linking:
 *
 *     SDFGEN_PATCHED uint64_t io_base_client1_0_data = PHYS_ADDR_UNPATCHED;
 *
 * It stays in .data (in .bss there are no bytes to patch), in one piece, under its own name, though nothing in the
 * program writes it. It must be neither const nor static, or the compiler may use the value it sees here instead.
 */
#define SDFGEN_PATCHED __attribute__((section(".data"), aligned(8), used, visibility("default")))

/* One region of the shared page. All words little-endian. */
struct phys_addr_entry {
    uint64_t io_base;    /* the address that requests carry; page aligned */
    uint64_t size_bytes; /* > 0, whole pages */
    uint32_t map_index;  /* the map in the UIO driver's table (uio_table.h) that shows this region */
    uint32_t reserved;   /* zero */
};

/* The shared page. `magic` is written last: a page without it was not published. */
struct phys_addr_region {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes; /* offset of entries */
    uint32_t entry_count;
    uint32_t reserved; /* zero */
    struct phys_addr_entry entries[PHYS_ADDR_MAX_ENTRIES];
};

_Static_assert(sizeof(struct phys_addr_entry) == 24, "wire size of an entry");
_Static_assert(offsetof(struct phys_addr_entry, io_base) == 0, "wire offset");
_Static_assert(offsetof(struct phys_addr_entry, size_bytes) == 8, "wire offset");
_Static_assert(offsetof(struct phys_addr_entry, map_index) == 16, "wire offset");
_Static_assert(offsetof(struct phys_addr_entry, reserved) == 20, "wire offset");
_Static_assert(offsetof(struct phys_addr_region, magic) == 0, "wire offset");
_Static_assert(offsetof(struct phys_addr_region, version) == 8, "wire offset");
_Static_assert(offsetof(struct phys_addr_region, header_bytes) == 12, "wire offset");
_Static_assert(offsetof(struct phys_addr_region, entry_count) == 16, "wire offset");
_Static_assert(offsetof(struct phys_addr_region, reserved) == 20, "wire offset");
_Static_assert(offsetof(struct phys_addr_region, entries) == 24, "wire offset");
_Static_assert(sizeof(struct phys_addr_region) <= PHYS_ADDR_PAGE_BYTES, "the region is one page");

/* Generated: one entry as this program knows it. Both the driver VMM and the UIO driver have such a table. */
struct phys_addr_slot {
    const char *name;        /* the memory region, for messages */
    const uint64_t *io_base; /* a SDFGEN_PATCHED global */
    uint64_t size_bytes;
    uint32_t map_index;
};

/* Where a reader's io addresses come from (`physical_addresses` in system.toml). */
enum phys_addr_mode {
    PHYS_ADDR_ASSIGNED = 0, /* patched into its ELF before packaging: the page must say the same */
    PHYS_ADDR_LEARNED = 1,  /* known at run time only: the page is the one source, the slots' io_base are not read */
};

/* What went wrong, grouped by whom to blame. */
enum phys_addr_code {
    PHYS_ADDR_OK = 0,

    /* This program's own slots. */
    PHYS_ADDR_ERR_SLOT_COUNT = 1,     /* none, or more than PHYS_ADDR_MAX_ENTRIES */
    PHYS_ADDR_ERR_SLOT_UNPATCHED = 2, /* an io base still is PHYS_ADDR_UNPATCHED */

    /* The page as a whole. */
    PHYS_ADDR_ERR_MAGIC = 10,
    PHYS_ADDR_ERR_VERSION = 11,
    PHYS_ADDR_ERR_HEADER = 12, /* header size or its reserved word */
    PHYS_ADDR_ERR_COUNT = 13,  /* no entry, or more than PHYS_ADDR_MAX_ENTRIES */

    /* One entry (publishing checks its slots by the same rules). */
    PHYS_ADDR_ERR_BASE_UNALIGNED = 20,
    PHYS_ADDR_ERR_SIZE_ZERO = 21,
    PHYS_ADDR_ERR_SIZE_UNALIGNED = 22,
    PHYS_ADDR_ERR_WRAP = 23,      /* the region runs past the end of the address space */
    PHYS_ADDR_ERR_MAP_INDEX = 24, /* no such map */
    PHYS_ADDR_ERR_RESERVED = 25,
    PHYS_ADDR_ERR_OVERLAP = 26,   /* shares an io address with an earlier entry */
    PHYS_ADDR_ERR_MAP_TWICE = 27, /* has the map of an earlier entry */

    /* The page is sound, but says something else than this program's slots. */
    PHYS_ADDR_DIFF_COUNT = 30,
    PHYS_ADDR_DIFF_BASE = 31,
    PHYS_ADDR_DIFF_SIZE = 32,
    PHYS_ADDR_DIFF_MAP = 33,
};

/* A code, and which entry (or slot) it is about; 0 where it is about none. */
struct phys_addr_result {
    enum phys_addr_code code;
    uint32_t entry;
};

/* A checked copy of the page, in the reader's own memory. 1.5 KiB: keep it off small stacks. */
struct phys_addr_table {
    uint32_t count;
    struct phys_addr_entry entries[PHYS_ADDR_MAX_ENTRIES];
};

/*
 * Driver VMM: writes the slots into the page. The magic is withdrawn first and written last, with release ordering.
 * Nothing is written when a slot is unpatched, breaks an entry's rules, or there are none or too many.
 * Uses 2 KiB of stack.
 */
struct phys_addr_result phys_addr_publish(volatile struct phys_addr_region *region, const struct phys_addr_slot *slots,
                                          uint32_t slot_count);

/*
 * UIO driver: copies the page into `table`, checking all of it. `map_count` bounds the map index. `table` holds
 * nothing to be used unless the code is PHYS_ADDR_OK.
 */
struct phys_addr_result phys_addr_read(const volatile struct phys_addr_region *region, uint32_t map_count,
                                       struct phys_addr_table *table);

/*
 * UIO driver: the first difference between what was read and this program's own slots: PHYS_ADDR_DIFF_*, or
 * PHYS_ADDR_ERR_SLOT_* when the slots themselves are not usable. With PHYS_ADDR_LEARNED io bases are not compared.
 */
struct phys_addr_result phys_addr_compare(const struct phys_addr_table *table, const struct phys_addr_slot *slots,
                                          uint32_t slot_count, enum phys_addr_mode mode);

/*
 * Finds the entry that holds all of [io_addr, io_addr + length_bytes), length_bytes > 0, and the offset of io_addr in
 * it. False, with nothing written, when no single entry holds it.
 */
bool phys_addr_find(const struct phys_addr_table *table, uint64_t io_addr, uint64_t length_bytes, uint32_t *entry,
                    uint64_t *offset_bytes);

/* What is wrong, as a phrase without a full stop; never NULL. */
const char *phys_addr_strerror(enum phys_addr_code code);
