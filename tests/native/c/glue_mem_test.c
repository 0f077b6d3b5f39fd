/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pd/mem.c, compiled under other names, against the libc's own: each small size and alignment, and random large ones.
 */
#include <stdbool.h>
#include <stdint.h>

#include "unit.h"

void *tested_memcpy(void *restrict to, const void *restrict from, size_t size_bytes);
void *tested_memmove(void *to, const void *from, size_t size_bytes);
void *tested_memset(void *to, int value, size_t size_bytes);
int tested_memcmp(const void *a, const void *b, size_t size_bytes);

#define SMALL 150u
#define LARGE 20000u
#define MARGIN 64u
#define TRIES 2000u

static uint8_t source[LARGE + 2 * MARGIN];
static uint8_t expected[LARGE + 2 * MARGIN];
static uint8_t actual[LARGE + 2 * MARGIN];
static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33) % bound;
}

static void fill(void)
{
    for (size_t i = 0; i < sizeof(source); i++) {
        source[i] = (uint8_t)random_below(256);
        expected[i] = actual[i] = (uint8_t)random_below(256);
    }
}

static bool same(void)
{
    for (size_t i = 0; i < sizeof(expected); i++) {
        if (expected[i] != actual[i]) {
            return false;
        }
    }
    return true;
}

static void check_copy(uint32_t to, uint32_t from, uint32_t size_bytes)
{
    memcpy(expected + to, source + from, size_bytes);
    CHECK(tested_memcpy(actual + to, source + from, size_bytes) == actual + to);
}

static void memcpy_is_the_libcs(void)
{
    fill();
    for (uint32_t size = 0; size < SMALL; size++) {
        for (uint32_t to = 0; to < 9; to++) {
            for (uint32_t from = 0; from < 9; from++) {
                check_copy(to, from, size);
            }
        }
        CHECK(same());
        fill();
    }
    for (uint32_t i = 0; i < TRIES; i++) {
        check_copy(random_below(MARGIN), random_below(MARGIN), random_below(LARGE));
    }
    CHECK(same());
}

static void check_move(uint32_t to, uint32_t from, uint32_t size_bytes)
{
    memmove(expected + to, expected + from, size_bytes);
    CHECK(tested_memmove(actual + to, actual + from, size_bytes) == actual + to);
}

static void memmove_is_the_libcs(void)
{
    fill();
    memcpy(actual, expected, sizeof(actual));
    for (uint32_t size = 0; size < SMALL; size++) {
        for (uint32_t to = 0; to < MARGIN; to += 1 + size % 3) {
            for (uint32_t from = 0; from < MARGIN; from++) {
                check_move(to, from, size);
            }
        }
        CHECK(same());
    }
    for (uint32_t i = 0; i < TRIES; i++) {
        const uint32_t near = random_below(200);
        check_move(near, random_below(200), random_below(LARGE - 200));
    }
    CHECK(same());
}

static void memset_is_the_libcs(void)
{
    fill();
    memcpy(actual, expected, sizeof(actual));
    for (uint32_t size = 0; size < SMALL; size++) {
        for (uint32_t to = 0; to < 9; to++) {
            const int value = (int)random_below(1000) - 500;
            memset(expected + to, value, size);
            CHECK(tested_memset(actual + to, value, size) == actual + to);
        }
        CHECK(same());
    }
    memset(expected + 3, 0xa5, LARGE);
    tested_memset(actual + 3, 0xa5, LARGE);
    CHECK(same());
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void memcmp_is_the_libcs(void)
{
    for (uint32_t i = 0; i < 20 * TRIES; i++) {
        const uint32_t at = random_below(9);
        const uint32_t other = random_below(9);
        const uint32_t size = random_below(SMALL);
        for (uint32_t byte = 0; byte < size; byte++) {
            expected[at + byte] = actual[other + byte] = (uint8_t)random_below(256);
        }
        if (random_below(2) == 0) {
            actual[other + random_below(SMALL)] ^= (uint8_t)(1u << random_below(8));
        }
        const int libc = memcmp(expected + at, actual + other, size);
        CHECK(sign(tested_memcmp(expected + at, actual + other, size)) == sign(libc));
    }
}

static const struct unit_test tests[] = {
    UNIT_TEST(memcpy_is_the_libcs),
    UNIT_TEST(memmove_is_the_libcs),
    UNIT_TEST(memset_is_the_libcs),
    UNIT_TEST(memcmp_is_the_libcs),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
