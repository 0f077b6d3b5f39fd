/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests at work: in which order they start, and how they are cut into jobs for the engine.
 *
 * A task is a request that was accepted and not yet answered. Tasks stand in a list in the order they came. Reads and
 * writes are issued in that order and end in any; a FLUSH waits until it is the first of the list, and what comes
 * behind it goes on meanwhile; a BARRIER waits likewise and holds up what comes behind it.
 *
 * A piece is one job with a buffer in normal memory (device_copy.h says why). A request larger than a buffer is done in
 * pieces, several at once; when all pieces are in use, what is left waits. Each step is constant time per piece.
 */
#pragma once

#include "block_request.h"

/* More than the pieces, so that a FLUSH or a large request leaves something to look ahead to. */
#define BLOCK_TASKS_MAX 128u
#define BLOCK_PIECE_BYTES (128u * 1024)

_Static_assert(BLOCK_PIECE_BYTES <= BLOCK_JOB_MAX_BYTES, "a piece is one job");
_Static_assert(BLOCK_PIECE_BYTES % SDDF_BLK_BLOCK_BYTES == 0, "a piece is whole blocks");

struct block_task {
    struct block_plan plan;
    uint32_t id;           /* the request's */
    bool issued;           /* nothing is left to be made into pieces */
    uint32_t piece_count;  /* running */
    uint64_t issued_bytes; /* made into pieces */
    uint64_t good_bytes;   /* from the start up to the first fault */
    int error;             /* an errno: that fault */
    struct block_task *previous;
    struct block_task *next; /* later one; among the unused, another */
};

struct block_piece {
    struct block_job job; /* first: an engine hands back its address */
    struct block_task *task;
    uint64_t end_bytes; /* on the disk: where the piece ends, which may be several jobs on */
    struct block_piece *next_free;
};

struct block_tasks {
    struct block_engine *engine;
    struct block_task *first;
    struct block_task *last;
    struct block_task *cursor; /* the first that is not wholly issued, but for a FLUSH that waits; NULL at the end */
    struct block_task *unused;
    struct block_piece *free_pieces;
    uint32_t count;
    /* Tells that a task has ended; its content is valid only during the call. */
    void (*ended)(void *context, const struct block_task *task);
    void *context;
    struct block_task tasks[BLOCK_TASKS_MAX];
    struct block_piece pieces[BLOCK_ENGINE_DEPTH];
};

/* There is one set of pieces' buffers, and so of tasks, in a program. */
void block_tasks_init(struct block_tasks *tasks, struct block_engine *engine,
                      void (*ended)(void *context, const struct block_task *task), void *context);

/* Appends a task. The caller knows there is room: tasks->count < BLOCK_TASKS_MAX. */
void block_tasks_add(struct block_tasks *tasks, const struct block_plan *plan, uint32_t id);

/* Takes back what the engine has done. */
void block_tasks_reap(struct block_tasks *tasks);

/* Starts what may start. False when the engine wants to be asked again a little later. */
bool block_tasks_issue(struct block_tasks *tasks);
