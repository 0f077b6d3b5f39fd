/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that misbehaves, below an unchanged driver with the engine of threads (ld --wrap=pread and so on).
 *
 * The environment says how: FAULT_<call> is an errno that each such call fails with; SHORT_BYTES is the most that one
 * read or write moves, with every other call interrupted; SLOW_MS makes each call last; CALL_LOG names a file that gets
 * a line as each call begins and ends. The regular file that FAKE_DEVICE names is taken for the block device 253:4 of
 * sectors of 512 bytes, whose own discard leaves the letter d behind.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

ssize_t __real_pread(int fd, void *buffer, size_t length, off_t offset);
ssize_t __real_pwrite(int fd, const void *buffer, size_t length, off_t offset);
int __real_fdatasync(int fd);
int __real_fallocate(int fd, int mode, off_t offset, off_t length);
ssize_t __wrap_pread(int fd, void *buffer, size_t length, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *buffer, size_t length, off_t offset);
int __wrap_fdatasync(int fd);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t length);
int __real_stat(const char *path, struct stat *status);
int __wrap_stat(const char *path, struct stat *status);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

static unsigned calls;

static long setting(const char *name)
{
    const char *text = getenv(name);
    return text == NULL ? 0 : strtol(text, NULL, 10);
}

static void log_call(const char *when, const char *call, off_t offset)
{
    const char *path = getenv("CALL_LOG");
    char line[80];
    if (path == NULL) {
        return;
    }
    int length = snprintf(line, sizeof(line), "%s %s %ld\n", when, call, (long)offset);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (write(fd, line, (size_t)length) != length) {
        abort();
    }
    (void)close(fd);
}

/* True when the call goes on to the kernel. */
static bool begin(const char *call, const char *fault, off_t offset)
{
    long slow_ms = setting("SLOW_MS");
    const struct timespec pause = { .tv_sec = slow_ms / 1000, .tv_nsec = slow_ms % 1000 * 1000000 };
    log_call("begin", call, offset);
    (void)nanosleep(&pause, NULL);
    errno = (int)setting(fault);
    return errno == 0;
}

static bool interrupts(void)
{
    errno = EINTR;
    return setting("SHORT_BYTES") != 0 && __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED) % 2 == 0;
}

/* More than is said may have moved, as when a signal comes. A shorter call would break O_DIRECT's rules. */
static ssize_t bounded(ssize_t moved)
{
    ssize_t most = setting("SHORT_BYTES");
    return most == 0 || moved < most ? moved : most;
}

ssize_t __wrap_pread(int fd, void *buffer, size_t length, off_t offset)
{
    ssize_t moved = -1;
    if (begin("pread", "FAULT_pread", offset) && !interrupts()) {
        moved = bounded(__real_pread(fd, buffer, length, offset));
    }
    log_call("end", "pread", offset);
    return moved;
}

ssize_t __wrap_pwrite(int fd, const void *buffer, size_t length, off_t offset)
{
    ssize_t moved = -1;
    if (begin("pwrite", "FAULT_pwrite", offset) && !interrupts()) {
        moved = bounded(__real_pwrite(fd, buffer, length, offset));
    }
    log_call("end", "pwrite", offset);
    return moved;
}

int __wrap_fdatasync(int fd)
{
    int result = begin("fdatasync", "FAULT_fdatasync", 0) ? __real_fdatasync(fd) : -1;
    log_call("end", "fdatasync", 0);
    return result;
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t length)
{
    int result = begin("fallocate", "FAULT_fallocate", offset) ? __real_fallocate(fd, mode, offset, length) : -1;
    log_call("end", "fallocate", offset);
    return result;
}

int __wrap_stat(const char *path, struct stat *status)
{
    const char *device = getenv("FAKE_DEVICE");
    int result = __real_stat(path, status);
    if (result == 0 && device != NULL && strcmp(device, path) == 0) {
        status->st_mode = (status->st_mode & ~(mode_t)S_IFMT) | S_IFBLK;
        status->st_rdev = makedev(253, 4);
    }
    return result;
}

static int discard(int fd, const uint64_t range[2])
{
    static _Alignas(4096) char block[4096];
    int result = begin("discard", "FAULT_discard", (off_t)range[0]) ? 0 : -1;
    memset(block, 'd', sizeof(block));
    for (uint64_t at = 0; at < range[1] && result == 0; at += sizeof(block)) {
        ssize_t moved = __real_pwrite(fd, block, sizeof(block), (off_t)(range[0] + at));
        result = moved == (ssize_t)sizeof(block) ? 0 : -1;
    }
    log_call("end", "discard", (off_t)range[0]);
    return result;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    if (getenv("FAKE_DEVICE") == NULL) {
        return __real_ioctl(fd, request, argument);
    }
    switch (request) {
    case BLKSSZGET:
        *(int *)argument = 512;
        return 0;
    case BLKROGET:
        *(int *)argument = 0;
        return 0;
    case BLKDISCARD:
        return discard(fd, argument);
    default:
        errno = ENOTTY;
        return -1;
    }
}
