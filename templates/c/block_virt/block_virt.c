/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/block_virt.h>

#include "block_virt_client.h"
#include "block_virt_disk.h"
#include "block_virt_driver.h"
#include "block_virt_piece.h"
#include "block_virt_rate.h"
#include "block_virt_slots.h"
#include "block_virt_time.h"

static uint32_t weight_of(const struct block_virt_client *config)
{
    const uint32_t weight = config->weight < BLOCK_MAX_WEIGHT ? config->weight : BLOCK_MAX_WEIGHT;
    return weight != 0 ? weight : 1;
}

static void init_session(struct block_virt_session *session, const struct block_virt_client *config)
{
    const struct block_connection *connection = &config->connection;
    *session = (struct block_virt_session) {
        .config = config,
        .io_base = *config->data.io_base,
        .region_blocks = config->data.size_bytes / SDDF_BLK_BLOCK_BYTES,
        .state = BLOCK_VIRT_CLIENT_WAITING,
        .extended = connection->extended,
        .resilient = connection->resilient,
        .weight = weight_of(config),
    };
    virt_rate_init(session);
    block_request_reader_init(&session->requests, (volatile struct sddf_blk_request_queue *)connection->request_vaddr,
                              connection->queue_capacity);
    block_response_writer_init(&session->responses,
                               (volatile struct sddf_blk_response_queue *)connection->response_vaddr,
                               connection->queue_capacity);
    shared_store_u8(&((volatile struct sddf_blk_storage_info *)connection->storage_info_vaddr)->ready, 0);
}

/* Never patched, or not what a driver could use: no address in the region may wrap. */
static bool is_io_base(const struct block_virt_data_region *data)
{
    uint64_t io_base = *data->io_base;
    return io_base != PHYS_ADDR_UNPATCHED && io_base % SDDF_BLK_BLOCK_BYTES == 0
        && data->size_bytes >= SDDF_BLK_BLOCK_BYTES && data->size_bytes - 1 <= UINT64_MAX - io_base;
}

static void note_client_channel(struct block_virt *virt, uint32_t index)
{
    uint32_t channel = virt->config->clients[index].connection.channel % BLOCK_VIRT_CHANNELS;
    virt->client_of_channel[channel] = (uint8_t)index;
    virt->client_channels |= bit(channel);
}

static void init_sessions(struct block_virt *virt)
{
    const struct block_virt_config *config = virt->config;
    virt->client_count = config->client_count < BLOCK_MAX_CLIENTS ? config->client_count : BLOCK_MAX_CLIENTS;
    for (uint32_t i = 0; i < virt->client_count; i++) {
        init_session(&virt->sessions[i], &config->clients[i]);
        note_client_channel(virt, i);
        virt->sessions[i].extended &= config->driver.connection.extended;
        if (!is_io_base(&config->clients[i].data)) {
            virt->sessions[i].state = BLOCK_VIRT_CLIENT_NO_IO_BASE;
        }
    }
}

/* Member by member: a compound literal of this size could pass through the stack. */
static void init_state(struct block_virt *virt, const struct block_virt_config *config)
{
    virt->config = config;
    virt->state = is_io_base(&config->driver.data) ? BLOCK_VIRT_WAIT_DRIVER : BLOCK_VIRT_NO_IO_BASE;
    virt->driver_io_base = *config->driver.data.io_base;
    virt->driver_room = 0;
    virt->depth = 0;
    virt->forwarded = false;
    virt->taken_responses = false;
    virt->stray_responses = 0;
    virt->client_channels = 0;
    virt->to_look = 0;
    virt->ready = 0;
    virt->stalled = 0;
    virt->held = 0;
    virt->limited = 0;
    virt->now_ms = 0;
    virt->wake_ms = BLOCK_VIRT_NEVER;
    virt->begun = false;
    virt->taken = 0;
    virt->answered = 0;
    virt->counted = 0;
    virt->counters = (struct block_virt_counters) { .restarts = 0 };
    virt->was_ready = false;
    virt->turn = 0;
    virt->in_turn = false;
    virt->table_read_in_flight = false;
    virt->table_outdated = false;
    virt->table_unread = false;
    virt->table_tries = 0;
    virt->table_read = BLOCK_VIRT_TABLE_READ_NONE;
    virt->other_disk = false;
    virt->disk = (struct sddf_blk_storage_info) { .ready = 0 };
    (void)partition_table_start(&virt->table, 0, 0, 0);
}

