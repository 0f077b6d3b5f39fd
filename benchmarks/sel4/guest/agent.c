/* In a guest: does what the host writes into the first block of a disk, and answers in the second.
 *
 * A command is a line "NUMBER VERB ARGUMENTS", with a number that no earlier command had, the rest of the block zero:
 *
 *     load DIRECTION BLOCK_BYTES DEPTH WARM_UP_MS MEASURED_MS  requests at places that a stride chooses, DEPTH at once
 *     fio DIRECTION BLOCK_BYTES DEPTH WARM_UP_MS MEASURED_MS   the same by fio, at random places
 *     rest MS                                                  looks for the next command after so long only; an error
 *                                                              where an attack before it could not be made
 *     count MS                                                 counts for so long, and does nothing else
 *     gaps MS                                                  writes one block after the other for so long
 *     attack KIND MS                                           attack.c; answered when it begins
 *
 * The answer to `load` and `fio` is "NUMBER ok REQUESTS NANOSECONDS", to `count` "NUMBER ok ROUNDS NANOSECONDS", to
 * `gaps` "NUMBER ok REQUESTS LONGEST_NS BEGAN_NS", the longest time that one took and when that one began, to `rest` and
 * `attack` "NUMBER ok", to anything else "NUMBER error TEXT".
 * So neither a console nor its cost is part of what is measured, and a kernel that prints nothing will do. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "attack.h"
#include "fio.h"

enum {
    CONTROL_BYTES = 4096,
    DATA_START = 1 << 20,
    MAX_BLOCK_BYTES = 1 << 20,
    MAX_DEPTH = 32,
    POLL_MS = 50,
    WORD_BYTES = 16,
    WRITTEN = 1, /* each byte; the host looks for it */
};

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
/* A prime, so that each place comes once before any comes again; large, so that no two neighbours are merged. */
#define STRIDE UINT64_C(7919)

struct load {
    char tool[WORD_BYTES]; /* "load" or "fio" */
    char direction[WORD_BYTES];
    uint32_t block_bytes;
    uint32_t depth;
    uint32_t warm_up_ms;
    uint32_t measured_ms;
};

struct engine {
    aio_context_t context;
    int disk;
    const struct load *load;
    uint64_t places;
    uint64_t next;
    struct iocb requests[MAX_DEPTH];
    struct iocb *pending[MAX_DEPTH];
    struct io_event events[MAX_DEPTH];
};

static int failure; /* of the last attack */
static const char *disk_path;
static char *buffers; /* MAX_DEPTH of MAX_BLOCK_BYTES, aligned */

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void sleep_ms(uint32_t milliseconds)
{
    struct timespec time = { milliseconds / 1000, (long)(milliseconds % 1000 * NS_PER_MS) };
    nanosleep(&time, NULL);
}

static void answer(int disk, const char *format, ...)
{
    memset(buffers, 0, CONTROL_BYTES);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(buffers, CONTROL_BYTES, format, arguments);
    va_end(arguments);
    if (pwrite(disk, buffers, CONTROL_BYTES, CONTROL_BYTES) != CONTROL_BYTES) {
        perror("agent: answer");
    }
}

/* Prepares a request at the next place. */
static void prepare(struct engine *engine, struct iocb *request)
{
    uint64_t place = engine->next++ * STRIDE % engine->places;
    request->aio_offset = (int64_t)(DATA_START + place * engine->load->block_bytes);
}

/* Submits so many pending requests; 0, or an error number. */
static int submit(struct engine *engine, uint32_t count)
{
    for (uint32_t done = 0; done < count;) {
        long taken = syscall(SYS_io_submit, engine->context, count - done, engine->pending + done);
        if (taken <= 0) {
            return taken < 0 ? errno : EAGAIN;
        }
        done += (uint32_t)taken;
    }
    return 0;
}

/* Waits for requests, at least one; their number, or a negative error number. Prepares them anew. */
static int reap(struct engine *engine)
{
    long count = syscall(SYS_io_getevents, engine->context, 1, engine->load->depth, engine->events, NULL);
    if (count < 0) {
        return -errno;
    }
    for (long i = 0; i < count; i++) {
        if (engine->events[i].res != (int64_t)engine->load->block_bytes) {
            return engine->events[i].res < 0 ? (int)engine->events[i].res : -EIO;
        }
        engine->pending[i] = (struct iocb *)(uintptr_t)engine->events[i].obj;
        prepare(engine, engine->pending[i]);
    }
    return (int)count;
}

