/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device behind a pipe, for a model in another language. A frame is a size in 32 bits and so many bytes of actions;
 * its answer is a size and what came of them:
 *
 *     S  struct shim_start                 everything anew
 *     W  u64 gpa, u32 size, bytes          the guest writes its memory
 *     R, B                                 steps and answers until nothing is under way, oldest or youngest first:
 *                                          reports u32 used interrupts, u32 configuration interrupts
 *     M                                    reports u8 needs_reset, the guest's two regions, the disk
 */
#include <unistd.h>

#include "device_rig.h"

#define FRAME_MAX_BYTES 0x100000u

struct shim_start {
    struct virtq_geometry geometry;
    uint64_t without;
    uint32_t region_bytes;
    uint32_t blocks;
    uint32_t cells;
    uint32_t queue_capacity;
    uint32_t extended;
    uint32_t read_only;
    uint32_t watched;
};

static uint8_t frame[FRAME_MAX_BYTES];
static uint8_t answer[FRAME_MAX_BYTES];
static uint32_t answer_bytes;
static struct rig_options options;

/* False at the end of input. */
static bool read_all(void *to, size_t size_bytes)
{
    for (size_t done = 0; done < size_bytes;) {
        ssize_t got = read(STDIN_FILENO, (uint8_t *)to + done, size_bytes - done);
        if (got <= 0) {
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

static void write_all(const void *from, size_t size_bytes)
{
    for (size_t done = 0; done < size_bytes;) {
        ssize_t put = write(STDOUT_FILENO, (const uint8_t *)from + done, size_bytes - done);
        CHECK(put > 0);
        done += (size_t)put;
    }
}

static void report(const void *from, size_t size_bytes)
{
    CHECK(size_bytes <= FRAME_MAX_BYTES - answer_bytes);
    memcpy(answer + answer_bytes, from, size_bytes);
    answer_bytes += (uint32_t)size_bytes;
}

static const uint8_t *start(const uint8_t *action)
{
    struct shim_start wanted;
    memcpy(&wanted, action, sizeof(wanted));
    options = (struct rig_options){
        .region_bytes = wanted.region_bytes,
        .ring_size = 8,
        .without = wanted.without,
        .blocks = wanted.blocks,
        .cells = wanted.cells,
        .queue_capacity = wanted.queue_capacity,
        .extended = wanted.extended != 0,
        .read_only = wanted.read_only != 0,
        .watched = wanted.watched != 0,
    };
    rig_offer_features(&options);
    CHECK(virtio_blk_start_queue(&rig.device, &wanted.geometry) == VIRTQ_OK);
    virtio_blk_driver_ok(&rig.device);
    return action + sizeof(wanted);
}

static const uint8_t *write_memory(const uint8_t *action)
{
    uint64_t gpa;
    uint32_t size_bytes;
    memcpy(&gpa, action, sizeof(gpa));
    memcpy(&size_bytes, action + 8, sizeof(size_bytes));
    driver_write(&rig.driver, gpa, action + 12, size_bytes);
    return action + 12 + size_bytes;
}

static void settle(bool backwards)
{
    rig.used_interrupts = 0;
    rig.config_interrupts = 0;
    if (backwards) {
        rig_settle_backwards();
    } else {
        rig_settle();
    }
    report(&rig.used_interrupts, sizeof(rig.used_interrupts));
    report(&rig.config_interrupts, sizeof(rig.config_interrupts));
}

static void report_memory(void)
{
    uint8_t needs_reset = virtio_blk_needs_reset(&rig.device);
    report(&needs_reset, sizeof(needs_reset));
    report(rig.low, options.region_bytes);
    report(rig.high, options.region_bytes);
    report(rig.disk.bytes, options.blocks * (size_t)SDDF_BLK_BLOCK_BYTES);
}

static const uint8_t *act(const uint8_t *action)
{
    switch (*action) {
    case 'S':
        return start(action + 1);
    case 'W':
        return write_memory(action + 1);
    case 'M':
        report_memory();
        return action + 1;
    default:
        settle(*action == 'B');
        return action + 1;
    }
}

int main(void)
{
    uint32_t size_bytes;
    while (read_all(&size_bytes, sizeof(size_bytes))) {
        CHECK(size_bytes <= sizeof(frame) && read_all(frame, size_bytes));
        answer_bytes = 0;
        for (const uint8_t *action = frame; action < frame + size_bytes;) {
            action = act(action);
        }
        write_all(&answer_bytes, sizeof(answer_bytes));
        write_all(answer, answer_bytes);
    }
    return 0;
}
