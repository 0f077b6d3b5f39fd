/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_virt_disk.h"

#include <sdfgen/partition_name.h>

#include "block_virt_client.h"
#include "block_virt_driver.h"
#include "block_virt_time.h"

/* What a client without a disk is told: the usual, in case its guest divides by it. */
#define SECTOR_BYTES_OF_NO_DISK 512u

static volatile struct sddf_blk_storage_info *storage_info(const struct block_connection *connection)
{
    return (volatile struct sddf_blk_storage_info *)connection->storage_info_vaddr;
}

static volatile uint64_t *start_word(const struct block_connection *connection)
{
    return &((volatile struct sdfgen_block_storage *)connection->storage_info_vaddr)->start;
}

/* A driver's start is stored after its `ready` was taken back: who sees the one sees the other. */
void virt_disk_look(struct block_virt *virt)
{
    const struct block_connection *connection = &virt->config->driver.connection;
    virt->seen_start = connection->resilient ? shared_load_acquire_u64(start_word(connection)) : 0;
    virt->seen_ready = shared_load_acquire_u8(&storage_info(connection)->ready) != 0;
}

/* Copies the driver's words, each loaded once. */
static void load_info(const struct block_virt *virt, struct sddf_blk_storage_info *info)
{
    const volatile struct sddf_blk_storage_info *shared = storage_info(&virt->config->driver.connection);
    *info = (struct sddf_blk_storage_info) {
        .read_only = shared_load_u8(&shared->read_only),
        .sector_bytes = shared_load_u16(&shared->sector_bytes),
        .block_size = shared_load_u16(&shared->block_size),
        .queue_depth = shared_load_u16(&shared->queue_depth),
        .capacity_blocks = shared_load_u64(&shared->capacity_blocks),
    };
    if (virt->config->driver.connection.extended) {
        info->sdfgen_tail_sectors = shared_load_u8(&shared->sdfgen_tail_sectors);
        info->sdfgen_traits = shared_load_u8(&shared->sdfgen_traits);
    }
    for (size_t i = 0; i < sizeof(info->serial_number); i++) {
        info->serial_number[i] = (char)shared_load_u8((const volatile uint8_t *)&shared->serial_number[i]);
    }
}

/* The disk's geometry in cylinders is not a partition's, and stays 0. */
static void store_info(const struct block_connection *connection, const struct sddf_blk_storage_info *info)
{
    volatile struct sddf_blk_storage_info *shared = storage_info(connection);
    for (size_t i = 0; i < sizeof(info->serial_number); i++) {
        shared_store_u8((volatile uint8_t *)&shared->serial_number[i], (uint8_t)info->serial_number[i]);
    }
    shared_store_u8(&shared->read_only, info->read_only);
    shared_store_u16(&shared->sector_bytes, info->sector_bytes);
    shared_store_u16(&shared->block_size, info->block_size);
    shared_store_u16(&shared->queue_depth, info->queue_depth);
    shared_store_u16(&shared->cylinders, 0);
    shared_store_u16(&shared->heads, 0);
    shared_store_u16(&shared->blocks, 0);
    shared_store_u8(&shared->sdfgen_tail_sectors, info->sdfgen_tail_sectors);
    shared_store_u8(&shared->sdfgen_traits, info->sdfgen_traits);
    shared_store_u64(&shared->capacity_blocks, info->capacity_blocks);
    shared_store_release_u8(&shared->ready, 1);
}

/* Whoever reads while it is changed sees `ready` fall with the new start, or the start change behind the new words. */
static void begin_description(struct block_virt_session *session)
{
    const struct block_connection *connection = &session->config->connection;
    shared_store_u8(&storage_info(connection)->ready, 0);
    shared_fence();
    if (session->resilient) {
        session->descriptions++;
        shared_store_u64(start_word(connection), session->descriptions);
        shared_fence();
    }
}

/* A client's storage_info: the disk's, as far as its partition and its queue go. */
static void publish(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    const struct block_connection *connection = &session->config->connection;
    struct sddf_blk_storage_info info = virt->disk;
    uint32_t depth = connection->queue_capacity < virt->depth ? connection->queue_capacity : virt->depth;
    info.capacity_blocks = session->block_count;
    info.queue_depth = (uint16_t)depth;
    info.read_only = session->read_only;
    info.sdfgen_tail_sectors = 0; /* partitions are whole blocks */
    info.sdfgen_traits = session->extended ? info.sdfgen_traits : 0;
    info.sector_bytes = session->block_count != 0 ? info.sector_bytes : SECTOR_BYTES_OF_NO_DISK;
    begin_description(session);
    store_info(connection, &info);
    session->published = true;
    virt->answered |= bit(index);
}

