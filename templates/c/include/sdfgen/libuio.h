/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UIO devices in Linux user space: found by name, checked against the generated table, mapped into one list of maps.
 *
 * Nothing depends on the number of a /dev/uioN, nor on the order in which the kernel probed them. Every map's address
 * and size is compared with the generated table before anything is opened: a device tree of another build is refused.
 *
 * What is mapped is Device memory (uio_mmap_physical: pgprot_noncached): only naturally aligned 4 or 8 byte accesses
 * through volatile pointers, never libc's memcpy or memset. The notify page must never be read.
 *
 * A device without an interrupt is mapped and nothing else: its read() gives EIO and its poll() an error at once.
 */
#pragma once

#include <sdfgen/uio_table.h>

/* Where the kernel shows itself; other folders in tests. */
struct uio_roots {
    const char *sysfs; /* "/sys" */
    const char *dev;   /* "/dev" */
};

/* The generated table (uio_table.h), or another. */
struct uio_layout {
    const struct uio_device_entry *devices;
    uint32_t device_count; /* up to UIO_MAX_DEVICES */
    const struct uio_map_entry *maps;
    uint32_t map_count; /* up to UIO_MAX_MAPS */
};

enum uio_code {
    UIO_OK = 0,
    UIO_ERR_LAYOUT,     /* the table exceeds a limit, or this kernel's pages are larger than its regions */
    UIO_ERR_NO_UIO,     /* the kernel has no UIO class */
    UIO_ERR_NO_DEVICE,  /* no UIO device of that name, or several */
    UIO_ERR_MAP,        /* a map is missing, or its address, size or offset is not the table's */
    UIO_ERR_NODE,       /* /dev/uioN is not there */
    UIO_ERR_PERMISSION, /* /dev/uioN or sysfs may not be opened */
    UIO_ERR_BUSY,       /* another program has claimed a device */
    UIO_ERR_SYSTEM,     /* any other system call that failed */
};

struct uio_device {
    const struct uio_device_entry *entry;
    int number; /* N of /dev/uioN, -1 before it is found */
    int fd;     /* -1 before it is opened */
};

struct uio_map {
    const struct uio_map_entry *entry;
    uint32_t index;      /* M of maps/mapM, which gives the offset for mmap() */
    volatile void *base; /* NULL before it is mapped */
};

struct uio {
    uint32_t device_count;
    uint32_t map_count;
    struct uio_device devices[UIO_MAX_DEVICES]; /* as in the layout */
    struct uio_map maps[UIO_MAX_MAPS];          /* as in the layout */
    char message[1024];                         /* why uio_open failed, and what to do about it */
};

/*
 * Finds, checks, opens and maps all of the layout, which must outlive `uio`. Unless it returns UIO_OK, nothing stays
 * open and uio->message says why.
 */
enum uio_code uio_open(struct uio *uio, const struct uio_layout *layout, const struct uio_roots *roots);

/*
 * Keeps other programs that claim the devices away until they are closed, at the latest by the end of this program: two
 * drivers at one queue would destroy it. UIO_ERR_BUSY with a message when there is one already; then claim no more.
 */
enum uio_code uio_claim(struct uio *uio);

/* Unmaps and closes everything. */
void uio_close(struct uio *uio);

/* The map of that name, or NULL. */
const struct uio_map *uio_map_named(const struct uio *uio, const char *name);

/*
 * Lets the device's interrupt come again: the kernel turns it off each time it comes. What happened meanwhile may not
 * bring another one, so look again after this (uio_loop does). False with errno set when the write failed.
 */
bool uio_interrupt_enable(const struct uio_device *device);

/*
 * Tells the other side, whose VMM takes the store to the page (map UIO_MAP_NOTIFY) as the message; what is stored means
 * nothing. Callers count, so that whoever traces the stores can tell them apart.
 */
void uio_notify(volatile uint32_t *notify, uint32_t number);
