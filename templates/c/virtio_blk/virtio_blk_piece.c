/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio_blk_piece.h"

#include <sdfgen/mem.h>

bool piece_is_partial(const struct virtio_blk_task *task)
{
    return task->phase == TASK_LOAD || task->phase == TASK_STORE_LINE || task->phase == TASK_STORE;
}

/* ---- Writers: who may not be under way at once ---- */

static void writer_add(struct virtio_blk *device, struct virtio_blk_task *task)
{
    task->writer = (uint16_t)device->writer_count;
    device->writers[device->writer_count] = piece_task_index(device, task);
    device->writer_count++;
    device->partial_count += piece_is_partial(task);
}

static void writer_remove(struct virtio_blk *device, struct virtio_blk_task *task)
{
    device->writer_count--;
    uint16_t last = device->writers[device->writer_count];
    device->writers[task->writer] = last;
    device->tasks[last].writer = task->writer;
    device->partial_count -= piece_is_partial(task);
}

/* Whether a write to these blocks has to wait: a partial one for every other, every other for a partial one. */
static bool is_contended(const struct virtio_blk *device, uint64_t block, uint16_t block_count, bool partial)
{
    if (!partial && device->partial_count == 0) {
        return false;
    }
    for (uint32_t i = 0; i < device->writer_count; i++) {
        const struct virtio_blk_task *other = &device->tasks[device->writers[i]];
        bool overlaps = block - other->block < other->block_count || other->block - block < block_count;
        if (overlaps && (partial || piece_is_partial(other))) {
            return true;
        }
    }
    return false;
}

/* ---- sDDF requests ---- */

static void put(struct virtio_blk *device, struct virtio_blk_task *task, enum task_phase phase, uint32_t code)
{
    const struct sddf_blk_request request = {
        .code = code,
        .io_or_offset = (uint64_t)task->cell * SDDF_BLK_BLOCK_BYTES,
        .block_number = task->block,
        .block_count = task->block_count,
        .id = piece_task_index(device, task),
    };
    task->phase = (uint8_t)phase;
    block_request_put(&device->requests, &request);
    device->room--;
    device->awaited_count++;
    device->notify = true;
}

uint8_t *piece_data(const struct virtio_blk *device, const struct virtio_blk_task *task)
{
    return device->data + (size_t)task->cell * SDDF_BLK_BLOCK_BYTES + task->skip_bytes;
}

uint32_t piece_bytes(const struct virtio_blk_task *task)
{
    return (uint32_t)task->sectors * VIRTIO_BLK_SECTOR_BYTES;
}

/* Fills the piece's place in its cells with what is to be written. */
void piece_fill(struct virtio_blk *device, struct virtio_blk_task *task)
{
    if (task->request.type == VIRTIO_BLK_T_OUT) {
        virtq_copy_from(&task->chain, &task->request.data, piece_data(device, task), piece_bytes(task));
    } else {
        memset(piece_data(device, task), 0, piece_bytes(task));
    }
    device->moved_bytes += piece_bytes(task);
}

void piece_end_writing(struct virtio_blk *device, struct virtio_blk_task *task)
{
    if (task->phase == TASK_WRITE || task->phase == TASK_RANGE || piece_is_partial(task)) {
        writer_remove(device, task);
    }
}

void piece_let_go(struct virtio_blk *device, struct virtio_blk_task *task)
{
    if (task->cell_count != 0) {
        block_cells_give(&device->cells, task->cell, task->cell_count);
        task->cell_count = 0;
    }
    piece_end_writing(device, task);
}

/* ---- The next piece ---- */

/* Takes cells for up to `block_count` blocks from the next sector on, and sets up the piece. */
static bool take_piece(struct virtio_blk *device, struct virtio_blk_task *task, uint64_t sector, uint64_t sectors)
{
    uint32_t skipped = (uint32_t)(sector % SECTORS_PER_BLOCK);
    uint64_t blocks = (skipped + sectors + SECTORS_PER_BLOCK - 1) / SECTORS_PER_BLOCK;
    uint32_t wanted = blocks < UINT16_MAX ? (uint32_t)blocks : UINT16_MAX;
    task->cell_count = block_cells_take(&device->cells, wanted, &task->cell);
    if (task->cell_count == 0) {
        return false;
    }
    uint64_t fitting = (uint64_t)task->cell_count * SECTORS_PER_BLOCK - skipped;
    task->block = sector / SECTORS_PER_BLOCK;
    task->block_count = (uint16_t)task->cell_count;
    task->skip_bytes = skipped * VIRTIO_BLK_SECTOR_BYTES;
    task->sectors = sectors < fitting ? sectors : fitting;
    return true;
}

static enum piece_outcome next_read(struct virtio_blk *device, struct virtio_blk_task *task, uint64_t sector, uint64_t sectors)
{
    if (!take_piece(device, task, sector, sectors)) {
        return PIECE_WAITS;
    }
    put(device, task, TASK_READ, SDDF_BLK_READ);
    return PIECE_SENT;
}

