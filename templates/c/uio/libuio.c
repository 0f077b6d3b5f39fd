/* SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L

#include <sdfgen/libuio.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sdfgen/shared.h>

#include "uio_sysfs.h"

static enum uio_code open_device(struct uio *uio, const struct uio_roots *roots, struct uio_device *device)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/uio%d", roots->dev, device->number);
    device->fd = open(path, O_RDWR | O_CLOEXEC);
    if (device->fd >= 0) {
        return UIO_OK;
    }
    switch (errno) {
    case ENOENT:
        return uio_fail(uio, UIO_ERR_NODE,
                        "%s is not there, though the kernel has the device '%s': mount devtmpfs on /dev "
                        "(CONFIG_DEVTMPFS), or run mdev -s or udev",
                        path, device->entry->name);
    case EACCES:
    case EPERM:
        return uio_fail(uio, UIO_ERR_PERMISSION, "%s: %s: run this program as root, or give its user read and write "
                                                 "permission there",
                        path, strerror(errno));
    default:
        return uio_fail(uio, UIO_ERR_SYSTEM, "%s: %s", path, strerror(errno));
    }
}

static enum uio_code map_map(struct uio *uio, struct uio_map *map, uint64_t page_bytes)
{
    const struct uio_device *device = uio_device_of(uio, map);
    void *base = mmap(NULL, (size_t)map->entry->size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, device->fd,
                      (off_t)(map->index * page_bytes));
    if (base == MAP_FAILED) {
        return uio_fail(uio, UIO_ERR_SYSTEM, "can't map '%s' (uio%d map%" PRIu32 ", 0x%" PRIx64 " bytes): %s",
                        map->entry->name, device->number, map->index, map->entry->size_bytes, strerror(errno));
    }
    map->base = base;
    return UIO_OK;
}

/* The table's own limits, and that this kernel's pages divide its regions: UIO maps whole pages. */
static enum uio_code check_layout(struct uio *uio, const struct uio_layout *layout, uint64_t page_bytes)
{
    if (layout->device_count > UIO_MAX_DEVICES || layout->map_count > UIO_MAX_MAPS) {
        return uio_fail(uio, UIO_ERR_LAYOUT, "this program was generated with more than %u devices or %u maps",
                        UIO_MAX_DEVICES, UIO_MAX_MAPS);
    }
    for (uint32_t i = 0; i < layout->map_count; i++) {
        const struct uio_map_entry *entry = &layout->maps[i];
        if (entry->device >= layout->device_count || entry->size_bytes == 0 || entry->size_bytes > SIZE_MAX) {
            return uio_fail(uio, UIO_ERR_LAYOUT, "map '%s' was generated with no device or no size", entry->name);
        }
        if (entry->gpa % page_bytes != 0 || entry->size_bytes % page_bytes != 0) {
            return uio_fail(uio, UIO_ERR_LAYOUT,
                            "map '%s' (0x%" PRIx64 ", 0x%" PRIx64 " bytes) is not made of this kernel's pages of "
                            "%" PRIu64 " bytes: use a kernel with CONFIG_ARM64_4K_PAGES",
                            entry->name, entry->gpa, entry->size_bytes, page_bytes);
        }
    }
    return UIO_OK;
}

static void set_up(struct uio *uio, const struct uio_layout *layout)
{
    uio->device_count = layout->device_count;
    uio->map_count = layout->map_count;
    for (uint32_t i = 0; i < layout->device_count; i++) {
        uio->devices[i] = (struct uio_device) { .entry = &layout->devices[i], .number = -1, .fd = -1 };
    }
    for (uint32_t i = 0; i < layout->map_count; i++) {
        uio->maps[i] = (struct uio_map) { .entry = &layout->maps[i] };
    }
}

static enum uio_code open_all(struct uio *uio, const struct uio_roots *roots, uint64_t page_bytes)
{
    enum uio_code code = uio_find_devices(uio, roots);
    for (uint32_t i = 0; i < uio->map_count && code == UIO_OK; i++) {
        code = uio_check_map(uio, roots, &uio->maps[i]);
    }
    for (uint32_t i = 0; i < uio->device_count && code == UIO_OK; i++) {
        code = open_device(uio, roots, &uio->devices[i]);
    }
    for (uint32_t i = 0; i < uio->map_count && code == UIO_OK; i++) {
        code = map_map(uio, &uio->maps[i], page_bytes);
    }
    return code;
}

enum uio_code uio_open(struct uio *uio, const struct uio_layout *layout, const struct uio_roots *roots)
{
    uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    uio->device_count = 0;
    uio->map_count = 0;
    uio->message[0] = '\0';
    enum uio_code code = check_layout(uio, layout, page_bytes);
    if (code == UIO_OK) {
        set_up(uio, layout);
        code = open_all(uio, roots, page_bytes);
    }
    if (code != UIO_OK) {
        uio_close(uio);
    }
    return code;
}

enum uio_code uio_claim(struct uio *uio)
{
    for (uint32_t i = 0; i < uio->device_count; i++) {
        const struct uio_device *device = &uio->devices[i];
        if (flock(device->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
            return uio_fail(uio, UIO_ERR_BUSY, "uio%d '%s' is in use: another driver is running", device->number,
                            device->entry->name);
        }
    }
    return UIO_OK;
}

void uio_close(struct uio *uio)
{
    for (uint32_t i = 0; i < uio->map_count; i++) {
        if (uio->maps[i].base != NULL) {
            /* munmap takes no volatile pointer; nothing is accessed through it. */
            (void)munmap((void *)(uintptr_t)uio->maps[i].base, (size_t)uio->maps[i].entry->size_bytes);
        }
    }
    for (uint32_t i = 0; i < uio->device_count; i++) {
        if (uio->devices[i].fd >= 0) {
            (void)close(uio->devices[i].fd);
        }
    }
    uio->map_count = 0;
    uio->device_count = 0;
}

const struct uio_map *uio_map_named(const struct uio *uio, const char *name)
{
    for (uint32_t i = 0; i < uio->map_count; i++) {
        if (strcmp(uio->maps[i].entry->name, name) == 0) {
            return &uio->maps[i];
        }
    }
    return NULL;
}

bool uio_interrupt_enable(const struct uio_device *device)
{
    const int32_t on = 1;
    ssize_t written;
    do {
        written = write(device->fd, &on, sizeof(on));
    } while (written < 0 && errno == EINTR);
    return written == (ssize_t)sizeof(on);
}

void uio_notify(volatile uint32_t *notify, uint32_t number)
{
    /* Whatever the other side is told about must be there before it is told. */
    shared_fence();
    shared_store_u32(notify, number);
}
