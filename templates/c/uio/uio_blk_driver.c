/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block driver of a Linux driver VM. This version finds its UIO devices, checks every map and every io address
 * against what the same build gave to the other side, prints what it found and exits: it moves no data.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libuio.h"

/* Exit codes; `help` says what they mean. */
enum {
    EXIT_AS_BUILT = 0,
    EXIT_SYSTEM = 1,
    EXIT_USAGE = 2,
    EXIT_NO_UIO = 3,
    EXIT_NO_DEVICE = 4,
    EXIT_MAP = 5,
    EXIT_NODE = 6,
    EXIT_PAGE = 7,
    EXIT_DIFFERENT = 8,
};

static const int exit_codes[] = {
    [UIO_OK] = EXIT_AS_BUILT,
    [UIO_ERR_LAYOUT] = EXIT_MAP,
    [UIO_ERR_NO_UIO] = EXIT_NO_UIO,
    [UIO_ERR_NO_DEVICE] = EXIT_NO_DEVICE,
    [UIO_ERR_MAP] = EXIT_MAP,
    [UIO_ERR_NODE] = EXIT_NODE,
    [UIO_ERR_PERMISSION] = EXIT_NODE,
    [UIO_ERR_SYSTEM] = EXIT_SYSTEM,
};

static const char help[] =
    "usage: uio_blk_driver [--list] [--sysfs DIR] [--dev DIR]\n"
    "\n"
    "Maps the UIO regions of this driver VM, compares them and their io addresses with what this\n"
    "program was built for, prints them and exits. This version moves no data: it only checks.\n"
    "\n"
    "  --list       print the maps and exit (what this version does in any case)\n"
    "  --sysfs DIR  where sysfs is mounted (default /sys)\n"
    "  --dev DIR    where the uioN device nodes are (default /dev)\n"
    "  --help       print this and exit\n"
    "\n"
    "exit codes:\n"
    "  0  every map and every io address is as built\n"
    "  1  a system call failed\n"
    "  2  the command line is wrong\n"
    "  3  the kernel has no UIO, or sysfs is not mounted\n"
    "  4  a UIO device is missing, or is there twice\n"
    "  5  a map is missing, or its address or size is another\n"
    "  6  a device node is missing, or may not be opened\n"
    "  7  the page of io addresses was not published, or is malformed\n"
    "  8  the page of io addresses differs from this program, or no address was patched into it\n";

struct options {
    struct uio_roots roots;
    bool help;
};

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        { "list", no_argument, NULL, 'l' },
        { "sysfs", required_argument, NULL, 's' },
        { "dev", required_argument, NULL, 'd' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    for (int option = 0; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'l':
            break;
        case 's':
            options->roots.sysfs = optarg;
            break;
        case 'd':
            options->roots.dev = optarg;
            break;
        case 'h':
            options->help = true;
            break;
        default:
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "uio_blk_driver: unexpected argument '%s'\n", argv[optind]);
        return false;
    }
    return true;
}

static int fail_page(const struct phys_addr_result *result)
{
    fprintf(stderr,
            "uio_blk_driver: phys-addr page, entry %" PRIu32 ": %s; the driver VMM fills it before it starts this VM: "
            "use the VMM of the same build\n",
            result->entry, phys_addr_strerror(result->code));
    return EXIT_PAGE;
}

/* Prints both sides of a difference between the page and this program. */
static int fail_different(const struct phys_addr_table *table, const struct phys_addr_result *result)
{
    uint32_t i = result->entry;
    fprintf(stderr, "uio_blk_driver: phys-addr entry %" PRIu32 " (%s): %s\n", i,
            i < phys_addr_slots_count ? phys_addr_slots[i].name : "unknown", phys_addr_strerror(result->code));
    if (i < table->count) {
        fprintf(stderr, "  the page:     io address 0x%" PRIx64 ", 0x%" PRIx64 " bytes, map %" PRIu32 "\n",
                table->entries[i].io_base, table->entries[i].size_bytes, table->entries[i].map_index);
    }
    if (i < phys_addr_slots_count) {
        fprintf(stderr, "  this program: io address 0x%" PRIx64 ", 0x%" PRIx64 " bytes, map %" PRIu32 "\n",
                *phys_addr_slots[i].io_base, phys_addr_slots[i].size_bytes, phys_addr_slots[i].map_index);
    }
    fprintf(stderr, "  refusing to start: build, patch and install the driver VMM and this program together\n");
    return EXIT_DIFFERENT;
}

/* Reads the phys-addr page through its map and compares it with this program's own table. */
static int read_io_addresses(const struct uio *uio, struct phys_addr_table *table)
{
    const struct uio_map *map = uio_map_named(uio, UIO_MAP_PHYS_ADDR);
    if (map == NULL || map->entry->size_bytes < sizeof(struct phys_addr_region)) {
        fprintf(stderr, "uio_blk_driver: this program was generated without a map called '%s'\n", UIO_MAP_PHYS_ADDR);
        return EXIT_MAP;
    }
    struct phys_addr_result result = phys_addr_read(map->base, uio->map_count, table);
    if (result.code != PHYS_ADDR_OK) {
        return fail_page(&result);
    }
    result = phys_addr_compare(table, phys_addr_slots, phys_addr_slots_count, phys_addr_mode);
    return result.code == PHYS_ADDR_OK ? EXIT_AS_BUILT : fail_different(table, &result);
}

static void print_io_address(const struct phys_addr_table *table, uint32_t map_index)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->entries[i].map_index == map_index) {
            printf("0x%" PRIx64 "\n", table->entries[i].io_base);
            return;
        }
    }
    printf("-\n");
}

static int print_maps(const struct uio *uio, const struct phys_addr_table *table)
{
    printf("%-20s %-12s %-10s %-18s %-12s %s\n", "map", "device", "where", "gpa", "size", "io address");
    for (uint32_t i = 0; i < uio->map_count; i++) {
        const struct uio_map *map = &uio->maps[i];
        const struct uio_device *device = &uio->devices[map->entry->device];
        char where[24];
        (void)snprintf(where, sizeof(where), "uio%d/map%" PRIu32, device->number, map->index);
        printf("%-20s %-12s %-10s 0x%-16" PRIx64 " 0x%-10" PRIx64 " ", map->entry->name, device->entry->name, where,
               map->entry->gpa, map->entry->size_bytes);
        print_io_address(table, i);
    }
    if (fflush(stdout) != 0) {
        perror("uio_blk_driver: standard output");
        return EXIT_SYSTEM;
    }
    return EXIT_AS_BUILT;
}

static int run(const struct uio_roots *roots)
{
    static struct uio uio;
    static struct phys_addr_table table;
    const struct uio_layout layout = {
        .devices = uio_devices,
        .device_count = uio_devices_count,
        .maps = uio_maps,
        .map_count = uio_maps_count,
    };
    enum uio_code code = uio_open(&uio, &layout, roots);
    if (code != UIO_OK) {
        fprintf(stderr, "uio_blk_driver: %s\n", uio.message);
        return exit_codes[code];
    }
    int status = read_io_addresses(&uio, &table);
    if (status == EXIT_AS_BUILT) {
        status = print_maps(&uio, &table);
    }
    uio_close(&uio);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = { .roots = { .sysfs = "/sys", .dev = "/dev" } };
    if (!parse_options(argc, argv, &options)) {
        fprintf(stderr, "try uio_blk_driver --help\n");
        return EXIT_USAGE;
    }
    if (options.help) {
        return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? EXIT_SYSTEM : EXIT_AS_BUILT;
    }
    return run(&options.roots);
}
