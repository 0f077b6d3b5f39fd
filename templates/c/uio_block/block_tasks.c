/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_tasks.h"

#include <string.h>

#include <sdfgen/device_copy.h>

_Static_assert(SDDF_BLK_BLOCK_BYTES % DEVICE_COPY_BYTES == 0, "blocks are copied whole");

/* Normal memory, touched only as far as it is used. Page aligned for O_DIRECT. */
static _Alignas(SDDF_BLK_BLOCK_BYTES) uint8_t buffers[BLOCK_ENGINE_DEPTH][BLOCK_PIECE_BYTES];

void block_tasks_init(struct block_tasks *tasks, struct block_engine *engine,
                      void (*ended)(void *context, const struct block_task *task), void *context)
{
    *tasks = (struct block_tasks) { .engine = engine, .ended = ended, .context = context };
    for (uint32_t i = 0; i < BLOCK_TASKS_MAX; i++) {
        tasks->tasks[i].next = tasks->unused;
        tasks->unused = &tasks->tasks[i];
    }
    for (uint32_t i = 0; i < BLOCK_ENGINE_DEPTH; i++) {
        tasks->pieces[i].job.buffer = buffers[i];
        tasks->pieces[i].next_free = tasks->free_pieces;
        tasks->free_pieces = &tasks->pieces[i];
    }
}

void block_tasks_add(struct block_tasks *tasks, const struct block_plan *plan, uint32_t id)
{
    struct block_task *task = tasks->unused;
    tasks->unused = task->next;
    *task = (struct block_task) { .plan = *plan, .id = id, .good_bytes = plan->length_bytes, .previous = tasks->last };
    *(tasks->last == NULL ? &tasks->first : &tasks->last->next) = task;
    tasks->last = task;
    tasks->cursor = tasks->cursor == NULL ? task : tasks->cursor;
    tasks->count++;
}

static void end_task(struct block_tasks *tasks, struct block_task *task)
{
    *(task->previous == NULL ? &tasks->first : &task->previous->next) = task->next;
    *(task->next == NULL ? &tasks->last : &task->next->previous) = task->previous;
    tasks->count--;
    tasks->ended(tasks->context, task);
    task->next = tasks->unused;
    tasks->unused = task;
}

/* Where the piece's job is, counted from the start of its request. */
static uint64_t place_bytes(const struct block_piece *piece)
{
    return piece->job.offset_bytes - piece->task->plan.offset_bytes;
}

static volatile uint64_t *device_side(const struct block_piece *piece)
{
    return piece->task->plan.data + place_bytes(piece) / sizeof(uint64_t);
}

static void start_job(struct block_tasks *tasks, struct block_piece *piece, enum block_operation operation)
{
    piece->job.operation = operation;
    piece->job.done_bytes = 0;
    piece->job.error = 0;
    piece->job.attempts = 0;
    tasks->engine->kind->submit(tasks->engine, &piece->job);
}

/* False when no piece is free. */
static bool issue_piece(struct block_tasks *tasks, struct block_task *task, uint64_t length_bytes)
{
    struct block_piece *piece = tasks->free_pieces;
    if (piece == NULL) {
        return false;
    }
    tasks->free_pieces = piece->next_free;
    piece->task = task;
    piece->job.offset_bytes = task->plan.offset_bytes + task->issued_bytes;
    piece->job.length_bytes = length_bytes - task->plan.absent_bytes;
    piece->end_bytes = piece->job.offset_bytes + length_bytes;
    if (task->plan.code->operation == BLOCK_OPERATION_WRITE) {
        device_copy_in(piece->job.buffer, device_side(piece), (size_t)length_bytes);
    }
    task->issued_bytes += length_bytes;
    task->piece_count++;
    start_job(tasks, piece, task->plan.code->operation);
    return true;
}

/* False when pieces ran out before all of the request was issued. After a fault the rest is left alone. */
static bool issue_data(struct block_tasks *tasks, struct block_task *task)
{
    while (task->issued_bytes < task->plan.length_bytes && task->error == 0) {
        uint64_t left_bytes = task->plan.length_bytes - task->issued_bytes;
        bool buffered = task->plan.code->data && left_bytes > BLOCK_PIECE_BYTES;
        if (!issue_piece(tasks, task, buffered ? BLOCK_PIECE_BYTES : left_bytes)) {
            return false;
        }
    }
    task->issued = true;
    return true;
}

/* Starts a FLUSH that has become the first of the list. */
static void issue_first_flush(struct block_tasks *tasks)
{
    struct block_task *task = tasks->first;
    if (task != NULL && !task->issued && task->plan.code->order == BLOCK_ORDER_AFTER) {
        task->issued = issue_piece(tasks, task, 0);
    }
}

