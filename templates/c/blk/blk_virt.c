/* SPDX-License-Identifier: BSD-2-Clause */
#include "blk_virt_internal.h"

static void init_session(struct blk_virt_session *session, const struct blk_virt_client *config)
{
    const struct blk_connection *connection = &config->connection;
    *session = (struct blk_virt_session) {
        .config = config,
        .io_base = *config->data.io_base,
        .region_blocks = config->data.size_bytes / SDDF_BLK_BLOCK_BYTES,
        .state = BLK_VIRT_CLIENT_WAITING,
        .extended = connection->extended,
    };
    blk_request_reader_init(&session->requests, (volatile struct sddf_blk_request_queue *)connection->request_vaddr,
                            connection->queue_capacity);
    blk_response_writer_init(&session->responses, (volatile struct sddf_blk_response_queue *)connection->response_vaddr,
                             connection->queue_capacity);
    shared_store_u8(&((volatile struct sddf_blk_storage_info *)connection->storage_info_vaddr)->ready, 0);
}

/* Never patched, or not what a driver could use: no address in the region may wrap. */
static bool is_io_base(const struct blk_virt_data_region *data)
{
    uint64_t io_base = *data->io_base;
    return io_base != PHYS_ADDR_UNPATCHED && io_base % SDDF_BLK_BLOCK_BYTES == 0
        && data->size_bytes >= SDDF_BLK_BLOCK_BYTES && data->size_bytes - 1 <= UINT64_MAX - io_base;
}

static void note_client_channel(struct blk_virt *virt, uint32_t index)
{
    uint32_t channel = virt->config->clients[index].connection.channel % BLK_VIRT_CHANNELS;
    virt->client_of_channel[channel] = (uint8_t)index;
    virt->client_channels |= bit(channel);
}

static void init_sessions(struct blk_virt *virt)
{
    const struct blk_virt_config *config = virt->config;
    virt->client_count = config->client_count < BLK_MAX_CLIENTS ? config->client_count : BLK_MAX_CLIENTS;
    for (uint32_t i = 0; i < virt->client_count; i++) {
        init_session(&virt->sessions[i], &config->clients[i]);
        note_client_channel(virt, i);
        virt->sessions[i].extended &= config->driver.connection.extended;
        if (!is_io_base(&config->clients[i].data)) {
            virt->sessions[i].state = BLK_VIRT_CLIENT_NO_IO_BASE;
        }
    }
}

static void init_slots(struct blk_virt *virt)
{
    for (uint32_t i = 0; i < BLK_VIRT_MAX_IN_FLIGHT; i++) {
        virt->free_slots[i] = (uint8_t)i;
        virt->slots[i] = (struct blk_virt_slot) { .live = false };
    }
    virt->free_count = BLK_VIRT_MAX_IN_FLIGHT;
}

/* Member by member: a compound literal of this size could pass through the stack. */
static void init_state(struct blk_virt *virt, const struct blk_virt_config *config)
{
    virt->config = config;
    virt->state = is_io_base(&config->driver.data) ? BLK_VIRT_WAIT_DRIVER : BLK_VIRT_NO_IO_BASE;
    virt->driver_io_base = *config->driver.data.io_base;
    virt->driver_room = 0;
    virt->depth = 0;
    virt->in_flight = 0;
    virt->forwarded = false;
    virt->taken_responses = false;
    virt->stray_responses = 0;
    virt->client_channels = 0;
    virt->to_look = 0;
    virt->ready = 0;
    virt->stalled = 0;
    virt->taken = 0;
    virt->answered = 0;
    virt->turn = 0;
    virt->in_turn = false;
    virt->table_read_in_flight = false;
    virt->table_outdated = false;
    virt->disk = (struct sddf_blk_storage_info) { .ready = 0 };
    (void)partition_table_start(&virt->table, 0, 0);
}

void blk_virt_init(struct blk_virt *virt, const struct blk_virt_config *config)
{
    const struct blk_connection *connection = &config->driver.connection;
    init_state(virt, config);
    init_slots(virt);
    init_sessions(virt);
    blk_request_writer_init(&virt->driver_requests, (volatile struct sddf_blk_request_queue *)connection->request_vaddr,
                            connection->queue_capacity);
    blk_response_reader_init(&virt->driver_responses,
                             (volatile struct sddf_blk_response_queue *)connection->response_vaddr,
                             connection->queue_capacity);
    if (virt->state == BLK_VIRT_NO_IO_BASE) {
        virt_disk_settle_clients(virt);
    }
}