/* Its partition, and whether that is still the same as far as requests go: it may have another size. */
static bool assign_partition(const struct block_virt *virt, struct block_virt_session *session,
                             struct partition partition)
{
    bool fixed = session->published && session->block_count != 0 && !session->resilient;
    bool moved = session->first_block != partition.first_block || virt->other_disk;
    bool resized = session->block_count != partition.block_count;
    bool same = session->settled && partition.code == PARTITION_OK && !moved;
    if (fixed && partition.code == PARTITION_OK && (moved || resized)) {
        partition.code = PARTITION_ERR_MISSING;
    } else if (partition.code == PARTITION_OK || !session->published) {
        session->first_block = partition.first_block;
        session->block_count = partition.block_count;
    }
    session->partition_code = partition.code;
    session->state = partition.code == PARTITION_OK ? BLOCK_VIRT_CLIENT_SERVED : BLOCK_VIRT_CLIENT_NO_PARTITION;
    session->settled |= partition.code == PARTITION_OK;
    return same;
}

static struct partition find_partition(const struct block_virt *virt, const struct block_virt_client *config)
{
    uint32_t index = config->partition;
    enum partition_code code = partition_find(&virt->table, config->partuuid, config->partlabel, &index);
    return code == PARTITION_OK ? partition_of(&virt->table, index) : (struct partition) { .code = code };
}

static bool is_named(const struct block_virt_client *config)
{
    return config->partuuid != NULL || config->partlabel != NULL;
}

/* Two names may mean one partition, which is seen only here; of equal names the description's rules have spoken. */
static bool is_taken(const struct block_virt *virt, uint32_t index, struct partition partition)
{
    const struct block_virt_client *config = virt->sessions[index].config;
    for (uint32_t i = 0; i < index && partition.code == PARTITION_OK; i++) {
        const struct block_virt_session *earlier = &virt->sessions[i];
        if (earlier->state == BLOCK_VIRT_CLIENT_SERVED && earlier->first_block == partition.first_block
            && (is_named(config) || is_named(earlier->config)) && !(config->read_only && earlier->config->read_only)) {
            return true;
        }
    }
    return false;
}

static struct partition partition_for(const struct block_virt *virt, uint32_t index)
{
    struct partition partition = find_partition(virt, virt->sessions[index].config);
    return is_taken(virt, index, partition) ? (struct partition) { .code = PARTITION_ERR_SHARED } : partition;
}

static void settle_client(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    uint64_t blocks = session->block_count;
    bool read_only = session->read_only;
    bool same = session->settled;
    virt->to_look |= bit(index);
    if (session->state != BLOCK_VIRT_CLIENT_NO_IO_BASE && session->state != BLOCK_VIRT_CLIENT_CUT_OFF) {
        same = assign_partition(virt, session, partition_for(virt, index));
    }
    session->read_only = session->config->read_only || virt->disk.read_only != 0;
    bool changed = session->block_count != blocks || session->read_only != read_only
        || (session->state == BLOCK_VIRT_CLIENT_SERVED && !same);
    session->other_disk = session->published && !same;
    if (!session->published || ((session->resilient || blocks == 0) && changed)) {
        publish(virt, index);
    }
    virt_client_check_head(virt, index, same);
    virt_driver_check_recalled(virt, index, same);
}

void virt_disk_expire(struct block_virt *virt)
{
    bool waiting = virt->state == BLOCK_VIRT_WAIT_DRIVER || virt->state == BLOCK_VIRT_READ_PARTITIONS;
    if (!virt_time_is_over(virt, virt->start_deadline_ms)) {
        virt_time_want(virt, waiting ? virt->start_deadline_ms : BLOCK_VIRT_NEVER);
        return;
    }
    virt->start_deadline_ms = BLOCK_VIRT_NEVER;
    for (uint32_t i = 0; waiting && i < virt->client_count; i++) {
        if (virt->sessions[i].resilient && !virt->sessions[i].published) {
            publish(virt, i);
        }
    }
}

void virt_disk_settle_clients(struct block_virt *virt)
{
    for (uint32_t i = 0; i < virt->client_count; i++) {
        settle_client(virt, i);
    }
}

static void step_table(struct block_virt *virt, enum partition_step step)
{
    if (step == PARTITION_DONE) {
        virt->state = BLOCK_VIRT_SERVE;
        virt_disk_settle_clients(virt);
    }
}

static uint32_t depth_for(const struct block_virt *virt)
{
    uint32_t depth = virt->config->driver.connection.queue_capacity;
    uint32_t wanted = virt->disk.queue_depth;
    depth = depth < BLOCK_VIRT_MAX_IN_FLIGHT ? depth : BLOCK_VIRT_MAX_IN_FLIGHT;
    return wanted != 0 && wanted < depth ? wanted : depth;
}

