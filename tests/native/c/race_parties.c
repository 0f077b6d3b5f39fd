/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtualiser, and a driver whose disk is a formula. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sdfgen/block_virt.h>
#include <sdfgen/cache.h>

#include "race_internal.h"

#define DRIVER_CAPACITY 64u
#define FIRST_BLOCK 8u
#define PARTITION_BLOCKS 1000u
#define IO_BASE UINT64_C(0x100000000)
#define DRIVER_IO_BASE UINT64_C(0x10000000)

const struct scenario scenarios[] = {
    { "native_1", false, false, 0, 1, 0, 3, false, false, false },
    { "native_2", false, false, 0, 2, 0, 5, false, false, false },
    { "native_4", false, false, 0, 4, 0, 9, false, false, false },
    { "native_4_of_depth_1", false, false, 0, 4, 1, 6, false, false, false },
    { "native_8", false, false, 0, 8, 0, 17, false, false, false },
    { "native_64", false, false, 0, 64, 0, 130, false, false, false },
    { "guest_of_1_with_flags", true, false, 2, 2, 0, 2, false, false, false },
    { "guest_of_1_with_events", true, true, 2, 2, 0, 2, false, false, false },
    { "guest_of_4_with_flags", true, false, 8, 2, 0, 5, false, false, false },
    { "guest_of_4_with_events", true, true, 8, 2, 0, 5, false, false, false },
    { "guest_of_8_with_events", true, true, 16, 4, 0, 9, false, false, false },
    { "guest_of_128_with_flags", true, false, 256, 8, 4, 130, false, false, false },
    { "guest_of_128_with_events", true, true, 256, 64, 0, 130, false, false, false },
    { "ids_of_1_with_flags", true, false, 2, 2, 0, 3, false, false, true },
    { "ids_of_1_with_events", true, true, 2, 2, 0, 3, false, false, true },
    { "ids_of_2_with_flags", true, false, 4, 2, 0, 4, false, false, true },
    { "ids_of_2_with_events", true, true, 4, 2, 0, 4, false, false, true },
    { "ids_of_128_with_flags", true, false, 256, 2, 0, 300, false, false, true },
    { "ids_of_128_with_events", true, true, 256, 2, 0, 300, false, false, true },
    { "exits_of_4_with_flags", true, false, 8, 4, 0, 5, true, false, false },
    { "exits_of_4_with_events", true, true, 8, 4, 0, 5, true, false, false },
    { "exits_of_128_with_events", true, true, 256, 64, 0, 130, true, false, false },
    { "owes_of_4_with_flags", true, false, 8, 4, 0, 5, true, true, false },
    { "owes_of_4_with_events", true, true, 8, 4, 0, 5, true, true, false },
    { "owes_of_128_with_events", true, true, 256, 64, 0, 130, true, true, false },
};
const size_t scenario_count = sizeof(scenarios) / sizeof(scenarios[0]);

struct race_queues race_client_queues;
_Alignas(4096) uint8_t race_data[RACE_CELLS][SDDF_BLK_BLOCK_BYTES];

static struct race_queues driver_queues;
_Alignas(4096) static uint8_t table_data[SDDF_BLK_BLOCK_BYTES];
static const uint64_t io_base = IO_BASE;
static const uint64_t driver_io_base = DRIVER_IO_BASE;
static struct block_virt_client client;
static struct block_virt_config config;
static struct block_virt virt;
static struct block_request_reader driver_requests;
static struct block_response_writer driver_responses;
static const struct scenario *current;

void cache_clean_range(uintptr_t vaddr, size_t size_bytes)
{
    (void)vaddr;
    (void)size_bytes;
}

void cache_clean_and_invalidate_range(uintptr_t vaddr, size_t size_bytes)
{
    (void)vaddr;
    (void)size_bytes;
}

void race_fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", current->name, what);
    parties_describe();
    exit(1);
}

/* ---- Set-up ---- */

static struct block_connection connect(struct race_queues *queues, uint32_t capacity, uint32_t channel, bool resilient)
{
    return (struct block_connection) {
        .storage_info_vaddr = (uintptr_t)&queues->info,
        .request_vaddr = (uintptr_t)queues->requests,
        .response_vaddr = (uintptr_t)queues->responses,
        .queue_capacity = capacity,
        .channel = channel,
        .resilient = resilient,
    };
}

struct block_client_config race_client_config(const struct scenario *scenario)
{
    return (struct block_client_config) {
        .name = "disk",
        .connection = connect(&race_client_queues, scenario->queue_capacity, CHANNEL_CLIENT, scenario->guest),
        .data = { .vaddr = (uintptr_t)race_data, .size_bytes = sizeof(race_data) },
    };
}

/* It says when it is awake. */
static struct block_connection connect_driver(void)
{
    struct block_connection connection = connect(&driver_queues, DRIVER_CAPACITY, CHANNEL_DRIVER, false);
    connection.extended = true;
    return connection;
}

static void watch(struct race_queues *queues, const char *const names[5])
{
    struct sddf_blk_request_queue *requests = (void *)queues->requests;
    struct sddf_blk_response_queue *responses = (void *)queues->responses;
    race_watch(&requests->head, names[0]);
    race_watch(&requests->tail, names[1]);
    race_watch(&responses->head, names[2]);
    race_watch(&responses->tail, names[3]);
    race_watch(&queues->info.ready, names[4]);
}

static void watch_all(void)
{
    static const char *const clients[] = { "client's requests.head", "client's requests.tail",
                                           "client's responses.head", "client's responses.tail", "client's ready" };
    static const char *const drivers[] = { "driver's requests.head", "driver's requests.tail",
                                           "driver's responses.head", "driver's responses.tail", "driver's ready" };
    watch(&race_client_queues, clients);
    watch(&driver_queues, drivers);
    race_watch(&((struct sddf_blk_request_queue *)(void *)driver_queues.requests)->awake, "driver's requests.awake");
}

