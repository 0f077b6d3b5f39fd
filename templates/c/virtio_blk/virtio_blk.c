/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/mem.h>
#include <sdfgen/virtio_blk.h>

#include "virtio_blk_piece.h"
#include "virtio_blk_task.h"

#define FEATURE(bit) (UINT64_C(1) << (bit))

/* Offsets in struct virtio_blk_config, 5.2.4. */
enum config_offset {
    CONFIG_CAPACITY = 0,
    CONFIG_SIZE_MAX = 8,
    CONFIG_SEG_MAX = 12,
    CONFIG_BLK_SIZE = 20,
    CONFIG_PHYSICAL_BLOCK_EXP = 24,
    CONFIG_MIN_IO_SIZE = 26,
    CONFIG_OPT_IO_SIZE = 28,
    CONFIG_NUM_QUEUES = 34,
    CONFIG_MAX_DISCARD_SECTORS = 36,
    CONFIG_MAX_DISCARD_SEG = 40,
    CONFIG_DISCARD_SECTOR_ALIGNMENT = 44,
    CONFIG_MAX_WRITE_ZEROES_SECTORS = 48,
    CONFIG_MAX_WRITE_ZEROES_SEG = 52,
    CONFIG_WRITE_ZEROES_MAY_UNMAP = 56,
};

static const uint64_t features_always =
    FEATURE(VIRTIO_BLK_F_SIZE_MAX) | FEATURE(VIRTIO_BLK_F_SEG_MAX) | FEATURE(VIRTIO_BLK_F_BLK_SIZE) |
    FEATURE(VIRTIO_BLK_F_FLUSH) | FEATURE(VIRTIO_BLK_F_TOPOLOGY) | FEATURE(VIRTIO_BLK_F_CONFIG_WCE) |
    FEATURE(VIRTIO_F_INDIRECT_DESC) | FEATURE(VIRTIO_F_EVENT_IDX) | FEATURE(VIRTIO_F_VERSION_1);

/* ---- The disk ---- */

static void put_config(struct virtio_blk *device, enum config_offset offset, uint64_t value, uint32_t size_bytes)
{
    for (uint32_t i = 0; i < size_bytes; i++) {
        device->config[offset + i] = (uint8_t)(value >> (8 * i));
    }
}

/* Sectors of 512 bytes are offered even where blocks are larger, since a guest's file system may be made of them. */
static void fill_config(struct virtio_blk *device, uint16_t disk_sector_bytes, uint16_t optimal_blocks)
{
    bool large = disk_sector_bytes == SDDF_BLK_BLOCK_BYTES;
    uint32_t logical = large ? SDDF_BLK_BLOCK_BYTES : VIRTIO_BLK_SECTOR_BYTES;
    uint32_t per_block = SDDF_BLK_BLOCK_BYTES / logical;
    memset(device->config, 0, sizeof(device->config));
    put_config(device, CONFIG_CAPACITY, device->limits.capacity_sectors, 8);
    put_config(device, CONFIG_SIZE_MAX, VIRTIO_BLK_SIZE_MAX_BYTES, 4);
    put_config(device, CONFIG_SEG_MAX, VIRTIO_BLK_SEG_MAX, 4);
    put_config(device, CONFIG_BLK_SIZE, logical, 4);
    put_config(device, CONFIG_PHYSICAL_BLOCK_EXP, large ? 0 : 3, 1);
    put_config(device, CONFIG_MIN_IO_SIZE, per_block, 2);
    put_config(device, CONFIG_OPT_IO_SIZE, (uint64_t)optimal_blocks * per_block, 4);
    put_config(device, CONFIG_NUM_QUEUES, 1, 2);
    if (device->limits.ranges && !device->limits.no_discard) {
        put_config(device, CONFIG_MAX_DISCARD_SECTORS, VIRTIO_BLK_RANGE_MAX_SECTORS, 4);
        put_config(device, CONFIG_MAX_DISCARD_SEG, 1, 4);
        put_config(device, CONFIG_DISCARD_SECTOR_ALIGNMENT, SECTORS_PER_BLOCK, 4);
    }
    if (device->limits.ranges) {
        put_config(device, CONFIG_MAX_WRITE_ZEROES_SECTORS, VIRTIO_BLK_RANGE_MAX_SECTORS, 4);
        put_config(device, CONFIG_MAX_WRITE_ZEROES_SEG, 1, 4);
        put_config(device, CONFIG_WRITE_ZEROES_MAY_UNMAP, device->limits.unmaps, 1);
    }
}

