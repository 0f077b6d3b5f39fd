/* SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L

#include "uio_sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longer than a device tree name (31 characters) or a 64-bit number. */
#define ATTRIBUTE_BYTES 80

#define BIND_HINT                                                                                              \
    "check that this VM boots with the device tree of this build and that its kernel has "                     \
    "CONFIG_UIO_PDRV_GENIRQ with uio_pdrv_genirq.of_id=generic-uio in the boot arguments (as a module: insmod " \
    "uio_pdrv_genirq.ko of_id=generic-uio)"
#define REBUILD_HINT "the device tree and this program are of different builds"

enum uio_code uio_fail(struct uio *uio, enum uio_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(uio->message, sizeof(uio->message), format, arguments);
    va_end(arguments);
    return code;
}

/* Appends to a text, cutting off what does not fit. */
__attribute__((format(printf, 3, 4))) static void append(char *text, size_t text_bytes, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text + used, text_bytes - used, format, arguments);
    va_end(arguments);
}

/* The first line of /sys/class/uio/uioN/<attribute>. False with errno set when it can't be read. */
static bool read_attribute(const struct uio_roots *roots, int number, const char *attribute,
                           char text[ATTRIBUTE_BYTES])
{
    char path[PATH_MAX];
    int length = snprintf(path, sizeof(path), "%s/class/uio/uio%d/%s", roots->sysfs, number, attribute);
    if (length < 0 || (size_t)length >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return false;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t got = read(fd, text, ATTRIBUTE_BYTES - 1);
    int error = errno;
    (void)close(fd);
    errno = error;
    if (got < 0) {
        return false;
    }
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return true;
}

static bool read_map_attribute(const struct uio_roots *roots, int number, uint32_t map, const char *attribute,
                               char text[ATTRIBUTE_BYTES])
{
    char path[48];
    (void)snprintf(path, sizeof(path), "maps/map%" PRIu32 "/%s", map, attribute);
    return read_attribute(roots, number, path, text);
}

static enum uio_code fail_attribute(struct uio *uio, int number, const char *attribute)
{
    enum uio_code code = errno == EACCES || errno == EPERM ? UIO_ERR_PERMISSION : UIO_ERR_SYSTEM;
    return uio_fail(uio, code, "can't read %s of uio%d in sysfs: %s", attribute, number, strerror(errno));
}

/* N of "uioN", or -1 for any other name. */
static int device_number(const char *name)
{
    char *end = NULL;
    if (strncmp(name, "uio", 3) != 0 || name[3] < '0' || name[3] > '9') {
        return -1;
    }
    errno = 0;
    long number = strtol(name + 3, &end, 10);
    return *end != '\0' || errno != 0 || number > INT_MAX ? -1 : (int)number;
}

/* Whether Linux's name is the node's, as it stands there or with the unit address behind it. */
static bool is_name_of(const char *name, const char *node)
{
    size_t length = strlen(node);
    return strncmp(name, node, length) == 0 && (name[length] == '\0' || name[length] == '@');
}

/* Notes /dev/uio<number> for the table's device of that name, if there is one. */
static enum uio_code claim(struct uio *uio, int number, const char *name)
{
    for (uint32_t i = 0; i < uio->device_count; i++) {
        struct uio_device *device = &uio->devices[i];
        if (!is_name_of(name, device->entry->name)) {
            continue;
        }
        if (device->number >= 0) {
            return uio_fail(uio, UIO_ERR_NO_DEVICE, "uio%d and uio%d are both called '%s': %s", device->number, number,
                            device->entry->name, REBUILD_HINT);
        }
        device->number = number;
    }
    return UIO_OK;
}

/* Gives each of the table's devices its number. `seen` lists what there is, for the message. */
static enum uio_code scan_class(struct uio *uio, const struct uio_roots *roots, DIR *class, char *seen,
                                size_t seen_bytes)
{
    for (struct dirent *file = readdir(class); file != NULL; file = readdir(class)) {
        char name[ATTRIBUTE_BYTES];
        int number = device_number(file->d_name);
        if (number < 0) {
            continue;
        }
        if (!read_attribute(roots, number, "name", name)) {
            return fail_attribute(uio, number, "the name");
        }
        append(seen, seen_bytes, "%suio%d '%s'", seen[0] == '\0' ? "" : ", ", number, name);
        enum uio_code code = claim(uio, number, name);
        if (code != UIO_OK) {
            return code;
        }
    }
    return UIO_OK;
}

static enum uio_code fail_no_class(struct uio *uio, const char *sysfs, const char *path)
{
    char class[PATH_MAX];
    (void)snprintf(class, sizeof(class), "%s/class", sysfs);
    if (access(class, F_OK) != 0) {
        return uio_fail(uio, UIO_ERR_NO_UIO, "%s: %s: sysfs is not mounted (mount -t sysfs sysfs /sys)", class,
                        strerror(errno));
    }
    return uio_fail(uio, UIO_ERR_NO_UIO,
                    "%s is not there: the kernel has no UIO; build it with CONFIG_UIO and CONFIG_UIO_PDRV_GENIRQ, or "
                    "load the modules uio and uio_pdrv_genirq",
                    path);
}

enum uio_code uio_find_devices(struct uio *uio, const struct uio_roots *roots)
{
    char path[PATH_MAX];
    char seen[400] = "";
    (void)snprintf(path, sizeof(path), "%s/class/uio", roots->sysfs);
    DIR *class = opendir(path);
    if (class == NULL && errno == ENOENT) {
        return fail_no_class(uio, roots->sysfs, path);
    }
    if (class == NULL) {
        enum uio_code code = errno == EACCES ? UIO_ERR_PERMISSION : UIO_ERR_SYSTEM;
        return uio_fail(uio, code, "%s: %s", path, strerror(errno));
    }
    enum uio_code code = scan_class(uio, roots, class, seen, sizeof(seen));
    (void)closedir(class);
    for (uint32_t i = 0; i < uio->device_count && code == UIO_OK; i++) {
        if (uio->devices[i].number < 0) {
            code = uio_fail(uio, UIO_ERR_NO_DEVICE, "no UIO device is called '%s': %s; here are: %s",
                            uio->devices[i].entry->name, BIND_HINT, seen[0] == '\0' ? "none" : seen);
        }
    }
    return code;
}

/* Finds the map's index in its device by its name. */
static enum uio_code find_map(struct uio *uio, const struct uio_roots *roots, struct uio_map *map)
{
    int number = uio_device_of(uio, map)->number;
    char seen[400] = "";
    for (uint32_t i = 0; i < UIO_MAPS_PER_DEVICE; i++) {
        char name[ATTRIBUTE_BYTES];
        if (!read_map_attribute(roots, number, i, "name", name)) {
            if (errno == ENOENT) {
                continue;
            }
            return fail_attribute(uio, number, "a map's name");
        }
        if (strcmp(name, map->entry->name) == 0) {
            map->index = i;
            return UIO_OK;
        }
        append(seen, sizeof(seen), "%smap%" PRIu32 " '%s'", seen[0] == '\0' ? "" : ", ", i, name);
    }
    return uio_fail(uio, UIO_ERR_MAP,
                    "uio%d '%s' has no map called '%s' (map%" PRIu32 " in this build's device tree): %s; here are: %s",
                    number, uio_device_of(uio, map)->entry->name, map->entry->name, map->entry->map, REBUILD_HINT,
                    seen[0] == '\0' ? "none" : seen);
}

/* Compares one of the map's numbers with the table's. */
static enum uio_code check_number(struct uio *uio, const struct uio_roots *roots, const struct uio_map *map,
                                  const char *attribute, uint64_t expected)
{
    int number = uio_device_of(uio, map)->number;
    char text[ATTRIBUTE_BYTES];
    char *end = NULL;
    if (!read_map_attribute(roots, number, map->index, attribute, text)) {
        return fail_attribute(uio, number, attribute);
    }
    /* A number too large becomes ULLONG_MAX, which is no page's address, size or offset. */
    uint64_t found = strtoull(text, &end, 16);
    if (end != text && *end == '\0' && found == expected) {
        return UIO_OK;
    }
    return uio_fail(uio, UIO_ERR_MAP, "map '%s' (uio%d map%" PRIu32 "): its %s is %s, but 0x%" PRIx64
                                      " in this program: %s",
                    map->entry->name, number, map->index, attribute, text, expected, REBUILD_HINT);
}

enum uio_code uio_check_map(struct uio *uio, const struct uio_roots *roots, struct uio_map *map)
{
    const struct uio_map_entry *entry = map->entry;
    enum uio_code code = find_map(uio, roots, map);
    code = code == UIO_OK ? check_number(uio, roots, map, "addr", entry->gpa) : code;
    code = code == UIO_OK ? check_number(uio, roots, map, "size", entry->size_bytes) : code;
    return code == UIO_OK ? check_number(uio, roots, map, "offset", 0) : code;
}
