/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of guest memory and of the ring: tables of named tests, a file each. */
#pragma once

#include "unit.h"

extern const struct unit_test memory_tests[];
extern const size_t memory_test_count;
extern const struct unit_test ring_tests[];
extern const size_t ring_test_count;
extern const struct unit_test kick_tests[];
extern const size_t kick_test_count;
