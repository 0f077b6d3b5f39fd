/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the device that take more than one request: tables of named tests, a file each. */
#pragma once

#include "unit.h"

extern const struct unit_test order_tests[];
extern const size_t order_test_count;
extern const struct unit_test life_tests[];
extern const size_t life_test_count;
extern const struct unit_test limit_tests[];
extern const size_t limit_test_count;
extern const struct unit_test silence_tests[];
extern const size_t silence_test_count;