/* Part of one block: it is read first. */
static enum piece_outcome next_partial(struct virtio_blk *device, struct virtio_blk_task *task, uint64_t sector, uint64_t sectors)
{
    uint64_t rest = SECTORS_PER_BLOCK - sector % SECTORS_PER_BLOCK;
    if (is_contended(device, sector / SECTORS_PER_BLOCK, 1, true) ||
        !take_piece(device, task, sector, sectors < rest ? sectors : rest)) {
        return PIECE_WAITS;
    }
    put(device, task, TASK_LOAD, SDDF_BLK_READ);
    writer_add(device, task);
    return PIECE_SENT;
}

/* How many whole blocks a request of one sDDF request covers from here on, at most; 0 when none. */
static uint16_t whole_blocks(uint64_t sector, uint64_t sectors)
{
    uint64_t blocks = sector % SECTORS_PER_BLOCK == 0 ? sectors / SECTORS_PER_BLOCK : 0;
    return blocks < UINT16_MAX ? (uint16_t)blocks : UINT16_MAX;
}

static enum piece_outcome next_write(struct virtio_blk *device, struct virtio_blk_task *task, uint64_t sector, uint64_t sectors)
{
    uint16_t blocks = whole_blocks(sector, sectors);
    if (blocks == 0) {
        return next_partial(device, task, sector, sectors);
    }
    if (is_contended(device, sector / SECTORS_PER_BLOCK, blocks, false) ||
        !take_piece(device, task, sector, (uint64_t)blocks * SECTORS_PER_BLOCK)) {
        return PIECE_WAITS;
    }
    piece_fill(device, task);
    put(device, task, TASK_WRITE, SDDF_BLK_WRITE);
    writer_add(device, task);
    return PIECE_SENT;
}

/* Whole blocks without data. */
static enum piece_outcome next_range(struct virtio_blk *device, struct virtio_blk_task *task, uint64_t sector, uint16_t blocks,
                       uint32_t code)
{
    uint64_t block = sector / SECTORS_PER_BLOCK;
    if (is_contended(device, block, blocks, false)) {
        return PIECE_WAITS;
    }
    task->block = block;
    task->block_count = blocks;
    task->cell = 0;
    task->sectors = (uint64_t)blocks * SECTORS_PER_BLOCK;
    put(device, task, TASK_RANGE, code);
    writer_add(device, task);
    return PIECE_SENT;
}

static enum piece_outcome next_zeroes(struct virtio_blk *device, struct virtio_blk_task *task, uint64_t sector, uint64_t sectors)
{
    uint16_t blocks = whole_blocks(sector, sectors);
    uint32_t code = task->request.unmap ? SDFGEN_BLOCK_WRITE_ZEROES_UNMAP : SDFGEN_BLOCK_WRITE_ZEROES;
    return blocks == 0 ? next_partial(device, task, sector, sectors)
                       : next_range(device, task, sector, blocks, code);
}

/* A hint: parts of blocks at either end are left as they are. */
static enum piece_outcome next_discard(struct virtio_blk *device, struct virtio_blk_task *task, uint64_t sector, uint64_t sectors)
{
    uint64_t before = (SECTORS_PER_BLOCK - sector % SECTORS_PER_BLOCK) % SECTORS_PER_BLOCK;
    uint16_t blocks = sectors > before ? whole_blocks(sector + before, sectors - before) : 0;
    if (blocks == 0) {
        return PIECE_NONE_LEFT;
    }
    return next_range(device, task, sector + before, blocks, SDFGEN_BLOCK_DISCARD);
}

static enum piece_outcome next_flush(struct virtio_blk *device, struct virtio_blk_task *task)
{
    task->block = 0;
    task->block_count = 0;
    task->cell = 0;
    put(device, task, TASK_FLUSH, SDDF_BLK_FLUSH);
    return PIECE_SENT;
}

/* What remains when every sector has been moved. */
static enum piece_outcome next_end(struct virtio_blk *device, struct virtio_blk_task *task)
{
    uint32_t type = task->request.type;
    bool wrote = (type == VIRTIO_BLK_T_OUT || type == VIRTIO_BLK_T_WRITE_ZEROES) && task->done_sectors != 0;
    if (type == VIRTIO_BLK_T_FLUSH || (wrote && !device->write_back)) {
        return next_flush(device, task);
    }
    return PIECE_NONE_LEFT;
}

enum piece_outcome piece_next(struct virtio_blk *device, struct virtio_blk_task *task)
{
    uint64_t sector = task->request.sector + task->done_sectors;
    uint64_t sectors = task->request.sector_count - task->done_sectors;
    if (device->lost) {
        piece_let_go(device, task);
        return PIECE_LOST;
    }
    if (device->room == 0) {
        return PIECE_WAITS;
    }
    if (task->phase == TASK_STORE_LINE) {
        put(device, task, TASK_STORE, SDDF_BLK_WRITE);
        return PIECE_SENT;
    }
    if (sectors == 0) {
        return next_end(device, task);
    }
    switch (task->request.type) {
    case VIRTIO_BLK_T_IN:
        return next_read(device, task, sector, sectors);
    case VIRTIO_BLK_T_OUT:
        return next_write(device, task, sector, sectors);
    case VIRTIO_BLK_T_WRITE_ZEROES:
        return next_zeroes(device, task, sector, sectors);
    default:
        return next_discard(device, task, sector, sectors);
    }
}
