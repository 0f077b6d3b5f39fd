/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a split virtqueue (virtio 1.2, 2.7), in the memory of a guest that a test provides. A ring with
 * a request on it takes three lines:
 *
 *     driver_init(&driver, low, high, RAM_BYTES, 8);
 *     driver_chain(&driver, 0, descs, 3);
 *     driver_submit(&driver, 0);
 *
 * The guest has two regions, adjacent for it and apart here. Nothing of the device's code is used to reach them.
 */
#pragma once

#include <sdfgen/virtq.h>

#include "unit.h"

enum { NEXT = 1, WRITE = 2, INDIRECT = 4, NEXT_WRITE = 3, NO_INTERRUPT = 1 };

#define RAM_BYTES 0x100000u
#define R0 0x40000000u
#define R1 (R0 + RAM_BYTES)
#define END (R1 + RAM_BYTES)
#define HEADER (R0 + 0x1000u)
#define DATA (R0 + 0x2000u)
#define STATUS (R0 + 0x3000u)
#define TABLE (R0 + 0x4000u)
/* Where a ring of more than 64 entries is: its descriptor table is longer than 1 KiB. */
#define LARGE_RING (R0 + 0x8000u)

struct driver {
    struct guest_ram ram;
    uint8_t *memory[2];
    uint32_t region_bytes;
    struct virtq_geometry geometry;
    uint16_t avail_idx;
};

struct driver_used {
    uint32_t id;
    uint32_t len;
};

static inline bool driver_has(const struct driver *driver, uint64_t gpa)
{
    return gpa - R0 < 2 * (uint64_t)driver->region_bytes;
}

static inline uint8_t *driver_at(const struct driver *driver, uint64_t gpa)
{
    CHECK(driver_has(driver, gpa));
    uint64_t offset = gpa - R0;
    return &driver->memory[offset / driver->region_bytes][offset % driver->region_bytes];
}

/* How many of these bytes lie in one region. */
static inline size_t driver_span(const struct driver *driver, uint64_t gpa, size_t size_bytes)
{
    size_t rest = driver->region_bytes - (size_t)((gpa - R0) % driver->region_bytes);
    return size_bytes < rest ? size_bytes : rest;
}

static inline void driver_write(const struct driver *driver, uint64_t gpa, const void *from, size_t size_bytes)
{
    for (size_t done = 0, span; done < size_bytes; done += span) {
        span = driver_span(driver, gpa + done, size_bytes - done);
        memcpy(driver_at(driver, gpa + done), (const uint8_t *)from + done, span);
    }
}

static inline void driver_read(const struct driver *driver, uint64_t gpa, void *to, size_t size_bytes)
{
    for (size_t done = 0, span; done < size_bytes; done += span) {
        span = driver_span(driver, gpa + done, size_bytes - done);
        memcpy((uint8_t *)to + done, driver_at(driver, gpa + done), span);
    }
}

static inline void driver_put_u16(const struct driver *driver, uint64_t gpa, uint16_t value)
{
    driver_write(driver, gpa, &value, sizeof(value));
}

static inline uint16_t driver_get_u16(const struct driver *driver, uint64_t gpa)
{
    uint16_t value;
    driver_read(driver, gpa, &value, sizeof(value));
    return value;
}

static inline void driver_fill(const struct driver *driver, uint64_t gpa, uint8_t value, size_t size_bytes)
{
    for (size_t done = 0, span; done < size_bytes; done += span) {
        span = driver_span(driver, gpa + done, size_bytes - done);
        memset(driver_at(driver, gpa + done), value, span);
    }
}

/* Where the three parts of a ring of that size are, both indices at `start`. */
static inline void driver_ring(struct driver *driver, uint32_t size, uint16_t start)
{
    uint64_t base = size > 64 ? LARGE_RING : R0;
    uint64_t part = size > 64 ? 0x2000 : 0x400;
    driver->geometry = (struct virtq_geometry){ size, base, base + part, base + 2 * part, start };
    driver->avail_idx = start;
    driver_put_u16(driver, driver->geometry.avail_gpa + 2, start);
    driver_put_u16(driver, driver->geometry.used_gpa + 2, start);
}

/* A guest with empty memory and an empty ring. */
static inline void driver_init(struct driver *driver, uint8_t *low, uint8_t *high, uint32_t region_bytes, uint32_t size)
{
    *driver = (struct driver){ .memory = { low, high }, .region_bytes = region_bytes };
    memset(low, 0, region_bytes);
    memset(high, 0, region_bytes);
    CHECK(guest_ram_add(&driver->ram, R0, region_bytes, low));
    CHECK(guest_ram_add(&driver->ram, (uint64_t)R0 + region_bytes, region_bytes, high));
    driver_ring(driver, size, 0);
}

/* Writes descriptors into the ring's table, from index `first` on. */
static inline void driver_chain(const struct driver *driver, uint32_t first, const struct virtq_desc *descs,
                                uint32_t count)
{
    driver_write(driver, driver->geometry.desc_gpa + 16u * first, descs, sizeof(*descs) * count);
}

/* Makes the head the next available entry, not yet visible. */
static inline void driver_offer(struct driver *driver, uint16_t head)
{
    uint32_t slot = driver->avail_idx & (driver->geometry.size - 1);
    driver_put_u16(driver, driver->geometry.avail_gpa + 4 + 2u * slot, head);
    driver->avail_idx++;
}

static inline void driver_publish(const struct driver *driver)
{
    driver_put_u16(driver, driver->geometry.avail_gpa + 2, driver->avail_idx);
}

static inline void driver_submit(struct driver *driver, uint16_t head)
{
    driver_offer(driver, head);
    driver_publish(driver);
}

static inline void driver_avail_flags(const struct driver *driver, uint16_t flags)
{
    driver_put_u16(driver, driver->geometry.avail_gpa, flags);
}

static inline void driver_used_event(const struct driver *driver, uint16_t event)
{
    driver_put_u16(driver, driver->geometry.avail_gpa + 4 + 2u * driver->geometry.size, event);
}

static inline uint16_t driver_avail_event(const struct driver *driver)
{
    return driver_get_u16(driver, driver->geometry.used_gpa + 4 + 8u * driver->geometry.size);
}

static inline uint16_t driver_used_flags(const struct driver *driver)
{
    return driver_get_u16(driver, driver->geometry.used_gpa);
}

static inline uint16_t driver_used_idx(const struct driver *driver)
{
    return driver_get_u16(driver, driver->geometry.used_gpa + 2);
}

/* How many entries were used since the ring was made. */
static inline uint16_t driver_used_count(const struct driver *driver)
{
    return (uint16_t)(driver_used_idx(driver) - driver->geometry.start);
}

/* The entry at a free-running index. */
static inline struct driver_used driver_used_at(const struct driver *driver, uint16_t index)
{
    struct driver_used used;
    uint32_t slot = index & (driver->geometry.size - 1);
    driver_read(driver, driver->geometry.used_gpa + 4 + 8u * slot, &used, sizeof(used));
    return used;
}

/* The k-th entry since the ring was made. */
static inline struct driver_used driver_used_nth(const struct driver *driver, uint16_t nth)
{
    return driver_used_at(driver, (uint16_t)(driver->geometry.start + nth));
}
