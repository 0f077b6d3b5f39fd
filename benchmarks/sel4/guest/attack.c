/* Attacks by what a guest's root may do: registers through /dev/mem, a ring of its own, lines for the console.
 *
 *     spin     computes
 *     gicd     loads a register of the distributor
 *     sgi      sends SGIs to nobody
 *     kicks    notifies a queue in which nothing is new
 *     console  writes lines
 *     zeroes, discard  of the whole disk
 *     storm-refused, storm-served  a ring of 256 chains, as often as it can: malformed ones of 255 descriptors each in
 *              one table, or reads of a sector. For ever; Linux' driver is unbound first
 *     reset    after so long, of the guest
 *     panic    with panic=0: the kernel then spins */
#define _GNU_SOURCE
#include "attack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define PAGE 4096u
#define GICD 0x08000000
#define GICD_TYPER (0x4 / 4)
#define GICD_SGIR (0xf00 / 4)
#define DATA_START (1 << 20)
#define FOREVER INT64_MAX

/* virtio-mmio registers, in words. */
enum { QUEUE_SEL = 0x30 / 4, QUEUE_NUM = 0x38 / 4, QUEUE_READY = 0x44 / 4, QUEUE_NOTIFY = 0x50 / 4, STATUS = 0x70 / 4,
       DRIVER_FEATURES = 0x20 / 4, DRIVER_FEATURES_SEL = 0x24 / 4, DESC = 0x80 / 4, AVAIL = 0x90 / 4, USED = 0xa0 / 4 };
enum { RING = 256, NEXT = 1, WRITE = 2, INDIRECT = 4 };

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static volatile uint32_t *registers_at(off_t address)
{
    int memory = open("/dev/mem", O_RDWR | O_SYNC);
    off_t within = address % PAGE;
    char *page = memory < 0 ? MAP_FAILED
                            : mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory, address - within);
    if (memory >= 0) {
        close(memory);
    }
    return page == MAP_FAILED ? NULL : (volatile uint32_t *)(void *)(page + within);
}

/* Of the first virtio device: its name has the address. */
static volatile uint32_t *device_registers(void)
{
    char path[PATH_MAX];
    const char *name = realpath("/sys/bus/virtio/devices/virtio0/..", path) == NULL ? NULL : strrchr(path, '/');
    return name == NULL ? NULL : registers_at((off_t)strtoull(name + 1, NULL, 16));
}

/* Loads or stores a register again and again. */
static int touch(volatile uint32_t *base, unsigned word, int store, uint32_t value, int64_t end_ns)
{
    if (base == NULL) {
        return errno != 0 ? errno : ENODEV;
    }
    while (now_ns() < end_ns) {
        for (int i = 0; i < 16; i++) {
            if (store) {
                base[word] = value;
            } else {
                (void)base[word];
            }
        }
    }
    return 0;
}

static int print(int64_t end_ns)
{
    static char lines[1024];
    int console = open("/dev/ttyAMA0", O_WRONLY | O_NOCTTY);
    if (console < 0) {
        return errno;
    }
    memset(lines, 'x', sizeof lines);
    for (size_t i = 63; i < sizeof lines; i += 64) {
        lines[i] = '\n';
    }
    while (now_ns() < end_ns) {
        if (write(console, lines, sizeof lines) < 0) {
            return errno;
        }
    }
    return close(console) != 0 ? errno : 0;
}

static int change_all(int disk, unsigned long request, int64_t end_ns)
{
    uint64_t range[2] = { DATA_START, (uint64_t)lseek(disk, 0, SEEK_END) - DATA_START };
    while (now_ns() < end_ns) {
        if (ioctl(disk, request, range) != 0) {
            return errno;
        }
    }
    return 0;
}

/* ---- A ring ---- */

struct page {
    void *memory;
    uint64_t address; /* guest-physical */
};

static int get_page(struct page *page)
{
    uint64_t entry = 0;
    int map = open("/proc/self/pagemap", O_RDONLY);
    page->memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
    if (map < 0 || page->memory == MAP_FAILED) {
        return errno;
    }
    memset(page->memory, 0, PAGE);
    off_t at = (off_t)((uintptr_t)page->memory / PAGE * sizeof entry);
    if (pread(map, &entry, sizeof entry, at) != sizeof entry || entry >> 63 == 0) {
        return EFAULT;
    }
    close(map);
    page->address = (entry & ((UINT64_C(1) << 55) - 1)) * PAGE;
    return page->address == 0 ? EPERM : 0;
}

static int unbind(void)
{
    int file = open("/sys/bus/virtio/drivers/virtio_blk/unbind", O_WRONLY);
    int error = file < 0 || write(file, "virtio0", 7) != 7 ? errno : 0;
    close(file);
    return error;
}

