/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is below the clients' devices in a built system, in one process: the virtualiser with its queues, regions and
 * tables, and a disk driver. In place of the tables that a build generates there is what the command line says.
 */
#pragma once

#include "file_disk.h"
#include "service.h"

#include <sdfgen/block_virt.h>

#define BLOCK_SYSTEM_MAX_CLIENTS SERVICE_MAX_CLIENTS
/* Of the two-client example. */
#define BLOCK_SYSTEM_DATA_BYTES 0x200000u
#define BLOCK_SYSTEM_CAPACITY 128u

struct block_system_client {
    const char *name;
    uint32_t partition;
    bool read_only;
};

struct block_system {
    struct block_virt_client virt_clients[BLOCK_SYSTEM_MAX_CLIENTS];
    struct block_client_config clients[BLOCK_SYSTEM_MAX_CLIENTS]; /* their ends, for their devices */
    uint32_t client_count;
    uint64_t io_bases[BLOCK_SYSTEM_MAX_CLIENTS + 1];
    struct file_disk_region regions[BLOCK_SYSTEM_MAX_CLIENTS + 1];
    struct block_virt_config config;
    struct file_disk disk;
    struct block_virt virt;
};

/*
 * Makes memory and tables for the clients, opens the disk, starts driver and virtualiser. False and errno when memory
 * or disk can't be had.
 */
bool block_system_init(struct block_system *system, const struct block_system_client *clients, uint32_t client_count,
                       const struct file_disk_options *disk);

/* Lets virtualiser and driver work once. True when somebody may have more to do. */
bool block_system_step(struct block_system *system);
