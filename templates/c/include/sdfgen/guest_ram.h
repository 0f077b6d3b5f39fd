/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one door to a guest's memory: guest-physical addresses in, pointers with their bounds out.
 *
 * A guest's RAM is one or more regions; two that are adjacent for the guest may lie apart here. Nobody else computes a
 * pointer from a guest-physical address. What lies behind a pointer can be changed by the guest at any moment: load it
 * once (shared.h), or copy it out.
 *
 * Freestanding but for memcpy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many as vhost-user backends accept; a VMM of ours has one. */
#define GUEST_RAM_MAX_REGIONS 8u

struct guest_ram_region {
    uint64_t gpa;
    uint64_t size_bytes;
    uint8_t *host; /* where this program has the region mapped */
};

struct guest_ram {
    uint32_t region_count;
    struct guest_ram_region regions[GUEST_RAM_MAX_REGIONS];
};

/*
 * Adds a region. False, with nothing changed, when there are too many, or it is empty, wraps around the end of the
 * guest-physical or this program's address space, or overlaps a region that is there.
 */
bool guest_ram_add(struct guest_ram *ram, uint64_t gpa, uint64_t size_bytes, uint8_t *host);

/*
 * The pointer to `gpa`, and in `span_bytes` how many of the `wanted_bytes` > 0 from there on lie in the same region:
 * at least 1. NULL, with span_bytes 0, when `gpa` is not RAM. A range that runs on into an adjacent region is had by
 * asking again behind the span.
 */
uint8_t *guest_ram_span(const struct guest_ram *ram, uint64_t gpa, uint64_t wanted_bytes, uint64_t *span_bytes);

/* The pointer to a range that lies whole in one region, or NULL. `size_bytes` > 0. */
uint8_t *guest_ram_whole(const struct guest_ram *ram, uint64_t gpa, uint64_t size_bytes);

/* Whether all of a range is RAM, over as many regions as needed. `size_bytes` > 0, and the range does not wrap. */
bool guest_ram_holds(const struct guest_ram *ram, uint64_t gpa, uint64_t size_bytes);

/*
 * Copies `size_bytes` out, each byte loaded exactly once, over as many regions as needed. False when any of it is not
 * RAM; `to` then holds nothing to be used.
 */
bool guest_ram_read(const struct guest_ram *ram, uint64_t gpa, void *to, size_t size_bytes);

/* Copies a small record out of memory that the guest may be writing: each byte is loaded exactly once. */
void guest_ram_load(const volatile uint8_t *from, void *to, size_t size_bytes);
