/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's side of a virtqueue, as a guest would have it: enough of one to keep a device busy and to count how
 * often either side would have to wake the other.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sdfgen/virtq.h>

#define RING_MAX_SIZE VIRTQ_MAX_SIZE
#define PAGE_BYTES 4096u

/* Where things are in the guest's memory, from its start. */
#define RING_DESC 0x0u
#define RING_AVAIL 0x10000u
#define RING_USED 0x20000u
#define RING_HEADERS 0x30000u  /* one page per request: header, status, indirect table */
#define RING_DATA 0x400000u

struct ring {
    uint8_t *memory;
    uint64_t gpa;
    uint32_t size;
    uint16_t avail_idx;
    uint16_t kicked_idx;
    uint16_t used_idx;
    uint32_t slots;       /* requests that fit into the ring at once */
    uint32_t descriptors; /* of the table, per request */
    uint32_t data_bytes;
    bool indirect;
    uint64_t kicks;
};

/*
 * A ring of `size` descriptors. Each request has `data_bytes` in pages of their own, and three descriptors or more;
 * `gpa` is where `memory` begins.
 */
void ring_init(struct ring *ring, uint8_t *memory, uint64_t gpa, uint32_t size, uint32_t data_bytes, bool indirect);

struct virtq_geometry ring_geometry(const struct ring *ring);

/* Makes a request available, in slot `slot` which is free: IN or OUT of data_bytes at `sector`. */
void ring_submit(struct ring *ring, uint32_t slot, uint32_t type, uint64_t sector);

/* Whether the device asked to be told of what was submitted since the last call; counts it. */
bool ring_kick(struct ring *ring);

/* Takes a used element: its slot, or -1. Asks to be interrupted for the next one behind it. */
int ring_complete(struct ring *ring);

/* The status byte of a slot's last request. */
uint8_t ring_status(const struct ring *ring, uint32_t slot);