static void set_address(volatile uint32_t *device, unsigned word, uint64_t address)
{
    device[word] = (uint32_t)address;
    device[word + 1] = (uint32_t)(address >> 32);
}

static void start_device(volatile uint32_t *device, const struct page *pages)
{
    device[STATUS] = 0;
    while (device[STATUS] != 0) {
    }
    device[STATUS] = 1;
    device[STATUS] = 3;
    device[DRIVER_FEATURES_SEL] = 0;
    device[DRIVER_FEATURES] = 1u << 28 | 1u << 9;
    device[DRIVER_FEATURES_SEL] = 1;
    device[DRIVER_FEATURES] = 1;
    device[STATUS] = 11;
    device[QUEUE_SEL] = 0;
    device[QUEUE_NUM] = RING;
    set_address(device, DESC, pages[0].address);
    set_address(device, AVAIL, pages[1].address);
    set_address(device, USED, pages[2].address);
    device[QUEUE_READY] = 1;
    device[STATUS] = 15;
}

/* One table for all chains: of 255 readable bytes without a status; or a read of the first sector. */
static void fill(const struct page *pages, int served)
{
    struct descriptor *chains = pages[0].memory;
    struct descriptor *table = pages[3].memory;
    uint16_t *available = pages[1].memory;
    uint64_t data = pages[4].address;
    unsigned count = served ? 3 : 255;
    for (unsigned i = 0; i < 255; i++) {
        table[i] = (struct descriptor) { data + i, 1, NEXT, (uint16_t)(i + 1) };
    }
    if (served) {
        table[0] = (struct descriptor) { data, 16, NEXT, 1 };
        table[1] = (struct descriptor) { data + 512, 512, NEXT | WRITE, 2 };
        table[2] = (struct descriptor) { data + 2048, 1, WRITE, 0 };
    }
    table[count - 1].flags &= (uint16_t)~NEXT;
    for (unsigned i = 0; i < RING; i++) {
        chains[i] = (struct descriptor) { pages[3].address, 16 * count, INDIRECT, 0 };
        available[2 + i] = (uint16_t)i;
    }
}

static int storm(int served)
{
    struct page pages[5];
    volatile uint32_t *device = device_registers();
    int error = device == NULL ? ENODEV : unbind();
    for (int i = 0; i < 5 && error == 0; i++) {
        error = get_page(&pages[i]);
    }
    if (error != 0) {
        return error;
    }
    fill(pages, served);
    start_device(device, pages);
    volatile uint16_t *available = pages[1].memory;
    volatile uint16_t *used = pages[2].memory;
    for (;;) {
        uint16_t next = (uint16_t)(available[1] + RING);
        __sync_synchronize();
        available[1] = next;
        __sync_synchronize();
        device[QUEUE_NOTIFY] = 0;
        while (used[1] != next) {
        }
    }
}

static int panic_now(void)
{
    int file = open("/proc/sys/kernel/panic", O_WRONLY);
    (void)!write(file, "0", 1);
    close(file);
    file = open("/proc/sysrq-trigger", O_WRONLY);
    return write(file, "c", 1) != 1 ? errno : 0;
}

static int reset(unsigned milliseconds)
{
    usleep(milliseconds * 1000);
    return reboot(RB_AUTOBOOT) != 0 ? errno : 0;
}

static int spin(int64_t end_ns)
{
    while (now_ns() < end_ns) {
    }
    return 0;
}

int attack(const char *kind, unsigned milliseconds, int disk)
{
    int64_t end_ns = now_ns() + milliseconds * NS_PER_MS;
    errno = 0;
    if (strcmp(kind, "spin") == 0) {
        return spin(end_ns);
    }
    if (strcmp(kind, "gicd") == 0) {
        return touch(registers_at(GICD), GICD_TYPER, 0, 0, end_ns);
    }
    if (strcmp(kind, "sgi") == 0) {
        return touch(registers_at(GICD), GICD_SGIR, 1, 0, end_ns);
    }
    if (strcmp(kind, "kicks") == 0) {
        return touch(device_registers(), QUEUE_NOTIFY, 1, 0, end_ns);
    }
    if (strcmp(kind, "console") == 0) {
        return print(end_ns);
    }
    if (strcmp(kind, "zeroes") == 0 || strcmp(kind, "discard") == 0) {
        return change_all(disk, kind[0] == 'z' ? BLKZEROOUT : BLKDISCARD, end_ns);
    }
    if (strcmp(kind, "storm-refused") == 0 || strcmp(kind, "storm-served") == 0) {
        return storm(strcmp(kind, "storm-served") == 0);
    }
    if (strcmp(kind, "reset") == 0) {
        return reset(milliseconds);
    }
    return strcmp(kind, "panic") == 0 ? panic_now() : EINVAL;
}