void block_virt_init(struct block_virt *virt, const struct block_virt_config *config)
{
    const struct block_connection *connection = &config->driver.connection;
    init_state(virt, config);
    virt_slots_init(virt);
    virt_piece_init(virt);
    virt_disk_look(virt);
    virt->driver_start = virt->seen_start;
    init_sessions(virt);
    block_request_writer_init(&virt->driver_requests,
                              (volatile struct sddf_blk_request_queue *)connection->request_vaddr,
                              connection->queue_capacity);
    block_response_reader_init(&virt->driver_responses,
                               (volatile struct sddf_blk_response_queue *)connection->response_vaddr,
                               connection->queue_capacity);
    if (virt->state == BLOCK_VIRT_NO_IO_BASE) {
        virt_disk_settle_clients(virt);
    }
}

/* A channel that is no client's changes nothing. */
static void note_channels(struct block_virt *virt, uint64_t channels)
{
    uint64_t mask = channels & virt->client_channels;
    while (mask != 0) {
        virt->to_look |= bit(virt->client_of_channel[take_bit(&mask)]);
    }
}

static void look_at_clients(struct block_virt *virt)
{
    uint64_t mask = virt->to_look | virt->stalled;
    virt->to_look = 0;
    while (mask != 0) {
        virt_client_look(virt, take_client(virt, &mask));
    }
}

/* One publication and one notification for each queue that something was put into. */
static uint64_t publish_clients(struct block_virt *virt)
{
    uint64_t mask = virt->taken | virt->answered;
    uint64_t channels = 0;
    while (mask != 0) {
        uint32_t index = take_client(virt, &mask);
        struct block_virt_session *session = &virt->sessions[index];
        block_queue_publish(&session->requests.end);
        if ((virt->answered & bit(index)) != 0) {
            block_queue_publish(&session->responses.end);
            channels |= bit(session->config->connection.channel);
        }
    }
    virt->taken = 0;
    virt->answered = 0;
    return channels;
}

/* Whether somebody who waits for room in its response queue has got some since that was looked at. */
static bool find_room(struct block_virt *virt)
{
    uint64_t mask = virt->stalled;
    bool found = false;
    if (mask != 0) {
        shared_fence();
    }
    while (mask != 0) {
        found |= virt_client_find_room(virt, take_client(virt, &mask));
    }
    return found;
}

/* What is answered because its time is over; and when that is so for what is left. */
static void expire(struct block_virt *virt)
{
    if (virt->now_ms < virt->wake_ms) {
        return;
    }
    virt->wake_ms = BLOCK_VIRT_NEVER;
    virt_disk_expire(virt);
    virt_driver_expire(virt);
    for (uint32_t i = 0; i < virt->client_count; i++) {
        virt_client_expire(virt, i);
    }
}

/* Who waits for room has to look for it once more after it has published: block_queue_release() says why. */
static uint64_t serve_clients(struct block_virt *virt)
{
    uint64_t channels = 0;
    look_at_clients(virt);
    expire(virt);
    do {
        virt_driver_serve(virt);
        channels |= publish_clients(virt);
    } while (find_room(virt));
    return channels;
}

/* A driver of somebody else's is always notified. */
static bool must_notify_driver(const struct block_virt *virt)
{
    return !virt->config->driver.connection.extended || block_request_must_notify(&virt->driver_requests);
}

static uint64_t publish_driver(struct block_virt *virt)
{
    uint64_t channels = 0;
    if (virt->taken_responses) {
        block_queue_publish(&virt->driver_responses.end);
    }
    if (virt->forwarded) {
        block_queue_publish(&virt->driver_requests.end);
        channels = must_notify_driver(virt) ? bit(virt->config->driver.connection.channel) : 0;
    }
    virt->taken_responses = false;
    virt->forwarded = false;
    return channels;
}

static void lose_driver(struct block_virt *virt)
{
    if (virt->state != BLOCK_VIRT_DRIVER_LOST) {
        virt->state = BLOCK_VIRT_DRIVER_LOST;
        virt->counters.cut_offs++;
        virt_driver_fail_in_flight(virt, SDDF_BLK_ERR_NO_DEVICE);
        virt_disk_settle_clients(virt);
    }
}