/* False when the cursor can't go past this task yet. */
static bool issue_task(struct block_tasks *tasks, struct block_task *task)
{
    switch (task->plan.code->order) {
    case BLOCK_ORDER_NONE:
        if (!issue_data(tasks, task)) {
            return false;
        }
        /* A fault in an early piece, with all of them back by now. */
        if (task->piece_count == 0) {
            end_task(tasks, task);
        }
        return true;
    case BLOCK_ORDER_AFTER:
        return true;
    default:
        if (tasks->first != task) {
            return false;
        }
        end_task(tasks, task);
        return true;
    }
}

bool block_tasks_issue(struct block_tasks *tasks)
{
    issue_first_flush(tasks);
    while (tasks->cursor != NULL) {
        struct block_task *next = tasks->cursor->next;
        if (!issue_task(tasks, tasks->cursor)) {
            break;
        }
        tasks->cursor = next;
        issue_first_flush(tasks);
    }
    return tasks->engine->kind->kick(tasks->engine);
}

/* Writes zeroes to what is left of the piece, a buffer at a time. False when nothing is left. */
static bool write_zeroes_on(struct block_tasks *tasks, struct block_piece *piece)
{
    uint64_t left_bytes = piece->end_bytes - piece->job.offset_bytes;
    if (left_bytes == 0) {
        return false;
    }
    piece->job.length_bytes = left_bytes < BLOCK_PIECE_BYTES ? left_bytes : BLOCK_PIECE_BYTES;
    start_job(tasks, piece, BLOCK_OPERATION_WRITE);
    return true;
}

static bool makes_zeroes(enum block_operation operation)
{
    return operation == BLOCK_OPERATION_ZERO || operation == BLOCK_OPERATION_UNMAP;
}

/* A disk that can't unmap makes zeroes all the same, and one that can't is written to. True when the piece goes on. */
static bool goes_on(struct block_tasks *tasks, struct block_piece *piece)
{
    struct block_job *job = &piece->job;
    bool unsupported = block_job_is_unsupported(job->error);
    if (!makes_zeroes(piece->task->plan.code->operation)) {
        return false;
    }
    if (job->operation == BLOCK_OPERATION_UNMAP && unsupported) {
        start_job(tasks, piece, BLOCK_OPERATION_ZERO);
        return true;
    }
    if (job->operation == BLOCK_OPERATION_ZERO && unsupported) {
        memset(job->buffer, 0, BLOCK_PIECE_BYTES);
        return write_zeroes_on(tasks, piece);
    }
    if (job->operation == BLOCK_OPERATION_WRITE && job->error == 0) {
        job->offset_bytes += job->length_bytes;
        return write_zeroes_on(tasks, piece);
    }
    return false;
}

static void note_fault(struct block_piece *piece)
{
    struct block_task *task = piece->task;
    uint64_t good_bytes = place_bytes(piece) + piece->job.done_bytes;
    if (task->error == 0 || good_bytes < task->good_bytes) {
        task->error = piece->job.error;
        task->good_bytes = good_bytes;
    }
}

/* What the disk does not have of its last block reads as zeroes. */
static void add_absent(struct block_piece *piece)
{
    uint32_t absent_bytes = piece->task->plan.absent_bytes;
    if (absent_bytes != 0 && piece->job.error == 0) {
        memset(piece->job.buffer + piece->job.done_bytes, 0, absent_bytes);
        piece->job.done_bytes += absent_bytes;
    }
}

static void end_piece(struct block_tasks *tasks, struct block_piece *piece)
{
    struct block_task *task = piece->task;
    if (piece->job.operation == BLOCK_OPERATION_READ) {
        add_absent(piece);
        uint64_t whole_bytes = piece->job.done_bytes - piece->job.done_bytes % SDDF_BLK_BLOCK_BYTES;
        device_copy_out(device_side(piece), piece->job.buffer, (size_t)whole_bytes);
    }
    if (piece->job.error != 0) {
        note_fault(piece);
    }
    piece->next_free = tasks->free_pieces;
    tasks->free_pieces = piece;
    task->piece_count--;
    if (task->piece_count == 0 && task->issued) {
        end_task(tasks, task);
    }
}

/* What ends later than this many others has the engine's descriptor to call for another turn. */
void block_tasks_reap(struct block_tasks *tasks)
{
    for (uint32_t i = 0; i < BLOCK_ENGINE_DEPTH; i++) {
        struct block_piece *piece = (struct block_piece *)tasks->engine->kind->reap(tasks->engine);
        if (piece == NULL) {
            return;
        }
        if (!goes_on(tasks, piece)) {
            end_piece(tasks, piece);
        }
    }
}
