/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk below the block driver: a block device or, for trying things out, a regular file.
 *
 * It is opened O_DIRECT where that works, so that nothing stands twice in memory, and for reading only where writing is
 * not allowed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_DISK_SERIAL_BYTES 64u
/* What a tail is counted in. */
#define BLOCK_DISK_TAIL_SECTOR_BYTES 512u

struct block_disk {
    int fd;
    bool read_only;
    bool direct;   /* without the page cache */
    bool is_device; /* not a regular file */
    bool no_discard;   /* it says so; false where nothing is said */
    bool zeroes_unmap; /* zeroes may give up the room they are in */
    uint32_t sector_bytes;
    uint32_t optimal_blocks; /* of 4 KiB, at least 1 */
    uint64_t capacity_blocks;
    uint32_t tail_sectors; /* of 512 bytes, behind the last whole block; 0 where sectors are larger */
    char serial[BLOCK_DISK_SERIAL_BYTES]; /* filled up with zeroes; not terminated when it is as long */
};

struct block_disk_options {
    const char *path;
    const char *sysfs; /* "/sys" */
    bool read_only;    /* even where writing is allowed */
};

/* Opens and measures the disk. False with a message, and nothing stays open. */
bool block_disk_open(struct block_disk *disk, const struct block_disk_options *options, char *message,
                     size_t message_bytes);

/*
 * Waits until whatever an earlier driver of that disk was doing has ended, however that driver ended: its file stays
 * open, and so locked, until the kernel is done with the last of its requests. False with errno.
 */
bool block_disk_lock(const struct block_disk *disk, void (*say)(const char *what));

void block_disk_close(struct block_disk *disk);

/* The sDDF status (sddf_blk.h) that answers an errno; 0 is SDDF_BLK_OK. Asks the device whether it is still there. */
uint32_t block_disk_status(const struct block_disk *disk, int error);

/*
 * What the device major:minor says in sysfs that it can do, of the disk that it is or is a partition of.
 */
void block_disk_abilities(const char *sysfs, unsigned major, unsigned minor, struct block_disk *disk);

/*
 * The serial number of the device major:minor, from sysfs: its own (virtio-blk), the controller's (NVMe, MMC), or
 * those of the disk that it is a partition of. All zeroes when there is none.
 */
void block_disk_serial(const char *sysfs, unsigned major, unsigned minor, char serial[BLOCK_DISK_SERIAL_BYTES]);
