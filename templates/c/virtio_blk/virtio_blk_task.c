/* SPDX-License-Identifier: BSD-2-Clause */
#include "virtio_blk_task.h"

#include "virtio_blk_piece.h"

#define NO_TASK UINT16_MAX

_Static_assert(VIRTIO_BLK_MAX_TASKS < NO_TASK, "an index that is no task");

static bool is_answerable(const struct virtio_blk_task *task)
{
    return task->phase != TASK_FREE && task->phase != TASK_LINE && task->phase != TASK_STORE_LINE;
}

/* ---- Lists ---- */

void task_init_all(struct virtio_blk *device)
{
    for (uint16_t i = 0; i < VIRTIO_BLK_MAX_TASKS; i++) {
        device->tasks[i].phase = TASK_FREE;
        device->tasks[i].orphan = false;
        device->tasks[i].next = (uint16_t)(i + 1) < VIRTIO_BLK_MAX_TASKS ? (uint16_t)(i + 1) : NO_TASK;
    }
    device->free_head = 0;
    device->line_head = NO_TASK;
    device->line_tail = NO_TASK;
    device->orphan_count = 0;
    device->awaited_count = 0;
    device->late_count = 0;
    device->writer_count = 0;
    device->partial_count = 0;
    device->under_way = 0;
}

bool task_is_vacant(const struct virtio_blk *device)
{
    return device->free_head != NO_TASK || device->late_count == VIRTIO_BLK_MAX_TASKS;
}

struct virtio_blk_task *task_vacant(struct virtio_blk *device)
{
    const uint16_t index = device->free_head != NO_TASK ? device->free_head : VIRTIO_BLK_MAX_TASKS;
    return task_is_vacant(device) ? &device->tasks[index] : NULL;
}

bool task_may_begin(const struct virtio_blk *device, const struct virtio_blk_task *task)
{
    return task != &device->tasks[VIRTIO_BLK_MAX_TASKS];
}

static void line_append(struct virtio_blk *device, struct virtio_blk_task *task)
{
    uint16_t index = piece_task_index(device, task);
    task->next = NO_TASK;
    if (device->line_head == NO_TASK) {
        device->line_head = index;
    } else {
        device->tasks[device->line_tail].next = index;
    }
    device->line_tail = index;
}

static void line_prepend(struct virtio_blk *device, struct virtio_blk_task *task)
{
    task->next = device->line_head;
    device->line_head = piece_task_index(device, task);
    if (task->next == NO_TASK) {
        device->line_tail = device->line_head;
    }
}

/* ---- Ends ---- */

void task_return_chain(struct virtio_blk *device, const struct virtio_blk_task *task, uint8_t status,
                       uint32_t written_bytes)
{
    shared_store_u8(task->request.status, status);
    virtq_push(&device->queue, task->chain.head, virtio_blk_used_bytes(&task->request, written_bytes));
}

/* Of an orphan nobody hears any more. */
static void count_end(struct virtio_blk *device, const struct virtio_blk_task *task, uint8_t status)
{
    device->under_way--;
    if (task->orphan) {
        return;
    }
    if (status == VIRTIO_BLK_S_OK) {
        device->counters.bytes += task->request.data_bytes;
    } else {
        device->counters.errors++;
    }
}

static void release(struct virtio_blk *device, struct virtio_blk_task *task)
{
    task->phase = TASK_FREE;
    task->next = device->free_head;
    device->free_head = piece_task_index(device, task);
}

/* Returns a task's chain, unless it is an orphan. */
static void end_request(struct virtio_blk *device, struct virtio_blk_task *task, uint8_t status)
{
    count_end(device, task, status);
    if (task->orphan) {
        device->orphan_count--;
        task->orphan = false;
    } else {
        bool wrote = task->request.type == VIRTIO_BLK_T_IN && status == VIRTIO_BLK_S_OK;
        task_return_chain(device, task, status, wrote ? task->request.data_bytes : 0);
    }
}

/* Ends a task, which holds nothing any more. */
static void finish(struct virtio_blk *device, struct virtio_blk_task *task, uint8_t status)
{
    end_request(device, task, status);
    release(device, task);
}

/* True when the task need not wait: it is with the virtualiser, or ended. */
static bool send_next(struct virtio_blk *device, struct virtio_blk_task *task)
{
    enum piece_outcome outcome = piece_next(device, task);
    if (outcome == PIECE_NONE_LEFT || outcome == PIECE_LOST) {
        finish(device, task, outcome == PIECE_LOST ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK);
    }
    return outcome != PIECE_WAITS;
}