/* A channel that is no client's changes nothing. */
static void note_channels(struct blk_virt *virt, uint64_t channels)
{
    uint64_t mask = channels & virt->client_channels;
    while (mask != 0) {
        virt->to_look |= bit(virt->client_of_channel[take_bit(&mask)]);
    }
}

static void look_at_clients(struct blk_virt *virt)
{
    uint64_t mask = virt->to_look | virt->stalled;
    virt->to_look = 0;
    while (mask != 0) {
        virt_client_look(virt, take_client(virt, &mask));
    }
}

/* One publication and one notification for each queue that something was put into. */
static uint64_t publish_clients(struct blk_virt *virt)
{
    uint64_t mask = virt->taken | virt->answered;
    uint64_t channels = 0;
    while (mask != 0) {
        uint32_t index = take_client(virt, &mask);
        struct blk_virt_session *session = &virt->sessions[index];
        blk_queue_publish(&session->requests.end);
        if ((virt->answered & bit(index)) != 0) {
            blk_queue_publish(&session->responses.end);
            channels |= bit(session->config->connection.channel);
        }
    }
    virt->taken = 0;
    virt->answered = 0;
    return channels;
}

static uint64_t publish_driver(struct blk_virt *virt)
{
    uint64_t channels = virt->forwarded ? bit(virt->config->driver.connection.channel) : 0;
    if (virt->taken_responses) {
        blk_queue_publish(&virt->driver_responses.end);
    }
    if (virt->forwarded) {
        blk_queue_publish(&virt->driver_requests.end);
    }
    virt->taken_responses = false;
    virt->forwarded = false;
    return channels;
}

uint64_t blk_virt_step_notified(struct blk_virt *virt, uint64_t channels)
{
    note_channels(virt, channels);
    virt_driver_take_responses(virt);
    virt_driver_look(virt);
    virt_disk_watch(virt);
    if (virt->state != BLK_VIRT_WAIT_DRIVER && virt->state != BLK_VIRT_READ_PARTITIONS) {
        look_at_clients(virt);
        virt_driver_serve(virt);
    }
    return publish_clients(virt) | publish_driver(virt);
}

uint64_t blk_virt_step(struct blk_virt *virt)
{
    return blk_virt_step_notified(virt, UINT64_MAX);
}

enum blk_virt_state blk_virt_state(const struct blk_virt *virt)
{
    return virt->state;
}

enum blk_virt_client_state blk_virt_client_state(const struct blk_virt *virt, uint32_t client)
{
    return client < virt->client_count ? virt->sessions[client].state : BLK_VIRT_CLIENT_CUT_OFF;
}

enum partition_code blk_virt_client_status(const struct blk_virt *virt, uint32_t client)
{
    return client < virt->client_count ? virt->sessions[client].partition_code : PARTITION_ERR_MISSING;
}

const struct blk_virt_client_counters *blk_virt_client_counters(const struct blk_virt *virt, uint32_t client)
{
    return client < virt->client_count ? &virt->sessions[client].counters : NULL;
}

uint64_t blk_virt_stray_responses(const struct blk_virt *virt)
{
    return virt->stray_responses;
}

const struct partition_table *blk_virt_partition_table(const struct blk_virt *virt)
{
    return &virt->table;
}

const char *blk_virt_state_text(enum blk_virt_state state)
{
    static const char *const texts[] = {
        [BLK_VIRT_WAIT_DRIVER] = "waiting for the driver",
        [BLK_VIRT_READ_PARTITIONS] = "reading the partition tables",
        [BLK_VIRT_SERVE] = "serving",
        [BLK_VIRT_DRIVER_LOST] = "the driver broke the protocol and is cut off",
        [BLK_VIRT_NO_IO_BASE] = "the io address of the virtualiser's data region was not patched in or makes no sense",
    };
    return (unsigned int)state < sizeof(texts) / sizeof(texts[0]) ? texts[state] : "unknown state";
}

const char *blk_virt_client_state_text(enum blk_virt_client_state state)
{
    static const char *const texts[] = {
        [BLK_VIRT_CLIENT_WAITING] = "waiting for the partition tables",
        [BLK_VIRT_CLIENT_SERVED] = "served",
        [BLK_VIRT_CLIENT_NO_PARTITION] = "has no partition",
        [BLK_VIRT_CLIENT_NO_IO_BASE] = "the io address of its data region was not patched in or makes no sense",
        [BLK_VIRT_CLIENT_CUT_OFF] = "broke the protocol and is cut off",
    };
    return (unsigned int)state < sizeof(texts) / sizeof(texts[0]) ? texts[state] : "unknown state";
}