static uint64_t description_number(const struct virtio_blk *device)
{
    const volatile void *page = device->storage_info;
    const volatile struct sdfgen_block_storage *storage = page;
    return device->resilient ? shared_load_acquire_u64(&storage->start) : 0;
}

/* False while it is being written. */
static bool load_info(struct virtio_blk *device, struct sddf_blk_storage_info *info)
{
    const volatile struct sddf_blk_storage_info *shared = device->storage_info;
    uint64_t number = description_number(device);
    if (shared_load_acquire_u8(&shared->ready) == 0) {
        return false;
    }
    info->capacity_blocks = shared_load_u64(&shared->capacity_blocks);
    info->read_only = shared_load_u8(&shared->read_only);
    info->sector_bytes = shared_load_u16(&shared->sector_bytes);
    info->block_size = shared_load_u16(&shared->block_size);
    info->sdfgen_traits = shared_load_u8(&shared->sdfgen_traits);
    guest_ram_load((const volatile uint8_t *)shared->serial_number, info->serial_number, sizeof(device->serial));
    shared_fence();
    device->description = number;
    return description_number(device) == number;
}

static bool read_disk(struct virtio_blk *device)
{
    struct sddf_blk_storage_info info;
    uint64_t most = UINT64_MAX / SECTORS_PER_BLOCK;
    if (!load_info(device, &info)) {
        return false;
    }
    device->limits.capacity_sectors = (info.capacity_blocks < most ? info.capacity_blocks : most) * SECTORS_PER_BLOCK;
    device->limits.read_only = info.read_only != 0;
    device->limits.ranges = device->extended && !device->limits.read_only;
    device->limits.no_discard = (info.sdfgen_traits & SDFGEN_BLOCK_TRAIT_NO_DISCARD) != 0;
    device->limits.unmaps = (info.sdfgen_traits & SDFGEN_BLOCK_TRAIT_ZEROES_UNMAP) != 0;
    memcpy(device->serial, info.serial_number, sizeof(device->serial));
    fill_config(device, info.sector_bytes, info.block_size);
    return true;
}

bool virtio_blk_ready(struct virtio_blk *device)
{
    if (!device->ready && read_disk(device)) {
        device->ready = true;
        virtio_blk_reset(device);
    }
    return device->ready;
}

/* The virtualiser notifies when it has described the disk anew. */
static void look_for_change(struct virtio_blk *device)
{
    uint8_t write_back = device->config[VIRTIO_BLK_CONFIG_WRITEBACK];
    if (device->resilient && description_number(device) != device->description && read_disk(device)) {
        device->config[VIRTIO_BLK_CONFIG_WRITEBACK] = write_back;
        device->generation++;
        device->changed = true;
    }
}

uint32_t virtio_blk_config_generation(const struct virtio_blk *device)
{
    return device->generation;
}

void virtio_blk_init(struct virtio_blk *device, const struct block_client_config *config, const struct guest_ram *ram)
{
    const struct block_connection *connection = &config->connection;
    device->ram = ram;
    device->storage_info = (const volatile struct sddf_blk_storage_info *)connection->storage_info_vaddr;
    device->data = (uint8_t *)config->data.vaddr;
    device->extended = connection->extended;
    device->resilient = connection->resilient;
    device->changed = false;
    device->generation = 0;
    device->description = 0;
    device->ready = false;
    device->lost = false;
    device->watched = false;
    device->held = false;
    device->left = false;
    device->notify = false;
    device->limits = (struct virtio_blk_limits) { 0 };
    device->counters = (struct virtio_blk_counters) { 0 };
    memset(device->config, 0, sizeof(device->config));
    memset(&device->queue, 0, sizeof(device->queue));
    block_request_writer_init(&device->requests, (volatile struct sddf_blk_request_queue *)connection->request_vaddr,
                              connection->queue_capacity);
    block_response_reader_init(&device->responses,
                               (volatile struct sddf_blk_response_queue *)connection->response_vaddr,
                               connection->queue_capacity);
    block_cells_init(&device->cells, config->data.size_bytes / SDDF_BLK_BLOCK_BYTES);
    task_init_all(device);
    virtio_blk_reset(device);
}

/* ---- Features and configuration ---- */

