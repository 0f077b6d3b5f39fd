/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtualiser between clients and a driver that are played (block_virt_world.h): honest ones, and others. */
#include "block_virt_unit.h"

#define MAX_TESTS 180u

int main(int argc, char **argv)
{
    static const struct unit_test *const tables[] = {
        block_virt_requests_tests,
        block_virt_turns_tests,
        block_virt_pieces_tests,
        block_virt_hostile_tests,
        block_virt_life_tests,
        block_virt_time_tests,
        block_virt_deaths_tests,
        block_virt_rate_tests,
    };
    struct unit_test tests[MAX_TESTS];
    size_t count = 0;
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct unit_test *test = tables[i]; test->name != NULL; test++) {
            CHECK(count < MAX_TESTS);
            tests[count++] = *test;
        }
    }
    return unit_main(argc, argv, tests, count);
}
