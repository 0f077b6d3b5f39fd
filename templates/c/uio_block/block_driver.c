/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include "block_driver.h"

#include <sys/timerfd.h>
#include <unistd.h>

/* How soon to look again where nothing calls: far above a turn's own cost, and hardly felt by who waits. */
#define LOOK_AGAIN_NANOSECONDS 2000000

void block_driver_notify(struct block_driver *driver)
{
    driver->notifications++;
    uio_notify(driver->parts.notify, driver->notifications);
}

static void answer(struct block_driver *driver, uint32_t id, uint32_t status, uint64_t good_bytes)
{
    const struct sddf_blk_response response = {
        .status = status,
        .success_count = (uint16_t)(good_bytes / SDDF_BLK_BLOCK_BYTES),
        .id = id,
    };
    block_response_put(&driver->responses, &response);
    driver->answers++;
}

static void answer_task(void *context, const struct block_task *task)
{
    struct block_driver *driver = context;
    bool discards = task->plan.code != NULL && task->plan.code->code == SDFGEN_BLOCK_DISCARD;
    bool unsupported = discards && block_job_is_unsupported(task->error);
    uint32_t status = block_disk_status(driver->parts.limits.disk, task->error);
    answer(driver, task->id, unsupported ? SDFGEN_BLOCK_ERR_UNSUPPORTED : status, task->good_bytes);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* How many more requests could be answered, and worked on, by now. */
static uint32_t capacity_left(struct block_driver *driver)
{
    uint32_t room = block_queue_room(&driver->responses.end);
    uint32_t promised = driver->tasks.count;
    return room <= promised ? 0 : smaller(room - promised, BLOCK_TASKS_MAX - promised);
}

static void take(struct block_driver *driver, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct sddf_blk_request request;
        struct block_plan plan;
        block_request_take(&driver->requests, &request);
        if (block_request_check(&driver->parts.limits, &request, &plan)) {
            block_tasks_add(&driver->tasks, &plan, request.id);
        } else {
            answer(driver, request.id, SDDF_BLK_ERR_INVALID_PARAM, 0);
        }
    }
    if (count > 0) {
        block_queue_publish(&driver->requests.end);
    }
}

static void publish_answers(struct block_driver *driver)
{
    if (driver->answers > 0) {
        driver->answers = 0;
        block_queue_publish(&driver->responses.end);
        block_driver_notify(driver);
    }
}

static void look_again_later(const struct block_driver *driver)
{
    const struct itimerspec once = { .it_value.tv_nsec = LOOK_AGAIN_NANOSECONDS };
    (void)timerfd_settime(driver->timer_fd, 0, &once, NULL);
}

static void turn(void *context);

/* Sees to it that what is left in the request queue is looked at again. Tasks at work bring a turn when they end. */
static void plan_next_turn(struct block_driver *driver, bool started)
{
    bool waiting = !driver->ending && block_queue_filled(&driver->requests.end) > 0;
    if (waiting && capacity_left(driver) > 0) {
        uio_loop_again(driver->parts.loop, turn, driver);
    } else if (!started || (waiting && driver->tasks.count < BLOCK_TASKS_MAX)) {
        look_again_later(driver);
    }
}

static void check_end(struct block_driver *driver)
{
    if (driver->requests.end.broken || driver->responses.end.broken) {
        driver->broken = true;
        driver->ending = true;
    }
    if (driver->ending && driver->tasks.count == 0) {
        uio_loop_stop(driver->parts.loop);
    }
}

/* Whether a turn has something to take, or an index that makes no sense to end for. */
static bool has_requests(struct block_driver *driver)
{
    uint32_t filled = driver->ending ? 0 : block_queue_filled(&driver->requests.end);
    return (filled > 0 && capacity_left(driver) > 0) || (driver->requests.end.broken && !driver->ending);
}

/* From here on the other side notifies again; what it added before it could know is found now. */
static bool may_sleep(void *context)
{
    struct block_driver *driver = context;
    block_request_say_asleep(&driver->requests);
    if (!has_requests(driver)) {
        return true;
    }
    uio_loop_again(driver->parts.loop, turn, driver);
    return false;
}

/* One bounded piece of work: at most as many requests and completions as there are tasks and pieces. */
static void turn(void *context)
{
    struct block_driver *driver = context;
    block_request_say_awake(&driver->requests);
    block_tasks_reap(&driver->tasks);
    if (!driver->ending) {
        take(driver, smaller(block_queue_filled(&driver->requests.end), capacity_left(driver)));
    }
    bool started = block_tasks_issue(&driver->tasks);
    publish_answers(driver);
    plan_next_turn(driver, started);
    check_end(driver);
}

static void on_timer(void *context)
{
    const struct block_driver *driver = context;
    uint64_t expirations;
    /* Empty when the timer was set again meanwhile: then it rings again. */
    if (read(driver->timer_fd, &expirations, sizeof(expirations)) == (ssize_t)sizeof(expirations)) {
        turn(context);
    }
}

static void on_signal(void *context)
{
    struct block_driver *driver = context;
    driver->ending = true;
    check_end(driver);
}

bool block_driver_open(struct block_driver *driver, const struct block_driver_parts *parts)
{
    *driver = (struct block_driver) { .parts = *parts };
    block_tasks_init(&driver->tasks, parts->engine, answer_task, driver);
    block_request_reader_init(&driver->requests, parts->requests, parts->queue_capacity);
    block_response_writer_init(&driver->responses, parts->responses, parts->queue_capacity);
    block_request_say_asleep(&driver->requests);
    uio_loop_before_sleep(parts->loop, may_sleep, driver);
    driver->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return driver->timer_fd >= 0 && uio_loop_add(parts->loop, driver->timer_fd, on_timer, driver) &&
           uio_loop_add(parts->loop, parts->engine->fd, turn, driver) &&
           (parts->engine->slow_fd < 0 || uio_loop_add(parts->loop, parts->engine->slow_fd, turn, driver)) &&
           uio_loop_add_interrupts(parts->loop, parts->limits.uio, turn, driver) &&
           uio_loop_add_signals(parts->loop, on_signal, driver);
}

void block_driver_close(struct block_driver *driver)
{
    if (driver->timer_fd >= 0) {
        (void)close(driver->timer_fd);
        driver->timer_fd = -1;
    }
}