/* Keeps `depth` requests under way; counts between two completions. 0, or an error number. */
static int drive(struct engine *engine, uint64_t *requests, int64_t *elapsed_ns)
{
    const struct load *load = engine->load;
    int64_t count_from = now_ns() + load->warm_up_ms * NS_PER_MS;
    int64_t started = 0;
    int error = submit(engine, load->depth);
    uint64_t enough = load->depth > 4 ? load->depth : 4;
    *requests = 0;
    while (error == 0) {
        int count = reap(engine);
        if (count <= 0) {
            return count < 0 ? -count : EIO;
        }
        int64_t now = now_ns();
        if (started != 0) {
            *requests += (uint64_t)count;
            *elapsed_ns = now - started;
            if (*elapsed_ns >= load->measured_ms * NS_PER_MS && *requests >= enough) {
                return 0;
            }
        } else if (now >= count_from) {
            started = now;
        }
        error = submit(engine, (uint32_t)count);
    }
    return error;
}

static void set_up(struct engine *engine, uint64_t disk_bytes)
{
    const struct load *load = engine->load;
    int writes = strcmp(load->direction, "write") == 0;
    engine->places = (disk_bytes - DATA_START) / load->block_bytes;
    for (uint32_t i = 0; i < load->depth; i++) {
        char *buffer = buffers + (size_t)i * MAX_BLOCK_BYTES;
        if (writes) {
            memset(buffer, WRITTEN, load->block_bytes);
        }
        engine->requests[i] = (struct iocb) {
            .aio_lio_opcode = writes ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
            .aio_fildes = (uint32_t)engine->disk,
            .aio_buf = (uintptr_t)buffer,
            .aio_nbytes = load->block_bytes,
        };
        prepare(engine, &engine->requests[i]);
        engine->pending[i] = &engine->requests[i];
    }
}

static int is_sound(const struct load *load, uint64_t disk_bytes)
{
    uint32_t bytes = load->block_bytes;
    int known = strcmp(load->direction, "write") == 0 || strcmp(load->direction, "read") == 0;
    int made = strcmp(load->tool, "load") == 0 || strcmp(load->tool, "fio") == 0;
    return made && known && load->depth >= 1 && load->depth <= MAX_DEPTH && bytes >= CONTROL_BYTES &&
           bytes <= MAX_BLOCK_BYTES && bytes % CONTROL_BYTES == 0 && disk_bytes >= DATA_START + (uint64_t)bytes;
}

static int load_by_itself(int disk, uint64_t disk_bytes, const struct load *load, uint64_t *requests,
                          int64_t *elapsed_ns)
{
    struct engine engine = { .disk = disk, .load = load };
    set_up(&engine, disk_bytes);
    int error = syscall(SYS_io_setup, load->depth, &engine.context) != 0 ? errno : 0;
    if (error == 0) {
        error = drive(&engine, requests, elapsed_ns);
        syscall(SYS_io_destroy, engine.context); /* waits for what is under way */
    }
    return error;
}

static int load_by_fio(const struct load *load, uint64_t *requests, int64_t *elapsed_ns)
{
    *elapsed_ns = NS_PER_S;
    return fio_load(disk_path, load->direction, load->block_bytes, load->depth, load->warm_up_ms, load->measured_ms,
                    DATA_START, requests);
}

static void do_load(int disk, uint64_t disk_bytes, uint64_t number, const struct load *load)
{
    if (!is_sound(load, disk_bytes)) {
        answer(disk, "%llu error a load that can't be\n", (unsigned long long)number);
        return;
    }
    uint64_t requests = 0;
    int64_t elapsed_ns = 0;
    int error = strcmp(load->tool, "fio") == 0 ? load_by_fio(load, &requests, &elapsed_ns)
                                               : load_by_itself(disk, disk_bytes, load, &requests, &elapsed_ns);
    if (error != 0) {
        answer(disk, "%llu error %s\n", (unsigned long long)number, strerror(error));
    } else {
        answer(disk, "%llu ok %llu %lld\n", (unsigned long long)number, (unsigned long long)requests,
               (long long)elapsed_ns);
    }
}

