/* SPDX-License-Identifier: BSD-2-Clause */
/* A few threads, each with one plain system call at a time. */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine_threads.h"

#define THREADS 8u

struct job_list {
    struct block_job *first;
    struct block_job **end;
};

struct threads_engine {
    struct block_engine engine;
    const struct block_disk *disk;
    pthread_t threads[THREADS];
    uint32_t thread_count;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t work;
    struct job_list waiting;
    struct job_list ended;
    bool closing;
};

static void clear(struct job_list *list)
{
    list->first = NULL;
    list->end = &list->first;
}

static void append(struct job_list *list, struct block_job *job)
{
    job->next = NULL;
    *list->end = job;
    list->end = &job->next;
}

static struct block_job *take_first(struct job_list *list)
{
    struct block_job *job = list->first;
    list->first = job->next;
    if (list->first == NULL) {
        list->end = &list->first;
    }
    return job;
}

static int64_t call(const struct block_disk *disk, const struct block_job *job)
{
    size_t left_bytes = (size_t)(job->length_bytes - job->done_bytes);
    off_t offset_bytes = (off_t)(job->offset_bytes + job->done_bytes);
    switch (job->operation) {
    case BLOCK_OPERATION_READ:
        return pread(disk->fd, job->buffer + job->done_bytes, left_bytes, offset_bytes);
    case BLOCK_OPERATION_WRITE:
        return pwrite(disk->fd, job->buffer + job->done_bytes, left_bytes, offset_bytes);
    case BLOCK_OPERATION_SYNC:
        return fdatasync(disk->fd);
    default:
        if (block_job_takes_ioctl(job, disk)) {
            uint64_t range[] = { (uint64_t)offset_bytes, left_bytes };
            return ioctl(disk->fd, BLKDISCARD, range);
        }
        return fallocate(disk->fd, block_job_fallocate_mode(job), offset_bytes, (off_t)left_bytes);
    }
}

static void run_job(const struct block_disk *disk, struct block_job *job)
{
    int64_t result;
    do {
        result = call(disk, job);
        result = result < 0 ? -errno : result;
    } while (!block_job_advance(job, disk, result));
}

static void wake_main_thread(const struct threads_engine *self)
{
    /* Fails only when the count would overflow, and then it is not zero. */
    while (eventfd_write(self->engine.fd, 1) < 0 && errno == EINTR) {
    }
}

static void *work(void *argument)
{
    struct threads_engine *self = argument;
    (void)pthread_mutex_lock(&self->lock);
    while (!self->closing) {
        if (self->waiting.first == NULL) {
            (void)pthread_cond_wait(&self->work, &self->lock);
            continue;
        }
        struct block_job *job = take_first(&self->waiting);
        (void)pthread_mutex_unlock(&self->lock);
        run_job(self->disk, job);
        (void)pthread_mutex_lock(&self->lock);
        append(&self->ended, job);
        wake_main_thread(self);
    }
    (void)pthread_mutex_unlock(&self->lock);
    return NULL;
}

static void close_engine(struct block_engine *engine)
{
    struct threads_engine *self = (struct threads_engine *)engine;
    (void)pthread_mutex_lock(&self->lock);
    self->closing = true;
    (void)pthread_cond_broadcast(&self->work);
    (void)pthread_mutex_unlock(&self->lock);
    for (uint32_t i = 0; i < self->thread_count; i++) {
        (void)pthread_join(self->threads[i], NULL);
    }
    (void)pthread_cond_destroy(&self->work);
    (void)pthread_mutex_destroy(&self->lock);
    (void)close(engine->fd);
}

struct block_engine *block_engine_threads_open(const struct block_disk *disk, uint32_t thread_count)
{
    static struct threads_engine self;
    self = (struct threads_engine) { .engine = { .kind = &block_engine_threads, .slow_fd = -1 }, .disk = disk };
    clear(&self.waiting);
    clear(&self.ended);
    self.engine.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self.engine.fd < 0) {
        return NULL;
    }
    (void)pthread_mutex_init(&self.lock, NULL);
    (void)pthread_cond_init(&self.work, NULL);
    int error = 0;
    while (self.thread_count < thread_count && self.thread_count < THREADS && error == 0) {
        error = pthread_create(&self.threads[self.thread_count], NULL, work, &self);
        self.thread_count += error == 0 ? 1 : 0;
    }
    if (self.thread_count == 0) {
        close_engine(&self.engine);
        errno = error;
        return NULL;
    }
    self.engine.depth = self.thread_count;
    return &self.engine;
}

static struct block_engine *open_engine(const struct block_disk *disk)
{
    return block_engine_threads_open(disk, THREADS);
}

static void submit(struct block_engine *engine, struct block_job *job)
{
    struct threads_engine *self = (struct threads_engine *)engine;
    (void)pthread_mutex_lock(&self->lock);
    append(&self->waiting, job);
    (void)pthread_cond_signal(&self->work);
    (void)pthread_mutex_unlock(&self->lock);
}

/* A submitted job has started already. */
static bool kick(struct block_engine *engine)
{
    (void)engine;
    return true;
}

static struct block_job *reap(struct block_engine *engine)
{
    struct threads_engine *self = (struct threads_engine *)engine;
    struct block_job *job = NULL;
    (void)pthread_mutex_lock(&self->lock);
    if (self->ended.first != NULL) {
        job = take_first(&self->ended);
    } else {
        eventfd_t count;
        /* Under the lock, so that the descriptor is readable whenever there is a job. */
        (void)eventfd_read(engine->fd, &count);
    }
    (void)pthread_mutex_unlock(&self->lock);
    return job;
}

const struct block_engine_kind block_engine_threads = {
    .name = "threads",
    .open = open_engine,
    .submit = submit,
    .kick = kick,
    .reap = reap,
    .close = close_engine,
};
