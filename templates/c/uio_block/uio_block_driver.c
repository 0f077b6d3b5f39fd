/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block driver of a Linux driver VM: finds its UIO devices, checks every map and every io address against what the
 * same build gave to the other side, and then serves the virtualiser's requests from a disk.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "block_driver.h"
#include "block_info.h"
#include "block_maps.h"
#include "engine_threads.h"
#include "engine_uring.h"

static const enum block_exit exit_codes[] = {
    [UIO_OK] = EXIT_AS_BUILT,
    [UIO_ERR_LAYOUT] = EXIT_MAP,
    [UIO_ERR_NO_UIO] = EXIT_NO_UIO,
    [UIO_ERR_NO_DEVICE] = EXIT_NO_DEVICE,
    [UIO_ERR_MAP] = EXIT_MAP,
    [UIO_ERR_NODE] = EXIT_NODE,
    [UIO_ERR_PERMISSION] = EXIT_NODE,
    [UIO_ERR_BUSY] = EXIT_NODE,
    [UIO_ERR_SYSTEM] = EXIT_SYSTEM,
};

/* The default disk stands between the two. */
static const char help_before_disk[] =
    "usage: uio_block_driver [--list] [--read-only] [--engine NAME] [--sysfs DIR] [--dev DIR] [DISK]\n"
    "\n"
    "Maps the UIO regions of this driver VM, compares them and their io addresses with what this\n"
    "program was built for, and serves the virtualiser's requests from DISK until SIGTERM or SIGINT.\n"
    "\n"
    "  DISK         a block device or a regular file (default ";
static const char help_after_disk[] =
    ")\n"
    "  --list       check, print the maps and exit; needs no disk\n"
    "  --read-only  refuse to write, even where the disk allows it\n"
    "  --engine NAME\n"
    "               io_uring or threads (default: io_uring where this kernel has it)\n"
    "  --sysfs DIR  where sysfs is mounted (default /sys)\n"
    "  --dev DIR    where the uioN device nodes are (default /dev)\n"
    "  --help       print this and exit\n"
    "\n"
    "exit codes:\n"
    "  0  ended by a signal, with every request answered; with --list, all is as built\n"
    "  1  a system call failed\n"
    "  2  the command line is wrong\n"
    "  3  the kernel has no UIO, or sysfs is not mounted\n"
    "  4  a UIO device is missing, or is there twice\n"
    "  5  a map is missing, or its address or size is another\n"
    "  6  a device node is missing, may not be opened, or is in use by another driver\n"
    "  7  the page of io addresses was not published, or is malformed\n"
    "  8  the page of io addresses differs from this program, or no address was patched into it\n"
    "  9  the disk can't be used\n"
    "  10 the virtualiser broke the queue protocol\n";

struct options {
    struct uio_roots roots;
    struct block_disk_options disk;
    const char *engine; /* a name, or NULL for the best */
    bool list;
    bool help;
};

static const struct block_engine_kind *const engine_kinds[] = { &block_engine_uring, &block_engine_threads };
#define ENGINE_KINDS (sizeof(engine_kinds) / sizeof(engine_kinds[0]))

static bool is_engine(const char *name)
{
    for (size_t i = 0; i < ENGINE_KINDS; i++) {
        if (strcmp(engine_kinds[i]->name, name) == 0) {
            return true;
        }
    }
    fprintf(stderr, "uio_block_driver: there is no engine called '%s'\n", name);
    return false;
}

static bool take_option(struct options *options, int option)
{
    switch (option) {
    case 'l':
        options->list = true;
        return true;
    case 'r':
        options->disk.read_only = true;
        return true;
    case 'e':
        options->engine = optarg;
        return is_engine(optarg);
    case 's':
        options->roots.sysfs = optarg;
        return true;
    case 'd':
        options->roots.dev = optarg;
        return true;
    case 'h':
        options->help = true;
        return true;
    default:
        return false;
    }
}

static bool parse_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        { "list", no_argument, NULL, 'l' },        { "read-only", no_argument, NULL, 'r' },
        { "engine", required_argument, NULL, 'e' }, { "sysfs", required_argument, NULL, 's' },
        { "dev", required_argument, NULL, 'd' },   { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    for (int option = 0; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (!take_option(options, option)) {
            return false;
        }
    }
    if (optind < argc) {
        options->disk.path = argv[optind++];
    }
    if (optind < argc) {
        fprintf(stderr, "uio_block_driver: unexpected argument '%s'\n", argv[optind]);
        return false;
    }
    options->disk.sysfs = options->roots.sysfs;
    return true;
}

/* The engine that was asked for, or the first that this kernel can; NULL with a message. */
static struct block_engine *open_engine(const struct options *options, const struct block_disk *disk)
{
    const char *tried = "";
    for (size_t i = 0; i < ENGINE_KINDS; i++) {
        if (options->engine == NULL || strcmp(engine_kinds[i]->name, options->engine) == 0) {
            struct block_engine *engine = engine_kinds[i]->open(disk);
            if (engine != NULL) {
                return engine;
            }
            tried = engine_kinds[i]->name;
        }
    }
    fprintf(stderr, "uio_block_driver: this kernel refuses the engine %s: %s\n", tried, strerror(errno));
    return NULL;
}