static void set_up_virt(const struct scenario *scenario)
{
    memset(&race_client_queues, 0, sizeof(race_client_queues));
    memset(&driver_queues, 0, sizeof(driver_queues));
    client = (struct block_virt_client) {
        .name = "client",
        .connection = connect(&race_client_queues, scenario->queue_capacity, CHANNEL_CLIENT, scenario->guest),
        .data = { .vaddr = (uintptr_t)race_data, .size_bytes = sizeof(race_data), .io_base = &io_base },
    };
    config = (struct block_virt_config) {
        .driver = {
            .connection = connect_driver(),
            .data = { .vaddr = (uintptr_t)table_data, .size_bytes = sizeof(table_data), .io_base = &driver_io_base },
        },
        .clients = &client,
        .client_count = 1,
    };
    block_virt_init(&virt, &config);
    block_request_reader_init(&driver_requests, (void *)driver_queues.requests, DRIVER_CAPACITY);
    block_response_writer_init(&driver_responses, (void *)driver_queues.responses, DRIVER_CAPACITY);
    driver_queues.info.sector_bytes = 512;
    driver_queues.info.capacity_blocks = 2 * PARTITION_BLOCKS;
    driver_queues.info.queue_depth = (uint16_t)scenario->queue_depth;
    driver_queues.info.ready = 1;
}

static bool driver_turn(void);

void parties_set_up(const struct scenario *scenario, uint32_t requests)
{
    current = scenario;
    watch_all();
    set_up_virt(scenario);
    do {
        (void)block_virt_step(&virt, 0);
    } while (driver_turn());
    if (block_virt_state(&virt) != BLOCK_VIRT_SERVE) {
        race_fail("the disk is not served");
    }
    (scenario->guest ? race_vmm_set_up : race_native_set_up)(scenario, requests);
}

/* ---- The driver ---- */

static void write_partition_table(void)
{
    memset(table_data, 0, sizeof(table_data));
    table_data[446 + 4] = 0x83;
    table_data[446 + 8] = FIRST_BLOCK * 8;
    table_data[446 + 12] = PARTITION_BLOCKS * 8 % 256;
    table_data[446 + 13] = PARTITION_BLOCKS * 8 / 256;
    table_data[510] = 0x55;
    table_data[511] = 0xaa;
}

static void serve(const struct sddf_blk_request *request)
{
    uint64_t content = race_content(request->block_number - FIRST_BLOCK);
    if (request->io_or_offset == DRIVER_IO_BASE) {
        write_partition_table();
        return;
    }
    uint8_t *data = &race_data[0][0] + (request->io_or_offset - IO_BASE);
    if (request->code == SDDF_BLK_READ) {
        memcpy(data, &content, sizeof(content));
    } else if (request->code == SDDF_BLK_WRITE && memcmp(data, &content, sizeof(content)) != 0) {
        race_fail("the driver was given other data than the client wrote");
    }
}

/* Whether there was something to do. Each answer is published by itself, which is the worst for who takes them. */
static bool driver_turn(void)
{
    struct sddf_blk_request taken[DRIVER_CAPACITY];
    uint32_t filled = block_queue_filled(&driver_requests.end);
    for (uint32_t i = 0; i < filled; i++) {
        block_request_take(&driver_requests, &taken[i]);
    }
    if (filled == 0) {
        return false;
    }
    block_queue_publish(&driver_requests.end);
    for (uint32_t i = 0; i < filled; i++) {
        const struct sddf_blk_response response = { .success_count = taken[i].block_count, .id = taken[i].id };
        serve(&taken[i]);
        if (block_queue_room(&driver_responses.end) == 0) {
            race_fail("the driver has no room for an answer");
        }
        block_response_put(&driver_responses, &response);
        block_queue_publish(&driver_responses.end);
        party_notify(PARTY_VIRT, UINT64_C(1) << CHANNEL_DRIVER);
    }
    return true;
}

static void driver_body(void)
{
    for (;;) {
        (void)party_wait();
        do {
            block_request_say_awake(&driver_requests);
            (void)driver_turn();
            block_request_say_asleep(&driver_requests);
        } while (block_queue_filled(&driver_requests.end) != 0);
    }
}

/* ---- The virtualiser ---- */

static void virt_body(void)
{
    for (;;) {
        uint64_t notified = block_virt_step_notified(&virt, party_wait(), 0);
        if ((notified >> CHANNEL_CLIENT & 1) != 0) {
            party_notify(PARTY_CLIENT, VMM_BLOCK);
        }
        if ((notified >> CHANNEL_DRIVER & 1) != 0) {
            party_notify(PARTY_DRIVER, 1);
        }
    }
}

/* ---- All of them ---- */

party_body *parties_body(enum party party)
{
    party_body *const bodies[PARTY_COUNT] = {
        [PARTY_GUEST] = current->guest ? race_guest_body : NULL,
        [PARTY_CLIENT] = current->guest ? race_vmm_body : race_native_body,
        [PARTY_VIRT] = current->ids ? NULL : virt_body,
        [PARTY_DRIVER] = current->ids ? NULL : driver_body,
    };
    return bodies[party];
}

bool parties_done(void)
{
    return current->guest ? race_guest_done() : race_native_done();
}

void parties_describe(void)
{
    const struct block_virt_session *session = &virt.sessions[0];
    fprintf(stderr, "virtualiser: %u with the driver, client's %u unseen, %u owed, room for %u, stalled %u\n",
            virt.in_flight, session->filled, session->owed, session->room, (unsigned int)virt.stalled);
    (current->guest ? race_guest_describe : race_native_describe)();
}
