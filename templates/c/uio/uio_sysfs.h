/* SPDX-License-Identifier: BSD-2-Clause */
/* libuio's own: what sysfs says about the devices, compared with the table. */
#pragma once

#include <sdfgen/libuio.h>

/* Puts why into uio->message, and returns the code. */
__attribute__((format(printf, 3, 4))) enum uio_code uio_fail(struct uio *uio, enum uio_code code, const char *format,
                                                             ...);

/* Gives each device of the table its number. */
enum uio_code uio_find_devices(struct uio *uio, const struct uio_roots *roots);

/* Finds a map's index in its device, by its name, and compares its address, size and offset. */
enum uio_code uio_check_map(struct uio *uio, const struct uio_roots *roots, struct uio_map *map);

static inline const struct uio_device *uio_device_of(const struct uio *uio, const struct uio_map *map)
{
    return &uio->devices[map->entry->device];
}