static void do_count(int disk, uint64_t number, uint32_t milliseconds)
{
    int64_t begin = now_ns();
    uint64_t rounds = 0;
    int64_t elapsed_ns = 0;
    for (; elapsed_ns < milliseconds * NS_PER_MS; rounds++) {
        elapsed_ns = now_ns() - begin;
    }
    answer(disk, "%llu ok %llu %lld\n", (unsigned long long)number, (unsigned long long)rounds, (long long)elapsed_ns);
}

static void do_gaps(int disk, uint64_t number, uint32_t milliseconds)
{
    int64_t start = now_ns();
    int64_t before = start;
    int64_t end = start + milliseconds * NS_PER_MS;
    int64_t longest_ns = 0;
    int64_t began_ns = 0;
    uint64_t requests = 0;
    for (; before < end; requests++) {
        if (pwrite(disk, buffers, CONTROL_BYTES, DATA_START) != CONTROL_BYTES) {
            answer(disk, "%llu error %s\n", (unsigned long long)number, strerror(errno));
            return;
        }
        int64_t now = now_ns();
        if (now - before > longest_ns) {
            longest_ns = now - before;
            began_ns = before - start;
        }
        before = now;
    }
    answer(disk, "%llu ok %llu %lld %lld\n", (unsigned long long)number, (unsigned long long)requests,
           (long long)longest_ns, (long long)began_ns);
}

static void answer_to_rest(int disk, uint64_t number)
{
    if (failure != 0) {
        answer(disk, "%llu error the attack: %s\n", (unsigned long long)number, strerror(failure));
    } else {
        answer(disk, "%llu ok\n", (unsigned long long)number);
    }
}

/* Does a command; how long to wait before the next look. */
static uint32_t obey(int disk, uint64_t disk_bytes, uint64_t number, const char *words)
{
    struct load load;
    uint32_t rest_ms;
    char kind[WORD_BYTES];
    if (sscanf(words, "%15s %15s %u %u %u %u", load.tool, load.direction, &load.block_bytes, &load.depth,
               &load.warm_up_ms, &load.measured_ms) == 6) {
        do_load(disk, disk_bytes, number, &load);
    } else if (sscanf(words, "rest %u", &rest_ms) == 1) {
        answer_to_rest(disk, number);
        return rest_ms;
    } else if (sscanf(words, "count %u", &rest_ms) == 1) {
        do_count(disk, number, rest_ms);
    } else if (sscanf(words, "gaps %u", &rest_ms) == 1) {
        do_gaps(disk, number, rest_ms);
    } else if (sscanf(words, "attack %15s %u", kind, &rest_ms) == 2) {
        answer(disk, "%llu ok\n", (unsigned long long)number);
        failure = attack(kind, rest_ms, disk);
    } else {
        answer(disk, "%llu error not understood\n", (unsigned long long)number);
    }
    return POLL_MS;
}

int main(int count, char **arguments)
{
    disk_path = arguments[1];
    int disk = count == 2 ? open(disk_path, O_RDWR | O_DIRECT) : -1;
    off_t end = disk < 0 ? -1 : lseek(disk, 0, SEEK_END);
    if (end <= 0 || posix_memalign((void **)&buffers, CONTROL_BYTES, (size_t)MAX_DEPTH * MAX_BLOCK_BYTES) != 0) {
        perror("agent: DISK");
        return 1;
    }
    memset(buffers, WRITTEN, (size_t)MAX_DEPTH * MAX_BLOCK_BYTES); /* pages of its own instead of the one of zeroes */
    answer(disk, "0 ok\n");
    for (uint64_t last = 0;;) {
        int used = 0;
        unsigned long long number = 0;
        uint32_t wait_ms = POLL_MS;
        if (pread(disk, buffers, CONTROL_BYTES, 0) == CONTROL_BYTES && buffers[CONTROL_BYTES - 1] == '\0' &&
            sscanf(buffers, "%llu %n", &number, &used) == 1 && number > last) {
            char words[256];
            last = number;
            snprintf(words, sizeof words, "%s", buffers + used);
            wait_ms = obey(disk, (uint64_t)end, number, words);
        }
        sleep_ms(wait_ms);
    }
}
