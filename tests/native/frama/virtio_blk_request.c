/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request parser: chains of up to three segments of sizes around its borders (nothing but the status, a header cut
 * in two, header and range, one byte more), readable or writable, mapped or not, with any content; any limits.
 *
 * Each segment is memory of exactly its size, so that one byte beyond it is an alarm.
 */
#include <sdfgen/shared.h>
#include <sdfgen/virtio_blk_request.h>

#include "any.h"

#define SEGMENTS 3u
#define SIZES 5u

static uint8_t bytes_1[SEGMENTS][1];
static uint8_t bytes_15[SEGMENTS][15];
static uint8_t bytes_16[SEGMENTS][16];
static uint8_t bytes_33[SEGMENTS][33];
static uint8_t bytes_512[SEGMENTS][512];

static struct virtq_chain chain;
static struct virtio_blk_limits limits;
static struct virtio_blk_request request;

static struct virtq_segment segment(uint32_t place, uint32_t size)
{
    switch (size) {
    case 0:
        return (struct virtq_segment) { bytes_1[place], 1 };
    case 1:
        return (struct virtq_segment) { bytes_15[place], 15 };
    case 2:
        return (struct virtq_segment) { bytes_16[place], 16 };
    case 3:
        return (struct virtq_segment) { bytes_33[place], 33 };
    default:
        return (struct virtq_segment) { bytes_512[place], 512 };
    }
}

static void parse(void)
{
    enum virtio_blk_verdict verdict = virtio_blk_parse(&chain, &limits, &request);
    if (verdict != VIRTIO_BLK_DROP) {
        shared_store_u8(request.status, VIRTIO_BLK_S_OK);
        (void)virtio_blk_used_bytes(&request, any_u32());
    }
}

/* `sizes` has a digit for each segment. */
static void set_up(uint32_t count, uint32_t readable, uint32_t sizes)
{
    chain.segment_count = count;
    chain.readable_count = readable;
    chain.readable_bytes = 0;
    chain.writable_bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        chain.segments[i] = segment(i, sizes % SIZES);
        sizes /= SIZES;
        if (i < readable) {
            chain.readable_bytes += chain.segments[i].size_bytes;
        } else {
            chain.writable_bytes += chain.segments[i].size_bytes;
        }
    }
}

static void parse_all_of(uint32_t count, uint32_t combinations)
{
    for (uint32_t readable = 0; readable <= count; readable++) {
        for (uint32_t sizes = 0; sizes < combinations; sizes++) {
            set_up(count, readable, sizes);
            parse();
        }
    }
}

static void parse_unmapped(void)
{
    set_up(SEGMENTS, 1, 2);
    chain.unmapped = true;
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        chain.segments[i].host = NULL;
        parse();
    }
}

int main(void)
{
    limits = (struct virtio_blk_limits) { any_u64(), any_bool(), any_bool() };
    parse_all_of(0, 1);
    parse_all_of(1, SIZES);
    parse_all_of(2, SIZES * SIZES);
    parse_all_of(3, SIZES * SIZES * SIZES);
    parse_unmapped();
    return 0;
}