uint64_t virtio_blk_features(const struct virtio_blk *device)
{
    const struct virtio_blk_limits *limits = &device->limits;
    return features_always | (limits->ranges ? FEATURE(VIRTIO_BLK_F_WRITE_ZEROES) : 0) |
           (limits->ranges && !limits->no_discard ? FEATURE(VIRTIO_BLK_F_DISCARD) : 0) |
           (limits->read_only ? FEATURE(VIRTIO_BLK_F_RO) : 0);
}

void virtio_blk_set_features(struct virtio_blk *device, uint64_t features)
{
    device->features = features & virtio_blk_features(device);
    /* 5.2.5.2: without FLUSH the cache is off until the driver turns it on, which takes CONFIG_WCE. */
    device->write_back = (device->features & FEATURE(VIRTIO_BLK_F_FLUSH)) != 0;
    device->config[VIRTIO_BLK_CONFIG_WRITEBACK] = device->write_back;
}

uint8_t virtio_blk_read_config(const struct virtio_blk *device, uint32_t offset)
{
    return offset < VIRTIO_BLK_CONFIG_BYTES ? device->config[offset] : 0;
}

void virtio_blk_write_config(struct virtio_blk *device, uint32_t offset, uint8_t value)
{
    if (offset == VIRTIO_BLK_CONFIG_WRITEBACK && (device->features & FEATURE(VIRTIO_BLK_F_CONFIG_WCE)) != 0) {
        device->write_back = (value & 1u) != 0;
        device->config[offset] = device->write_back;
    }
}

/* ---- Life ---- */

enum virtq_code virtio_blk_start_queue(struct virtio_blk *device, const struct virtq_geometry *geometry)
{
    bool event_idx = (device->features & FEATURE(VIRTIO_F_EVENT_IDX)) != 0;
    bool indirect = (device->features & FEATURE(VIRTIO_F_INDIRECT_DESC)) != 0;
    virtio_blk_stop_queue(device);
    return virtq_start(&device->queue, device->ram, geometry, event_idx, indirect);
}

void virtio_blk_stop_queue(struct virtio_blk *device)
{
    virtq_stop(&device->queue);
    device->queue.broken = false;
    device->told_broken = false;
    task_orphan_all(device);
}

void virtio_blk_driver_ok(struct virtio_blk *device)
{
    device->running = true;
}

void virtio_blk_reset(struct virtio_blk *device)
{
    device->running = false;
    virtio_blk_stop_queue(device);
    virtio_blk_set_features(device, 0);
    /* Some drivers look once, before they have chosen features: what they will most likely choose. */
    device->config[VIRTIO_BLK_CONFIG_WRITEBACK] = 1;
}

bool virtio_blk_draining(const struct virtio_blk *device)
{
    return device->orphan_count != 0;
}

bool virtio_blk_needs_reset(const struct virtio_blk *device)
{
    return device->queue.broken;
}

/* ---- Work ---- */

static bool takes_requests(const struct virtio_blk *device)
{
    return device->running && device->queue.live && !virtio_blk_draining(device);
}

bool virtio_blk_waits(const struct virtio_blk *device)
{
    return takes_requests(device) && (device->queue.in_flight_count != 0 || device->left) && task_is_vacant(device) &&
           virtq_waits(&device->queue);
}

static void get_id(struct virtio_blk *device, struct virtio_blk_task *task)
{
    struct virtq_cursor cursor = task->request.data;
    virtq_copy_to(&task->chain, &cursor, (const uint8_t *)device->serial, task->request.data_bytes);
    task_return_chain(device, task, VIRTIO_BLK_S_OK, task->request.data_bytes);
}

static void count_refused(struct virtio_blk *device)
{
    device->counters.errors++;
    device->counters.refused++;
}

static void take_request(struct virtio_blk *device, struct virtio_blk_task *task)
{
    switch (virtio_blk_parse(&task->chain, &device->limits, &task->request)) {
    case VIRTIO_BLK_DROP:
        count_refused(device);
        virtq_push(&device->queue, task->chain.head, 0);
        break;
    case VIRTIO_BLK_ANSWER:
        count_refused(device);
        task_return_chain(device, task, task->request.answer, 0);
        break;
    case VIRTIO_BLK_RUN:
        if (task->request.type == VIRTIO_BLK_T_GET_ID) {
            get_id(device, task);
        } else if (task_may_begin(device, task)) {
            task_begin(device, task);
        } else {
            task_return_chain(device, task, VIRTIO_BLK_S_IOERR, 0);
        }
        break;
    }
}

