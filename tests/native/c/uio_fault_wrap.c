/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that misbehaves, below an unchanged driver with the engine of threads (ld --wrap=pread and so on).
 *
 * The environment says how: FAULT_<call> is an errno that each such call fails with; SHORT_BYTES is the most that one
 * read or write moves, with every other call interrupted; SLOW_MS makes each call last; CALL_LOG names a file that gets
 * a line as each call begins and ends.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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
