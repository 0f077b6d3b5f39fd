/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "block_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <sdfgen/sddf_blk.h>

/* What a regular file is said to have. */
#define FILE_SECTOR_BYTES 512u

/* Where the message goes, and how it begins. */
struct report {
    const char *path;
    char *message;
    size_t message_bytes;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct report *report, const char *format, ...)
{
    int used = snprintf(report->message, report->message_bytes, "%s: ", report->path);
    if (used > 0 && (size_t)used < report->message_bytes) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(report->message + used, report->message_bytes - (size_t)used, format, arguments);
        va_end(arguments);
    }
    return false;
}

static bool may_not_write(int error)
{
    return error == EACCES || error == EPERM || error == EROFS;
}

/* Tries the ways to open it from the best to the least. EINVAL is how a file system says that it has no O_DIRECT. */
static bool open_disk(struct block_disk *disk, const struct block_disk_options *options)
{
    static const struct way {
        bool read_only;
        bool direct;
    } ways[] = { { false, true }, { false, false }, { true, true }, { true, false } };

    for (size_t i = options->read_only ? 2 : 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        disk->read_only = ways[i].read_only;
        disk->direct = ways[i].direct;
        disk->fd = open(options->path, (disk->read_only ? O_RDONLY : O_RDWR) | (disk->direct ? O_DIRECT : 0) |
                                           O_CLOEXEC);
        if (disk->fd >= 0) {
            return true;
        }
        if (errno != EINVAL && (disk->read_only || !may_not_write(errno))) {
            return false;
        }
    }
    return false;
}

/* Of a device as of a file; 0 where it can't be asked for. */
static uint64_t measure_bytes(const struct block_disk *disk)
{
    off_t size_bytes = lseek(disk->fd, 0, SEEK_END);
    return size_bytes < 0 ? 0 : (uint64_t)size_bytes;
}

static bool measure_device(struct block_disk *disk, const struct report *report)
{
    int sector_bytes = 0;
    int read_only = 0;
    unsigned optimal_bytes = 0;
    if (ioctl(disk->fd, BLKSSZGET, &sector_bytes) < 0 || ioctl(disk->fd, BLKROGET, &read_only) < 0) {
        return fail(report, "can't ask for its sectors: %s", strerror(errno));
    }
    if (sector_bytes <= 0 || SDDF_BLK_BLOCK_BYTES % (unsigned)sector_bytes != 0) {
        return fail(report, "has sectors of %d bytes, which do not divide the protocol's blocks of %u", sector_bytes,
                    SDDF_BLK_BLOCK_BYTES);
    }
    if (ioctl(disk->fd, BLKIOOPT, &optimal_bytes) == 0 && optimal_bytes > SDDF_BLK_BLOCK_BYTES) {
        disk->optimal_blocks = optimal_bytes / SDDF_BLK_BLOCK_BYTES;
    }
    disk->read_only = disk->read_only || read_only != 0;
    disk->sector_bytes = (uint32_t)sector_bytes;
    return true;
}

static bool measure(struct block_disk *disk, const struct report *report)
{
    disk->sector_bytes = FILE_SECTOR_BYTES;
    disk->optimal_blocks = 1;
    if (disk->is_device && !measure_device(disk, report)) {
        return false;
    }
    uint64_t size_bytes = measure_bytes(disk);
    disk->capacity_blocks = size_bytes / SDDF_BLK_BLOCK_BYTES;
    if (disk->sector_bytes == BLOCK_DISK_TAIL_SECTOR_BYTES) {
        disk->tail_sectors = (uint32_t)(size_bytes % SDDF_BLK_BLOCK_BYTES / BLOCK_DISK_TAIL_SECTOR_BYTES);
    }
    return disk->capacity_blocks > 0 || fail(report, "holds no block of %u bytes", SDDF_BLK_BLOCK_BYTES);
}

