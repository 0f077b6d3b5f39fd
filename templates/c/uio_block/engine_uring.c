/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring by its system calls: no library, no threads of our own. Needs Linux 5.6, the first that can be asked which
 * operations it knows, and that they are not forbidden (kernel.io_uring_disabled, a seccomp filter).
 */
#define _GNU_SOURCE

#include <errno.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine_threads.h"
#include "engine_uring.h"

#define PROBE_OPERATIONS 256u
#define NEEDED_FEATURES (IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP)
/* How often one kick may be interrupted. */
#define ENTER_ATTEMPTS_MAX 100u

static const uint8_t opcodes[BLOCK_OPERATION_COUNT] = {
    [BLOCK_OPERATION_READ] = IORING_OP_READ,         [BLOCK_OPERATION_WRITE] = IORING_OP_WRITE,
    [BLOCK_OPERATION_SYNC] = IORING_OP_FSYNC,        [BLOCK_OPERATION_DISCARD] = IORING_OP_FALLOCATE,
    [BLOCK_OPERATION_ZERO] = IORING_OP_FALLOCATE,    [BLOCK_OPERATION_UNMAP] = IORING_OP_FALLOCATE,
};

struct uring_engine {
    struct block_engine engine;
    const struct block_disk *disk;
    uint8_t *ring; /* both rings' indices, and the completions */
    size_t ring_bytes;
    struct io_uring_sqe *submissions;
    size_t submissions_bytes;
    struct io_sqring_offsets submission_at;
    struct io_cqring_offsets completion_at;
    uint32_t unsubmitted; /* put into the ring, not yet taken by the kernel */
    struct block_engine *helper; /* a thread for what the ring has no operation for; NULL where there is no such thing */
    uint32_t helped;             /* jobs that it has */
};

/* A word of the ring that the kernel shares. */
static uint32_t *word(const struct uring_engine *self, uint32_t offset_bytes)
{
    return (uint32_t *)(void *)(self->ring + offset_bytes);
}

static bool knows_operations(int fd)
{
    static union {
        struct io_uring_probe probe;
        uint8_t bytes[sizeof(struct io_uring_probe) + PROBE_OPERATIONS * sizeof(struct io_uring_probe_op)];
    } answer;
    answer.probe = (struct io_uring_probe) { 0 };
    if (syscall(__NR_io_uring_register, fd, IORING_REGISTER_PROBE, &answer, PROBE_OPERATIONS) < 0) {
        return false;
    }
    const struct io_uring_probe_op *known =
        (const struct io_uring_probe_op *)(const void *)(answer.bytes + sizeof(struct io_uring_probe));
    for (uint32_t i = 0; i < BLOCK_OPERATION_COUNT; i++) {
        if (opcodes[i] > answer.probe.last_op || (known[opcodes[i]].flags & IO_URING_OP_SUPPORTED) == 0) {
            return false;
        }
    }
    return true;
}

static void close_engine(struct block_engine *engine)
{
    struct uring_engine *self = (struct uring_engine *)engine;
    if (self->helper != NULL) {
        self->helper->kind->close(self->helper);
    }
    if (self->submissions != NULL) {
        (void)munmap(self->submissions, self->submissions_bytes);
    }
    if (self->ring != NULL) {
        (void)munmap(self->ring, self->ring_bytes);
    }
    (void)close(engine->fd);
}

static void *map(const struct uring_engine *self, size_t size_bytes, off_t what)
{
    void *base = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, self->engine.fd, what);
    return base == MAP_FAILED ? NULL : base;
}

static bool map_rings(struct uring_engine *self, const struct io_uring_params *params)
{
    size_t submission_bytes = params->sq_off.array + params->sq_entries * sizeof(uint32_t);
    size_t completion_bytes = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
    self->submission_at = params->sq_off;
    self->completion_at = params->cq_off;
    self->ring_bytes = submission_bytes > completion_bytes ? submission_bytes : completion_bytes;
    self->ring = map(self, self->ring_bytes, IORING_OFF_SQ_RING);
    self->submissions_bytes = params->sq_entries * sizeof(struct io_uring_sqe);
    self->submissions = map(self, self->submissions_bytes, IORING_OFF_SQES);
    return self->ring != NULL && self->submissions != NULL;
}

/* Only since Linux 6.12 the ring has an operation for BLKDISCARD. */
static bool open_helper(struct uring_engine *self)
{
    if (self->disk->is_device && !self->disk->read_only) {
        self->helper = block_engine_threads_open(self->disk, 1);
        self->engine.slow_fd = self->helper == NULL ? -1 : self->helper->fd;
        return self->helper != NULL;
    }
    return true;
}

