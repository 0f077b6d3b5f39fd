/* SPDX-License-Identifier: BSD-2-Clause */
/* The block driver's small parts: copies, what a system call's result means, serial numbers, one look at a disk. */
#define _GNU_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <stdint.h>

#include <sdfgen/sddf_blk.h>

#include <block_engine.h>
#include <sdfgen/device_copy.h>

#include "unit.h"

#define WORDS 512u
#define GUARD UINT64_C(0x1122334455667788)

static _Alignas(16) uint64_t from[WORDS];
static _Alignas(16) uint64_t to[2 + WORDS + 1];

static void fill(void)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        from[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    }
    for (uint32_t i = 0; i < 2 + WORDS + 1; i++) {
        to[i] = GUARD;
    }
}

static void check_copied(uint32_t words)
{
    CHECK(to[0] == GUARD && to[1] == GUARD);
    CHECK(memcmp(&to[2], from, words * sizeof(uint64_t)) == 0);
    for (uint32_t i = 2 + words; i < 2 + WORDS + 1; i++) {
        CHECK(to[i] == GUARD);
    }
}

/* To addresses that are multiples of 16. */
static void copies_are_whole_and_stay_inside(void)
{
    static const uint32_t sizes[] = { 0, 8, 16, 24, WORDS };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        fill();
        device_copy_in(&to[2], from, sizes[i] * sizeof(uint64_t));
        check_copied(sizes[i]);
        fill();
        device_copy_out(&to[2], from, sizes[i] * sizeof(uint64_t));
        check_copied(sizes[i]);
    }
}

static const struct block_disk disk = { .sector_bytes = 512 };

static struct block_job job_of(enum block_operation operation)
{
    return (struct block_job) { .operation = operation, .offset_bytes = 8192, .length_bytes = 4096 };
}

static void a_whole_transfer_ends_a_job(void)
{
    struct block_job job = job_of(BLOCK_OPERATION_READ);
    CHECK(block_job_advance(&job, &disk, 4096));
    CHECK(job.done_bytes == 4096 && job.error == 0);
}

static void a_short_transfer_goes_on_at_a_sector(void)
{
    struct block_job job = job_of(BLOCK_OPERATION_WRITE);
    CHECK(!block_job_advance(&job, &disk, 1535));
    CHECK(job.done_bytes == 1024);
    CHECK(!block_job_advance(&job, &disk, 512));
    CHECK(job.done_bytes == 1536);
    CHECK(block_job_advance(&job, &disk, 2560));
    CHECK(job.done_bytes == 4096 && job.error == 0);
}

static void a_transfer_that_gets_nowhere_is_a_fault(void)
{
    static const int64_t results[] = { 0, 1, 511 };
    for (size_t i = 0; i < 3; i++) {
        struct block_job job = job_of(BLOCK_OPERATION_READ);
        CHECK(!block_job_advance(&job, &disk, 512));
        CHECK(block_job_advance(&job, &disk, results[i]));
        CHECK(job.error == EIO && job.done_bytes == 512);
    }
}

static void an_error_ends_a_job(void)
{
    for (int operation = 0; operation < BLOCK_OPERATION_COUNT; operation++) {
        struct block_job job = job_of((enum block_operation)operation);
        CHECK(block_job_advance(&job, &disk, -ENOSPC));
        CHECK(job.error == ENOSPC && job.done_bytes == 0);
    }
}

static uint32_t interruptions_until_the_end(struct block_job *job, int error)
{
    uint32_t count = 1;
    while (!block_job_advance(job, &disk, -error)) {
        CHECK(++count < 100000);
    }
    CHECK(job->error == error);
    return count;
}

static void interruptions_are_borne_but_not_for_ever(void)
{
    struct block_job job = job_of(BLOCK_OPERATION_READ);
    uint32_t most = interruptions_until_the_end(&job, EINTR);
    CHECK(most > 10);
    job = job_of(BLOCK_OPERATION_SYNC);
    CHECK(interruptions_until_the_end(&job, EAGAIN) == most);
    job = job_of(BLOCK_OPERATION_READ);
    CHECK(!block_job_advance(&job, &disk, -EINTR));
    CHECK(!block_job_advance(&job, &disk, 512));
    CHECK(interruptions_until_the_end(&job, EINTR) == most);
}

static void a_job_without_data_is_done_at_once(void)
{
    struct block_job job = job_of(BLOCK_OPERATION_DISCARD);
    CHECK(block_job_advance(&job, &disk, 0));
    CHECK(job.done_bytes == 4096 && job.error == 0);
}

static void the_size_of_the_disk_is_kept(void)
{
    struct block_job job = job_of(BLOCK_OPERATION_DISCARD);
    CHECK(block_job_fallocate_mode(&job) == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
    job = job_of(BLOCK_OPERATION_UNMAP);
    CHECK(block_job_fallocate_mode(&job) == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
    job = job_of(BLOCK_OPERATION_ZERO);
    CHECK(block_job_fallocate_mode(&job) == (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE));
}

static int print_serial(const char *sysfs)
{
    char serial[BLOCK_DISK_SERIAL_BYTES];
    memset(serial, 'x', sizeof(serial));
    block_disk_serial(sysfs, 253, 4, serial);
    return fwrite(serial, 1, sizeof(serial), stdout) == sizeof(serial) ? 0 : 1;
}

/* Opens a disk and says what it is, and what an EIO and a success would be, before and after the test says go on. */
static int print_disk(const char *path)
{
    struct block_disk opened;
    char message[200];
    const struct block_disk_options options = { .path = path, .sysfs = "/nowhere" };
    if (!block_disk_open(&opened, &options, message, sizeof(message))) {
        puts(message);
        return 1;
    }
    printf("%d %d %" PRIu32 " %" PRIu64 " %" PRIu32 " %" PRIu32 "\n", opened.is_device, opened.read_only,
           opened.sector_bytes, opened.capacity_blocks, block_disk_status(&opened, EIO), block_disk_status(&opened, 0));
    (void)fflush(stdout);
    (void)getchar();
    printf("%" PRIu32 "\n", block_disk_status(&opened, EIO));
    block_disk_close(&opened);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(copies_are_whole_and_stay_inside),
        UNIT_TEST(a_whole_transfer_ends_a_job),
        UNIT_TEST(a_short_transfer_goes_on_at_a_sector),
        UNIT_TEST(a_transfer_that_gets_nowhere_is_a_fault),
        UNIT_TEST(an_error_ends_a_job),
        UNIT_TEST(interruptions_are_borne_but_not_for_ever),
        UNIT_TEST(a_job_without_data_is_done_at_once),
        UNIT_TEST(the_size_of_the_disk_is_kept),
    };
    if (argc == 3 && strcmp(argv[1], "serial") == 0) {
        return print_serial(argv[2]);
    }
    if (argc == 3 && strcmp(argv[1], "disk") == 0) {
        return print_disk(argv[2]);
    }
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