bool block_disk_open(struct block_disk *disk, const struct block_disk_options *options, char *message,
                     size_t message_bytes)
{
    const struct report report = { options->path, message, message_bytes };
    struct stat status;
    *disk = (struct block_disk) { .fd = -1 };
    if (stat(options->path, &status) < 0) {
        return fail(&report, "%s", strerror(errno));
    }
    disk->is_device = S_ISBLK(status.st_mode);
    if (!disk->is_device && !S_ISREG(status.st_mode)) {
        return fail(&report, "is neither a block device nor a regular file");
    }
    if (!open_disk(disk, options)) {
        return fail(&report, "%s", strerror(errno));
    }
    if (!measure(disk, &report)) {
        block_disk_close(disk);
        return false;
    }
    disk->zeroes_unmap = !disk->is_device; /* as a hole */
    if (disk->is_device) {
        block_disk_serial(options->sysfs, major(status.st_rdev), minor(status.st_rdev), disk->serial);
        block_disk_abilities(options->sysfs, major(status.st_rdev), minor(status.st_rdev), disk);
    }
    return true;
}

bool block_disk_lock(const struct block_disk *disk, void (*say)(const char *what))
{
    if (flock(disk->fd, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    if (errno == EWOULDBLOCK) {
        say("waits until the requests of an earlier driver are done");
        while (flock(disk->fd, LOCK_EX) < 0) {
            if (errno != EINTR) {
                return false;
            }
        }
        return true;
    }
    return errno == ENOSYS; /* a kernel without file locks */
}

void block_disk_close(struct block_disk *disk)
{
    if (disk->fd >= 0) {
        (void)close(disk->fd);
        disk->fd = -1;
    }
}

/* A removed disk answers with EIO as a bad sector does, but has no size any more. */
static bool vanished(const struct block_disk *disk)
{
    return disk->is_device && measure_bytes(disk) < SDDF_BLK_BLOCK_BYTES;
}

uint32_t block_disk_status(const struct block_disk *disk, int error)
{
    if (error == 0) {
        return SDDF_BLK_OK;
    }
    return error == ENXIO || error == ENODEV || vanished(disk) ? SDDF_BLK_ERR_NO_DEVICE : SDDF_BLK_ERR_IO;
}

/* Reads up to `size_bytes` of a file; what there is, or -1. */
static ssize_t read_file(const char *path, char *text, size_t size_bytes)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;
    if (fd >= 0) {
        got = read(fd, text, size_bytes);
        (void)close(fd);
    }
    return got;
}

/* Reads one attribute; false when there is none or it is empty. */
static bool read_serial(const char *path, char serial[BLOCK_DISK_SERIAL_BYTES])
{
    ssize_t got = read_file(path, serial, BLOCK_DISK_SERIAL_BYTES);
    size_t length = 0;
    while (got > 0 && length < (size_t)got && serial[length] != '\n' && serial[length] != '\0') {
        length++;
    }
    while (length > 0 && serial[length - 1] == ' ') {
        length--;
    }
    memset(serial + length, 0, BLOCK_DISK_SERIAL_BYTES - length);
    return length > 0;
}

void block_disk_serial(const char *sysfs, unsigned major, unsigned minor, char serial[BLOCK_DISK_SERIAL_BYTES])
{
    static const char *const places[] = { "serial", "device/serial", "../serial", "../device/serial" };
    memset(serial, 0, BLOCK_DISK_SERIAL_BYTES);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char path[PATH_MAX];
        int length = snprintf(path, sizeof(path), "%s/dev/block/%u:%u/%s", sysfs, major, minor, places[i]);
        if (length > 0 && (size_t)length < sizeof(path) && read_serial(path, serial)) {
            return;
        }
    }
}

/* What the first of these attributes of the queue says: 0, more, or that there is none (-1). */
static int queue_limit(const char *sysfs, unsigned major, unsigned minor, const char *attribute)
{
    static const char *const places[] = { "queue", "../queue" };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char path[PATH_MAX];
        char digit;
        int length = snprintf(path, sizeof(path), "%s/dev/block/%u:%u/%s/%s", sysfs, major, minor, places[i], attribute);
        if (length > 0 && (size_t)length < sizeof(path) && read_file(path, &digit, 1) == 1) {
            return digit == '0' ? 0 : 1;
        }
    }
    return -1;
}

void block_disk_abilities(const char *sysfs, unsigned major, unsigned minor, struct block_disk *disk)
{
    disk->no_discard = queue_limit(sysfs, major, minor, "discard_max_bytes") == 0;
    disk->zeroes_unmap = queue_limit(sysfs, major, minor, "write_zeroes_max_bytes") > 0;
}
