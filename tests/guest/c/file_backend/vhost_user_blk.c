/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vhost-user block back end that is a whole system of this project in one process: per client a virtio-blk device
 * behind a socket, below them the virtualiser, below it a driver whose disk is a file.
 *
 *   vhost_user_blk --disk FILE --client SOCKET:PARTITION[:ro]... [--log FILE] [--delay-us N] [--flush-delay-ms N]
 */
#include "block_system.h"
#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct file_disk_options disk;
    const char *sockets[BLOCK_SYSTEM_MAX_CLIENTS];
    struct block_system_client clients[BLOCK_SYSTEM_MAX_CLIENTS];
    uint32_t client_count;
};

static bool parse_client(struct options *options, char *text)
{
    const char *path = strtok(text, ":");
    const char *partition = strtok(NULL, ":");
    const char *mode = strtok(NULL, ":");
    if (partition == NULL || options->client_count == BLOCK_SYSTEM_MAX_CLIENTS ||
        (mode != NULL && strcmp(mode, "ro") != 0)) {
        return false;
    }
    options->sockets[options->client_count] = path;
    options->clients[options->client_count] =
        (struct block_system_client){path, (uint32_t)strtoul(partition, NULL, 10), mode != NULL};
    options->client_count++;
    return true;
}

static bool parse_one(struct options *options, const char *name, char *value)
{
    if (strcmp(name, "--disk") == 0) {
        options->disk.path = value;
    } else if (strcmp(name, "--log") == 0) {
        options->disk.log_path = value;
    } else if (strcmp(name, "--delay-us") == 0) {
        options->disk.delay_us = (uint32_t)strtoul(value, NULL, 10);
    } else if (strcmp(name, "--flush-delay-ms") == 0) {
        options->disk.flush_delay_ms = (uint32_t)strtoul(value, NULL, 10);
    } else {
        return strcmp(name, "--client") == 0 && parse_client(options, value);
    }
    return true;
}

static bool parse(struct options *options, int count, char **arguments)
{
    bool known = count % 2 == 1;
    for (int i = 1; known && i < count; i += 2) {
        known = parse_one(options, arguments[i], arguments[i + 1]);
    }
    return known && options->disk.path != NULL && options->client_count > 0;
}

static bool step_below(void *context)
{
    return block_system_step(context);
}

int main(int count, char **arguments)
{
    static struct block_system system;
    static struct service service;
    const struct service_below below = {step_below, &system, -1};
    struct options options = {.client_count = 0};
    if (!parse(&options, count, arguments)) {
        (void)fprintf(stderr, "usage: vhost_user_blk --disk FILE --client SOCKET:PARTITION[:ro]... [--log FILE] "
                              "[--delay-us N] [--flush-delay-ms N]\n");
        return 2;
    }
    if (!block_system_init(&system, options.clients, options.client_count, &options.disk) ||
        !service_start(&service, system.clients, options.sockets, options.client_count, &below)) {
        (void)fprintf(stderr, "vhost_user_blk: %s: %s\n", options.disk.path, strerror(errno));
        return 1;
    }
    service_run(&service);
}
