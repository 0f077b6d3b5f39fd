/* SPDX-License-Identifier: BSD-2-Clause */
#include "device_disk.h"
#include "unit.h"

void disk_init(struct device_disk *disk, uint32_t block_count, uint32_t cell_count, uint32_t queue_capacity)
{
    CHECK(block_count <= DISK_MAX_BLOCKS && cell_count <= DISK_MAX_CELLS && queue_capacity <= DISK_MAX_CAPACITY);
    memset(disk, 0, offsetof(struct device_disk, data));
    disk->cell_count = cell_count;
    for (size_t i = 0; i < (size_t)block_count * SDDF_BLK_BLOCK_BYTES; i++) {
        disk->bytes[i] = (uint8_t)(i / 512 + i % 512);
    }
    memcpy(disk->durable, disk->bytes, (size_t)block_count * SDDF_BLK_BLOCK_BYTES);
    memcpy(disk->info.serial_number, "sdfgen-test-disk-0123456789", 27);
    disk->info.ready = 1;
    disk->info.sector_bytes = 512;
    disk->info.block_size = 1;
    disk->info.queue_depth = (uint16_t)queue_capacity;
    disk->info.capacity_blocks = block_count;
    block_request_reader_init(&disk->requests, (void *)disk->request_queue, queue_capacity);
    block_response_writer_init(&disk->responses, (void *)disk->response_queue, queue_capacity);
}

struct block_client_config disk_client(struct device_disk *disk, bool extended)
{
    return (struct block_client_config){
        .connection = {
            .storage_info_vaddr = (uintptr_t)&disk->info,
            .request_vaddr = (uintptr_t)disk->request_queue,
            .response_vaddr = (uintptr_t)disk->response_queue,
            .queue_capacity = disk->requests.end.mask + 1,
            .extended = extended,
            .resilient = true,
        },
        .data = { .vaddr = (uintptr_t)disk->data, .size_bytes = disk->cell_count * SDDF_BLK_BLOCK_BYTES },
    };
}

static bool moves_data(uint32_t code)
{
    return code == SDDF_BLK_READ || code == SDDF_BLK_WRITE;
}

static bool touches_blocks(uint32_t code)
{
    return moves_data(code) || code == SDFGEN_BLOCK_DISCARD || code == SDFGEN_BLOCK_WRITE_ZEROES ||
           code == SDFGEN_BLOCK_WRITE_ZEROES_UNMAP;
}

static bool changes_blocks(uint32_t code)
{
    return touches_blocks(code) && code != SDDF_BLK_READ;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

/* Two requests under way share neither an id nor a cell. */
static void check_pair(const struct sddf_blk_request *a, const struct sddf_blk_request *b)
{
    CHECK(a->id != b->id);
    if (moves_data(a->code) && moves_data(b->code)) {
        CHECK(!overlap(a->io_or_offset, a->block_count * (uint64_t)SDDF_BLK_BLOCK_BYTES, b->io_or_offset,
                       b->block_count * (uint64_t)SDDF_BLK_BLOCK_BYTES));
    }
}

static void check_request(const struct device_disk *disk, const struct sddf_blk_request *request)
{
    CHECK(touches_blocks(request->code) || request->code == SDDF_BLK_FLUSH);
    CHECK(!(disk->info.read_only && changes_blocks(request->code)));
    if (touches_blocks(request->code)) {
        CHECK(request->block_count > 0);
        CHECK(request->block_number < disk->info.capacity_blocks);
        CHECK(request->block_count <= disk->info.capacity_blocks - request->block_number);
    }
    if (moves_data(request->code)) {
        CHECK(request->io_or_offset % SDDF_BLK_BLOCK_BYTES == 0);
        CHECK(request->io_or_offset / SDDF_BLK_BLOCK_BYTES + request->block_count <= disk->cell_count);
    } else {
        CHECK(request->io_or_offset == 0);
    }
    for (uint32_t i = 0; i < disk->held_count; i++) {
        check_pair(request, &disk->held[i]);
    }
}

void disk_take(struct device_disk *disk)
{
    uint32_t filled = block_queue_filled(&disk->requests.end);
    for (uint32_t i = 0; i < filled; i++) {
        struct sddf_blk_request request;
        block_request_take(&disk->requests, &request);
        CHECK(disk->held_count < DISK_MAX_HELD);
        check_request(disk, &request);
        disk->held[disk->held_count++] = request;
        disk->log[disk->log_count++ % DISK_LOG_ENTRIES] = request;
    }
    if (disk->held_count > disk->held_most) {
        disk->held_most = disk->held_count;
    }
    block_queue_publish(&disk->requests.end);
}

static void execute(struct device_disk *disk, const struct sddf_blk_request *request, uint16_t block_count)
{
    if (request->code == SDFGEN_BLOCK_DISCARD) {
        return; /* It may do nothing, and asks for blocks that are not here where a disk says that it is larger. */
    }
    size_t size_bytes = (size_t)block_count * SDDF_BLK_BLOCK_BYTES;
    uint8_t *on_disk = &disk->bytes[request->block_number * SDDF_BLK_BLOCK_BYTES];
    uint8_t *cells = &disk->data[request->io_or_offset];
    switch (request->code) {
    case SDDF_BLK_READ:
        memcpy(cells, on_disk, size_bytes);
        break;
    case SDDF_BLK_WRITE:
        memcpy(on_disk, cells, size_bytes);
        break;
    case SDFGEN_BLOCK_WRITE_ZEROES:
    case SDFGEN_BLOCK_WRITE_ZEROES_UNMAP:
        memset(on_disk, 0, size_bytes);
        break;
    case SDDF_BLK_FLUSH:
        memcpy(disk->durable, disk->bytes, disk->info.capacity_blocks * SDDF_BLK_BLOCK_BYTES);
        break;
    default:
        break;
    }
}

static void respond(struct device_disk *disk, uint32_t index, uint32_t status, uint16_t success_count)
{
    struct sddf_blk_response response = { status, success_count, disk->held[index].id };
    disk->held_count--;
    memmove(&disk->held[index], &disk->held[index + 1], (disk->held_count - index) * sizeof(disk->held[0]));
    block_response_put(&disk->responses, &response);
    block_queue_publish(&disk->responses.end);
}

void disk_be_late(struct device_disk *disk, uint32_t index)
{
    CHECK(index < disk->held_count && block_queue_room(&disk->responses.end) > 0);
    const struct sddf_blk_response response = { .status = SDFGEN_BLOCK_ERR_LATE, .id = disk->held[index].id };
    block_response_put(&disk->responses, &response);
    block_queue_publish(&disk->responses.end);
}

bool disk_can_answer(struct device_disk *disk)
{
    return disk->held_count > 0 && block_queue_room(&disk->responses.end) > 0;
}

void disk_answer(struct device_disk *disk, uint32_t index)
{
    CHECK(index < disk->held_count && disk_can_answer(disk));
    uint16_t block_count = disk->held[index].block_count;
    execute(disk, &disk->held[index], block_count);
    respond(disk, index, SDDF_BLK_OK, block_count);
}

void disk_fail(struct device_disk *disk, uint32_t index, uint32_t status, uint16_t success_count)
{
    CHECK(index < disk->held_count && disk_can_answer(disk));
    if (success_count > 0) {
        execute(disk, &disk->held[index], success_count);
    }
    respond(disk, index, status, success_count);
}

uint32_t disk_count(const struct device_disk *disk, uint32_t code)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < disk->log_count && i < DISK_LOG_ENTRIES; i++) {
        count += disk->log[i].code == code;
    }
    return count;
}