static bool is_same_serial(const struct sddf_blk_storage_info *one, const struct sddf_blk_storage_info *other)
{
    uint32_t different = 0;
    for (size_t i = 0; i < sizeof(one->serial_number); i++) {
        different |= (uint32_t)(one->serial_number[i] != other->serial_number[i]);
    }
    return different == 0;
}

static void start(struct block_virt *virt)
{
    struct sddf_blk_storage_info earlier = virt->disk;
    load_info(virt, &virt->disk);
    virt->other_disk = !is_same_serial(&virt->disk, &earlier) || virt->disk.sector_bytes != earlier.sector_bytes;
    virt->depth = depth_for(virt);
    virt->state = BLOCK_VIRT_READ_PARTITIONS;
    virt->table_unread = false;
    virt->table_tries = 0;
    virt->table_outdated = virt->table_read_in_flight;
    step_table(virt, partition_table_start(&virt->table, virt->disk.capacity_blocks, virt->disk.sdfgen_tail_sectors,
                                           virt->disk.sector_bytes));
}

/* The driver may go on writing to the data region: what is parsed must not change meanwhile. */
static const uint8_t *copy_block(struct block_virt *virt)
{
    const volatile uint64_t *words = (const volatile uint64_t *)virt->config->driver.data.vaddr;
    for (size_t i = 0; i < sizeof(virt->table_block) / sizeof(virt->table_block[0]); i++) {
        virt->table_block[i] = shared_load_u64(&words[i]);
    }
    return (const uint8_t *)virt->table_block;
}

/* True when it is to be asked for once more: whoever finds no read in flight does so. */
static bool may_try_again(struct block_virt *virt, enum block_virt_table_read read)
{
    bool failed = read == BLOCK_VIRT_TABLE_READ_FAILED;
    virt->table_tries = failed ? virt->table_tries + 1 : 0;
    bool again = failed && virt->table_tries < BLOCK_VIRT_TABLE_TRIES;
    if (failed && !again) {
        virt->table_tries = 0;
        virt->table_unread = true;
    }
    return again;
}

void virt_disk_take_block(struct block_virt *virt)
{
    enum block_virt_table_read read = virt->table_read;
    bool wanted = virt->state == BLOCK_VIRT_READ_PARTITIONS && !virt->table_outdated;
    virt->table_read = BLOCK_VIRT_TABLE_READ_NONE;
    if (read == BLOCK_VIRT_TABLE_READ_NONE) {
        return;
    }
    virt->table_outdated = false;
    if (wanted && !may_try_again(virt, read)) {
        const uint8_t *content = read == BLOCK_VIRT_TABLE_READ_DONE ? copy_block(virt) : NULL;
        step_table(virt, partition_table_feed(&virt->table, content));
    }
}

/* Nothing was lost so far; the next driver, or this one, may go on. */
static void wait_again(struct block_virt *virt)
{
    virt->state = BLOCK_VIRT_WAIT_DRIVER;
    virt->driver_requests.end.broken = false;
    virt->driver_responses.end.broken = false;
    virt->driver_room = block_queue_room(&virt->driver_requests.end);
    virt_disk_take_block(virt);
}

/* Since the last look a driver started, or this one was taken back; one that can't tell of its starts is gone then. */
static void look_for_restart(struct block_virt *virt)
{
    bool active = virt->state == BLOCK_VIRT_READ_PARTITIONS || virt->state == BLOCK_VIRT_SERVE;
    bool started = virt->seen_start != virt->driver_start && virt->state != BLOCK_VIRT_NO_IO_BASE;
    virt->driver_start = virt->seen_start;
    if (started) {
        virt_driver_recall(virt, (uint32_t)virt->seen_start);
    } else if (active && !virt->seen_ready && !virt->config->driver.connection.resilient) {
        virt_driver_recall(virt, virt_driver_head(virt));
    }
    if (started || (active && !virt->seen_ready)) {
        wait_again(virt);
    }
}

void virt_disk_watch(struct block_virt *virt)
{
    look_for_restart(virt);
    if (virt->state == BLOCK_VIRT_WAIT_DRIVER && virt->seen_ready) {
        virt->counters.restarts += virt->was_ready;
        virt->was_ready = true;
        start(virt);
    }
    if (virt->state == BLOCK_VIRT_READ_PARTITIONS && !virt->table_read_in_flight) {
        virt_driver_read_own(virt, virt->table.read_block);
    }
}

void virt_disk_read_again(struct block_virt *virt)
{
    if (virt->state == BLOCK_VIRT_SERVE && virt->table_unread && virt->table.code != PARTITION_OK) {
        start(virt);
        virt_disk_watch(virt);
    }
}
