/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs tests of several tables:
 *
 *     program --list    names
 *     program NAME      exit 0 when that test holds
 *     program --all     all of them, one after the other, in the same memory
 */
#pragma once

#include <stdbool.h>

#include "unit.h"

/* Whether the test of that name is to be run; prints the name when it is asked for. */
static inline bool run_wanted(int argc, char **argv, const char *name)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        puts(name);
        return false;
    }
    return argc == 2 && (strcmp(argv[1], "--all") == 0 || strcmp(argv[1], name) == 0);
}

/* How many were run. */
static inline int run_tests(int argc, char **argv, const struct unit_test *tests, size_t count)
{
    int ran = 0;
    for (size_t i = 0; i < count; i++) {
        if (run_wanted(argc, argv, tests[i].name)) {
            tests[i].run();
            ran++;
        }
    }
    return ran;
}

/* What main returns: a name that none has is a failure. */
static inline int run_result(int argc, char **argv, int ran)
{
    return ran > 0 || (argc == 2 && strcmp(argv[1], "--list") == 0) ? 0 : 2;
}