static bool is_spent(const struct virtio_blk *device)
{
    return device->queue.loaded_count >= VIRTIO_BLK_STEP_DESCRIPTORS || device->moved_bytes >= VIRTIO_BLK_STEP_BYTES;
}

/*
 * Whether there is more to take at once. Asks for kicks, unless somebody watches: then what comes while requests are in
 * flight is found by whoever watches, or when one of them is answered, whichever is first.
 */
static bool goes_on(struct virtio_blk *device)
{
    if (device->watched && device->queue.in_flight_count != 0) {
        return virtq_waits(&device->queue);
    }
    return virtq_enable_kicks(&device->queue);
}

/*
 * Takes what the ring holds, at most a ring's length, so that another vCPU can't keep us here. True when it tries to: a
 * driver that keeps the rules can't have more available before these are published as used. With no task vacant the
 * rest stays in the ring, without notifications, until an answer comes.
 */
static bool take_requests(struct virtio_blk *device)
{
    if (device->held) {
        device->left = goes_on(device);
        return false;
    }
    device->left = false;
    virtq_disable_kicks(&device->queue);
    for (uint32_t budget = device->queue.mask + 1; budget > 0 && !is_spent(device); budget--) {
        struct virtio_blk_task *task = task_vacant(device);
        if (task == NULL) {
            return false;
        }
        enum virtq_popped popped = virtq_pop(&device->queue, device->ram, &task->chain);
        device->counters.requests += popped == VIRTQ_CHAIN || popped == VIRTQ_DROPPED;
        if (popped == VIRTQ_CHAIN) {
            take_request(device, task);
        } else if (popped == VIRTQ_DROPPED) {
            count_refused(device);
        } else if (popped == VIRTQ_BROKEN || (popped == VIRTQ_EMPTY && !goes_on(device))) {
            return false;
        }
    }
    return goes_on(device);
}

/*
 * Whether the virtualiser may have found too few slots free for the answers to one more request, where it was told of
 * `filled` at most. It keeps one for the second response (SDFGEN_BLOCK_ERR_LATE) of each, and for what is late, of which
 * there were `late`; and of what was not taken yet, each may say that one more is.
 */
static bool was_too_full(const struct virtio_blk *device, uint32_t filled, uint32_t taken, uint32_t late)
{
    const uint32_t kept = device->resilient ? 1 + late + (filled - taken) : 0;
    return filled + kept > device->responses.end.mask;
}

/* Takes the answers that are there now; what comes meanwhile is announced by another notification. True: not all. */
static bool take_answers(struct virtio_blk *device)
{
    uint32_t filled = block_queue_filled(&device->responses.end);
    uint32_t taken = 0;
    uint32_t late = device->late_count;
    for (; taken < filled && !is_spent(device); taken++) {
        struct sddf_blk_response response;
        block_response_take(&device->responses, &response);
        task_answered(device, &response);
        late = device->late_count > late ? device->late_count : late;
    }
    if (taken != 0) {
        /* The virtualiser takes no more of our requests than it can answer: it may wait for this (block_virt.h). */
        const uint32_t found = block_queue_release(&device->responses.end, taken);
        device->notify |= was_too_full(device, found, taken, late);
    }
    return taken < filled;
}

/* Makes what was done visible, each thing once. */
static struct virtio_effects publish(struct virtio_blk *device, bool again)
{
    struct virtio_effects effects = { .notify = device->notify, .again = again };
    if (device->notify) {
        block_queue_publish(&device->requests.end);
        device->notify = false;
    }
    effects.used_interrupt = virtq_publish(&device->queue);
    effects.config_interrupt = device->changed || (device->queue.broken && !device->told_broken);
    device->changed = false;
    device->told_broken = device->queue.broken;
    return effects;
}

struct virtio_effects virtio_blk_step(struct virtio_blk *device)
{
    if (!device->ready) {
        return (struct virtio_effects) { 0 };
    }
    look_for_change(device);
    device->room = block_queue_room(&device->requests.end);
    device->moved_bytes = 0;
    device->queue.loaded_count = 0;
    bool again = take_answers(device);
    if ((device->requests.end.broken || device->responses.end.broken) && !device->lost) {
        device->lost = true;
        task_fail_all(device);
    }
    bool line_waits = task_run_line(device, VIRTIO_BLK_STEP_BYTES);
    if (takes_requests(device)) {
        again |= take_requests(device);
    }
    again |= !line_waits || task_fail_stuck(device);
    return publish(device, again);
}