bool task_run_line(struct virtio_blk *device, uint32_t most_bytes)
{
    while (device->line_head != NO_TASK && device->moved_bytes < most_bytes) {
        struct virtio_blk_task *task = &device->tasks[device->line_head];
        uint16_t next = task->next;
        if (!send_next(device, task)) {
            return true;
        }
        device->line_head = next;
    }
    return device->line_head == NO_TASK;
}

bool task_fail_stuck(struct virtio_blk *device)
{
    bool stuck = device->line_head != NO_TASK && device->awaited_count == 0 && device->late_count != 0;
    while (stuck && device->line_head != NO_TASK) {
        struct virtio_blk_task *task = &device->tasks[device->line_head];
        device->line_head = task->next;
        piece_let_go(device, task);
        finish(device, task, VIRTIO_BLK_S_IOERR);
    }
    return stuck;
}

/* Goes on at once, unless others are in line. */
static void go_on(struct virtio_blk *device, struct virtio_blk_task *task)
{
    task->phase = TASK_LINE;
    if (device->line_head != NO_TASK || !send_next(device, task)) {
        line_append(device, task);
    }
}

void task_begin(struct virtio_blk *device, struct virtio_blk_task *task)
{
    device->free_head = task->next;
    device->under_way++;
    if (device->under_way > device->counters.most_under_way) {
        device->counters.most_under_way = device->under_way;
    }
    task->done_sectors = 0;
    task->cell_count = 0;
    go_on(device, task);
}

/* ---- Answers ---- */

/* The block of a partial write has been read: changes it, and writes it back before anything that waits in line. */
static void store(struct virtio_blk *device, struct virtio_blk_task *task)
{
    piece_fill(device, task);
    task->phase = TASK_STORE_LINE;
    if (!send_next(device, task)) {
        line_prepend(device, task);
    }
}

static void piece_done(struct virtio_blk *device, struct virtio_blk_task *task)
{
    if (task->phase == TASK_READ) {
        virtq_copy_to(&task->chain, &task->request.data, piece_data(device, task), piece_bytes(task));
        device->moved_bytes += piece_bytes(task);
    }
    piece_let_go(device, task);
    if (task->phase == TASK_FLUSH) {
        finish(device, task, VIRTIO_BLK_S_OK);
        return;
    }
    task->done_sectors += task->sectors;
    go_on(device, task);
}

/* Its request fails; whoever has it may still move its data. */
static void become_late(struct virtio_blk *device, struct virtio_blk_task *task)
{
    piece_end_writing(device, task);
    task->phase = TASK_LATE;
    device->late_count++;
    end_request(device, task, VIRTIO_BLK_S_IOERR);
}

static void end_lateness(struct virtio_blk *device, struct virtio_blk_task *task)
{
    piece_let_go(device, task);
    device->late_count--;
    release(device, task);
}

void task_answered(struct virtio_blk *device, const struct sddf_blk_response *response)
{
    if (response->id >= VIRTIO_BLK_MAX_TASKS || !is_answerable(&device->tasks[response->id])) {
        return;
    }
    struct virtio_blk_task *task = &device->tasks[response->id];
    if (task->phase == TASK_LATE) {
        end_lateness(device, task);
        return;
    }
    device->awaited_count--;
    if (device->resilient && response->status == SDFGEN_BLOCK_ERR_LATE) {
        become_late(device, task);
    } else if (response->status != SDDF_BLK_OK || task->orphan) {
        bool unsupported = response->status == SDFGEN_BLOCK_ERR_UNSUPPORTED && task->phase == TASK_RANGE;
        piece_let_go(device, task);
        finish(device, task, unsupported ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR);
    } else if (task->phase == TASK_LOAD) {
        store(device, task);
    } else {
        piece_done(device, task);
    }
}

/* ---- All at once ---- */

void task_orphan_all(struct virtio_blk *device)
{
    device->line_head = NO_TASK;
    for (uint32_t i = 0; i < VIRTIO_BLK_MAX_TASKS; i++) {
        struct virtio_blk_task *task = &device->tasks[i];
        if (task->phase == TASK_FREE || task->phase == TASK_LATE || task->orphan) {
            continue;
        }
        task->orphan = true;
        device->orphan_count++;
        if (!is_answerable(task)) {
            piece_let_go(device, task);
            finish(device, task, VIRTIO_BLK_S_IOERR);
        }
    }
}

void task_fail_all(struct virtio_blk *device)
{
    for (uint32_t i = 0; i < VIRTIO_BLK_MAX_TASKS; i++) {
        struct virtio_blk_task *task = &device->tasks[i];
        if (task->phase == TASK_LATE) {
            end_lateness(device, task);
        } else if (is_answerable(task)) {
            device->awaited_count--;
            piece_let_go(device, task);
            finish(device, task, VIRTIO_BLK_S_IOERR);
        }
    }
    (void)task_run_line(device, UINT32_MAX);
}
