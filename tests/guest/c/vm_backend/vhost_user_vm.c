/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vhost-user block back end whose disk is driven by another virtual machine: per client a virtio-blk device behind a
 * socket, below them the virtualiser with the tables of a build (block_virt_table.c), below it a Linux with the UIO
 * driver of the same build. This process is in place of seL4 and the VMMs.
 *
 *   vhost_user_vm RAM_FILE QTEST_SOCKET INTID NOTIFY_OFFSET [map=VADDR:SIZE:OFFSET|map=VADDR:SIZE]...
 *                 io=VIRTUALISER io=CLIENT... SOCKET...
 *
 * Maps without an offset into the file are memory that the driver VM does not share. Io addresses and sockets are in
 * the order of the clients.
 */
#define _GNU_SOURCE
#include "driver_vm.h"
#include "service.h"

#include <sdfgen/block_virt.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define FIXED_ARGUMENTS 5
#define LOOK_MS 1

struct program {
    int ram_fd;
    struct driver_vm vm;
    struct block_virt virt;
    uint32_t io_count;
    uint32_t socket_count;
    const char *sockets[SERVICE_MAX_CLIENTS];
    struct block_client_config clients[SERVICE_MAX_CLIENTS];
    struct service service;
};

static bool take_map(const struct program *program, const char *text)
{
    char *end;
    uint64_t vaddr = strtoull(text, &end, 0);
    uint64_t size_bytes = strtoull(end + (*end == ':'), &end, 0);
    bool shared = *end == ':';
    uint64_t offset = shared ? strtoull(end + 1, &end, 0) : 0;
    return *end == '\0' && driver_vm_map(shared ? program->ram_fd : -1, offset, size_bytes, (uintptr_t)vaddr);
}

/* What the patcher writes into the virtualiser's ELF: the globals are no constants. */
static bool take_io(struct program *program, const char *text)
{
    const struct block_virt_config *config = &block_virt_config;
    uint32_t index = program->io_count++;
    if (index > config->client_count) {
        return false;
    }
    const struct block_virt_data_region *data = index == 0 ? &config->driver.data : &config->clients[index - 1].data;
    *(uint64_t *)(uintptr_t)data->io_base = strtoull(text, NULL, 0);
    return true;
}

static bool take_socket(struct program *program, const char *path)
{
    uint32_t index = program->socket_count++;
    if (index >= SERVICE_MAX_CLIENTS || index >= block_virt_config.client_count) {
        return false;
    }
    const struct block_virt_client *client = &block_virt_config.clients[index];
    program->sockets[index] = path;
    program->clients[index].connection = client->connection;
    program->clients[index].data.vaddr = client->data.vaddr;
    program->clients[index].data.size_bytes = client->data.size_bytes;
    return true;
}

static bool take(struct program *program, const char *argument)
{
    if (strncmp(argument, "map=", 4) == 0) {
        return take_map(program, argument + 4);
    }
    return strncmp(argument, "io=", 3) == 0 ? take_io(program, argument + 3) : take_socket(program, argument);
}

static bool parse(struct program *program, int count, char **arguments)
{
    if (count < FIXED_ARGUMENTS) {
        return false;
    }
    program->ram_fd = open(arguments[1], O_RDWR | O_CLOEXEC);
    bool taken = program->ram_fd >= 0;
    for (int i = FIXED_ARGUMENTS; taken && i < count; i++) {
        taken = take(program, arguments[i]);
    }
    return taken && driver_vm_open(&program->vm, program->ram_fd, strtoull(arguments[4], NULL, 0), arguments[2],
                                   (uint32_t)strtoul(arguments[3], NULL, 0));
}

static bool step_below(void *context)
{
    struct program *program = context;
    uint64_t driver = UINT64_C(1) << block_virt_config.driver.connection.channel;
    bool notified = driver_vm_notified(&program->vm);
    uint64_t notify = block_virt_step(&program->virt, 0);
    if ((notify & driver) != 0 && !driver_vm_interrupt(&program->vm)) {
        (void)fprintf(stderr, "vhost_user_vm: the driver VM has gone\n");
        exit(1);
    }
    return notified || (notify & ~driver) != 0;
}

int main(int count, char **arguments)
{
    static struct program program;
    const struct service_below below = {step_below, &program, LOOK_MS};
    if (!parse(&program, count, arguments)) {
        perror("vhost_user_vm: arguments");
        return 2;
    }
    block_virt_init(&program.virt, &block_virt_config);
    if (!service_start(&program.service, program.clients, program.sockets, program.socket_count, &below)) {
        perror("vhost_user_vm: disks");
        return 1;
    }
    service_run(&program.service);
}
