/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least a C unit test needs: named tests in a table, one run per name, so that pytest shows each by itself.
 *
 *     program --list    names
 *     program NAME      exit 0 when every CHECK of that test holds
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                               \
    do {                                                                               \
        if (!(condition)) {                                                            \
            fprintf(stderr, "line %d: %s does not hold\n", __LINE__, #condition);      \
            exit(1);                                                                   \
        }                                                                              \
    } while (0)

struct unit_test {
    const char *name;
    void (*run)(void);
};

#define UNIT_TEST(function) { .name = #function, .run = (function) }

static inline int unit_main(int argc, char **argv, const struct unit_test *tests, size_t test_count)
{
    for (size_t i = 0; i < test_count; i++) {
        if (argc == 2 && strcmp(argv[1], "--list") == 0) {
            puts(tests[i].name);
        } else if (argc == 2 && strcmp(argv[1], tests[i].name) == 0) {
            tests[i].run();
            return 0;
        }
    }
    return argc == 2 && strcmp(argv[1], "--list") == 0 ? 0 : 2;
}