static struct block_engine *open_engine(const struct block_disk *disk)
{
    static struct uring_engine self;
    struct io_uring_params params = { 0 };
    self = (struct uring_engine) {
        .engine = { .kind = &block_engine_uring, .slow_fd = -1, .depth = BLOCK_ENGINE_DEPTH },
        .disk = disk,
    };
    self.engine.fd = (int)syscall(__NR_io_uring_setup, BLOCK_ENGINE_DEPTH, &params);
    if (self.engine.fd < 0) {
        return NULL;
    }
    if ((params.features & NEEDED_FEATURES) != NEEDED_FEATURES || !knows_operations(self.engine.fd)) {
        close_engine(&self.engine);
        errno = ENOSYS;
        return NULL;
    }
    if (!map_rings(&self, &params) || !open_helper(&self)) {
        int error = errno;
        close_engine(&self.engine);
        errno = error;
        return NULL;
    }
    return &self.engine;
}

static void fill_data(struct io_uring_sqe *entry, const struct block_job *job)
{
    entry->off = job->offset_bytes + job->done_bytes;
    entry->addr = (uint64_t)(uintptr_t)(job->buffer + job->done_bytes);
    entry->len = (uint32_t)(job->length_bytes - job->done_bytes);
}

/* fallocate's length is where the address is otherwise, its mode where the length is. */
static void fill_fallocate(struct io_uring_sqe *entry, const struct block_job *job)
{
    entry->off = job->offset_bytes;
    entry->addr = job->length_bytes;
    entry->len = (uint32_t)block_job_fallocate_mode(job);
}

/* There is always a free entry: the ring holds as many as there are jobs. */
static void submit(struct block_engine *engine, struct block_job *job)
{
    struct uring_engine *self = (struct uring_engine *)engine;
    if (block_job_takes_ioctl(job, self->disk)) {
        self->helped++;
        self->helper->kind->submit(self->helper, job);
        return;
    }
    uint32_t *tail = word(self, self->submission_at.tail);
    uint32_t slot = *tail & *word(self, self->submission_at.ring_mask);
    struct io_uring_sqe *entry = &self->submissions[slot];
    *entry = (struct io_uring_sqe) {
        .opcode = opcodes[job->operation],
        .fd = self->disk->fd,
        .user_data = (uint64_t)(uintptr_t)job,
    };
    if (job->operation == BLOCK_OPERATION_SYNC) {
        entry->fsync_flags = IORING_FSYNC_DATASYNC;
    } else if (opcodes[job->operation] == IORING_OP_FALLOCATE) {
        fill_fallocate(entry, job);
    } else {
        fill_data(entry, job);
    }
    word(self, self->submission_at.array)[slot] = slot;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    self->unsubmitted++;
}

static bool kick(struct block_engine *engine)
{
    struct uring_engine *self = (struct uring_engine *)engine;
    for (uint32_t attempt = 0; self->unsubmitted > 0 && attempt < ENTER_ATTEMPTS_MAX; attempt++) {
        long taken = syscall(__NR_io_uring_enter, engine->fd, self->unsubmitted, 0, 0, NULL, 0);
        if (taken > 0) {
            self->unsubmitted -= (uint32_t)taken;
        } else if (taken == 0 || errno != EINTR) {
            /* EAGAIN and EBUSY: short of memory, or of room for completions. */
            return false;
        }
    }
    return self->unsubmitted == 0;
}

/* One completion, or false. */
static bool take_completion(struct uring_engine *self, struct block_job **job, int64_t *result)
{
    uint32_t *head = word(self, self->completion_at.head);
    uint32_t at = *head;
    if (at == __atomic_load_n(word(self, self->completion_at.tail), __ATOMIC_ACQUIRE)) {
        return false;
    }
    const struct io_uring_cqe *entries = (const struct io_uring_cqe *)(void *)word(self, self->completion_at.cqes);
    const struct io_uring_cqe *entry = &entries[at & *word(self, self->completion_at.ring_mask)];
    *job = (struct block_job *)(uintptr_t)entry->user_data;
    *result = entry->res;
    __atomic_store_n(head, at + 1, __ATOMIC_RELEASE);
    return true;
}

/* The helper's descriptor is readable until a look finds nothing: with its last job that look is made, too. */
static struct block_job *reap_helper(struct uring_engine *self)
{
    struct block_job *job = self->helper->kind->reap(self->helper);
    self->helped -= job != NULL;
    if (self->helped == 0) {
        (void)self->helper->kind->reap(self->helper);
    }
    return job;
}

/* A job that is not whole goes back into the ring, so each turn of the loop is one completion of at most the depth. */
static struct block_job *reap(struct block_engine *engine)
{
    struct uring_engine *self = (struct uring_engine *)engine;
    struct block_job *job = NULL;
    int64_t result = 0;
    while (take_completion(self, &job, &result)) {
        if (block_job_advance(job, self->disk, result)) {
            return job;
        }
        submit(engine, job);
    }
    return self->helped != 0 ? reap_helper(self) : NULL;
}

const struct block_engine_kind block_engine_uring = {
    .name = "io_uring",
    .open = open_engine,
    .submit = submit,
    .kick = kick,
    .reap = reap,
    .close = close_engine,
};