static void print_start(const struct options *options, const struct block_disk *disk, const struct block_engine *engine)
{
    printf("uio_block_driver: serving %s: %" PRIu64 " blocks of %u bytes, %s, %s, by %s, up to %" PRIu32 " at once\n",
           options->disk.path, disk->capacity_blocks, SDDF_BLK_BLOCK_BYTES, disk->read_only ? "read-only" : "writable",
           disk->direct ? "direct" : "through the page cache", engine->kind->name, engine->depth);
    (void)fflush(stdout);
}

static enum block_exit run_driver(struct block_driver *driver, const struct block_driver_parts *parts,
                                  volatile struct sddf_blk_storage_info *info)
{
    if (!block_driver_open(driver, parts)) {
        fprintf(stderr, "uio_block_driver: %s\n", parts->loop->failed ? parts->loop->message : strerror(errno));
        return EXIT_SYSTEM;
    }
    block_info_publish(info, parts->limits.disk, parts->engine->depth);
    block_driver_notify(driver);
    bool ended = uio_loop_run(parts->loop);
    (void)block_info_withdraw(info);
    block_driver_notify(driver);
    if (!ended) {
        fprintf(stderr, "uio_block_driver: %s\n", parts->loop->message);
        return EXIT_SYSTEM;
    }
    if (driver->broken) {
        fprintf(stderr, "uio_block_driver: the virtualiser broke the protocol: a queue's index makes no sense\n");
        return EXIT_QUEUE;
    }
    return EXIT_AS_BUILT;
}

/* With the disk open. */
static enum block_exit serve_disk(const struct options *options, const struct block_limits *limits,
                                  const struct block_maps *maps)
{
    static struct uio_loop loop;
    static struct block_driver driver;
    if (!uio_loop_open(&loop)) {
        fprintf(stderr, "uio_block_driver: %s\n", loop.message);
        return EXIT_SYSTEM;
    }
    enum block_exit status = EXIT_SYSTEM;
    struct block_engine *engine = open_engine(options, limits->disk);
    if (engine != NULL) {
        const struct block_driver_parts parts = {
            .limits = *limits,
            .engine = engine,
            .loop = &loop,
            .notify = maps->notify,
            .requests = maps->requests,
            .responses = maps->responses,
            .queue_capacity = uio_block_queue_capacity,
        };
        print_start(options, limits->disk, engine);
        status = run_driver(&driver, &parts, maps->info);
        block_driver_close(&driver);
        engine->kind->close(engine);
    }
    uio_loop_close(&loop);
    return status;
}

static enum block_exit fail_uio(const struct uio *uio, enum uio_code code)
{
    fprintf(stderr, "uio_block_driver: %s\n", uio->message);
    return exit_codes[code];
}

static void say(const char *what)
{
    printf("uio_block_driver: %s\n", what);
    (void)fflush(stdout);
}

static enum block_exit serve(const struct options *options, struct uio *uio, const struct phys_addr_table *table)
{
    static struct block_disk disk;
    struct block_maps maps;
    char message[512];
    enum uio_code claimed = uio_claim(uio);
    if (claimed != UIO_OK) {
        return fail_uio(uio, claimed);
    }
    if (!block_maps_find(uio, uio_block_queue_capacity, &maps)) {
        return EXIT_MAP;
    }
    if (block_info_withdraw(maps.info)) {
        /* A predecessor was killed: the virtualiser is to see that what it had taken is gone, before we go on. */
        uio_notify(maps.notify, 0);
    }
    if (!block_disk_open(&disk, &options->disk, message, sizeof(message))) {
        fprintf(stderr, "uio_block_driver: %s\n", message);
        return EXIT_DISK;
    }
    const struct block_limits limits = { .regions = table, .uio = uio, .disk = &disk };
    enum block_exit status = EXIT_DISK;
    if (block_disk_lock(&disk, say)) {
        block_info_start(maps.info, maps.requests, maps.responses, uio_block_queue_capacity);
        status = serve_disk(options, &limits, &maps);
    } else {
        fprintf(stderr, "uio_block_driver: %s: can't be locked: %s\n", options->disk.path, strerror(errno));
    }
    block_disk_close(&disk);
    return status;
}

static enum block_exit run(const struct options *options)
{
    static struct uio uio;
    static struct phys_addr_table table;
    const struct uio_layout layout = {
        .devices = uio_devices,
        .device_count = uio_devices_count,
        .maps = uio_maps,
        .map_count = uio_maps_count,
    };
    enum uio_code code = uio_open(&uio, &layout, &options->roots);
    if (code != UIO_OK) {
        return fail_uio(&uio, code);
    }
    enum block_exit status = block_maps_read_addresses(&uio, &table);
    if (status == EXIT_AS_BUILT) {
        status = options->list ? block_maps_print(&uio, &table) : serve(options, &uio, &table);
    }
    uio_close(&uio);
    return status;
}

static enum block_exit print_help(void)
{
    printf("%s%s%s", help_before_disk, uio_block_storage, help_after_disk);
    return fflush(stdout) != 0 || ferror(stdout) ? EXIT_SYSTEM : EXIT_AS_BUILT;
}

int main(int argc, char **argv)
{
    struct options options = { .roots = { .sysfs = "/sys", .dev = "/dev" }, .disk = { .path = uio_block_storage } };
    if (!parse_options(argc, argv, &options)) {
        fprintf(stderr, "try uio_block_driver --help\n");
        return EXIT_USAGE;
    }
    return (int)(options.help ? print_help() : run(&options));
}