/* What the driver has done since the last step. */
static void look_at_driver(struct block_virt *virt)
{
    virt_disk_look(virt);
    if (!virt_driver_take_responses(virt)) {
        lose_driver(virt);
    }
    virt_disk_take_block(virt);
    if (!virt_driver_look(virt)) {
        lose_driver(virt);
    }
    virt_disk_watch(virt);
}

/* A notification without an answer: the driver has something else to say. One with answers may be a failed read's. */
static bool is_called_by_driver(const struct block_virt *virt, uint64_t channels)
{
    return (channels & bit(virt->config->driver.connection.channel % BLOCK_VIRT_CHANNELS)) != 0
        && !virt->taken_responses;
}

/* Time never goes back. */
static void note_time(struct block_virt *virt, uint64_t now_ms)
{
    virt->now_ms = now_ms > virt->now_ms ? now_ms : virt->now_ms;
    if (!virt->begun) {
        virt->begun = true;
        virt->start_deadline_ms = virt_time_deadline(virt, virt->now_ms);
        virt_time_want(virt, virt->start_deadline_ms);
    }
}

uint64_t block_virt_step_notified(struct block_virt *virt, uint64_t channels, uint64_t now_ms)
{
    note_time(virt, now_ms);
    note_channels(virt, channels);
    look_at_driver(virt);
    if (is_called_by_driver(virt, channels)) {
        virt_disk_read_again(virt);
    }
    uint64_t notified = serve_clients(virt);
    return notified | publish_driver(virt);
}

uint64_t block_virt_step(struct block_virt *virt, uint64_t now_ms)
{
    return block_virt_step_notified(virt, UINT64_MAX, now_ms);
}

uint64_t block_virt_wake_ms(const struct block_virt *virt)
{
    return virt->wake_ms;
}

enum block_virt_state block_virt_state(const struct block_virt *virt)
{
    return virt->state;
}

enum block_virt_client_state block_virt_client_state(const struct block_virt *virt, uint32_t client)
{
    return client < virt->client_count ? virt->sessions[client].state : BLOCK_VIRT_CLIENT_CUT_OFF;
}

enum partition_code block_virt_client_status(const struct block_virt *virt, uint32_t client)
{
    return client < virt->client_count ? virt->sessions[client].partition_code : PARTITION_ERR_MISSING;
}

const struct block_virt_client_counters *block_virt_client_counters(const struct block_virt *virt, uint32_t client)
{
    return client < virt->client_count ? &virt->sessions[client].counters : NULL;
}

uint64_t block_virt_take_counted(struct block_virt *virt)
{
    uint64_t counted = virt->counted;
    virt->counted = 0;
    return counted;
}

const struct block_virt_counters *block_virt_counters(const struct block_virt *virt)
{
    return &virt->counters;
}

uint64_t block_virt_stray_responses(const struct block_virt *virt)
{
    return virt->stray_responses;
}

const struct partition_table *block_virt_partition_table(const struct block_virt *virt)
{
    return &virt->table;
}

const char *block_virt_state_text(enum block_virt_state state)
{
    static const char *const texts[] = {
        [BLOCK_VIRT_WAIT_DRIVER] = "waiting for the driver",
        [BLOCK_VIRT_READ_PARTITIONS] = "reading the partition tables",
        [BLOCK_VIRT_SERVE] = "serving",
        [BLOCK_VIRT_DRIVER_LOST] = "the driver broke the protocol and is cut off",
        [BLOCK_VIRT_NO_IO_BASE] = "the io address of its own data region was not patched in or makes no sense",
    };
    return (unsigned int)state < sizeof(texts) / sizeof(texts[0]) ? texts[state] : "unknown state";
}

const char *block_virt_client_state_text(enum block_virt_client_state state)
{
    static const char *const texts[] = {
        [BLOCK_VIRT_CLIENT_WAITING] = "waiting for the partition tables",
        [BLOCK_VIRT_CLIENT_SERVED] = "served",
        [BLOCK_VIRT_CLIENT_NO_PARTITION] = "has no partition",
        [BLOCK_VIRT_CLIENT_NO_IO_BASE] = "the io address of its data region was not patched in or makes no sense",
        [BLOCK_VIRT_CLIENT_CUT_OFF] = "broke the protocol and is cut off",
    };
    return (unsigned int)state < sizeof(texts) / sizeof(texts[0]) ? texts[state] : "unknown state";
}
