/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio block device between a driver and a disk: each vector and each scenario by its name. */
#include "device_judge.h"
#include "device_run.h"
#include "device_scenarios.h"

static int run_vectors(int argc, char **argv)
{
    int ran = 0;
    for (size_t i = 0; i < vector_count; i++) {
        if (run_wanted(argc, argv, vectors[i].name)) {
            judge(&vectors[i]);
            ran++;
        }
    }
    return ran;
}

int main(int argc, char **argv)
{
    const int ran = run_vectors(argc, argv) + run_tests(argc, argv, order_tests, order_test_count) +
                    run_tests(argc, argv, life_tests, life_test_count) +
                    run_tests(argc, argv, limit_tests, limit_test_count) +
                    run_tests(argc, argv, silence_tests, silence_test_count);
    return run_result(argc, argv, ran);
}
