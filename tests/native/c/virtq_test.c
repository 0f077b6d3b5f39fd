/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest memory and the split ring by themselves. What chains mean to a block device is virtio_blk_test.c's. */
#include "device_run.h"
#include "virtq_tests.h"

int main(int argc, char **argv)
{
    const int ran = run_tests(argc, argv, memory_tests, memory_test_count) +
                    run_tests(argc, argv, ring_tests, ring_test_count) +
                    run_tests(argc, argv, kick_tests, kick_test_count);
    return run_result(argc, argv, ran);
}
