/* SPDX-License-Identifier: BSD-2-Clause */
/* Of a fault's syndrome (Arm ARM, ESR_ELx), what more than one file looks at. */
#pragma once

#include <stdint.h>

/* The number of the exception's class. */
#define VMM_EXCEPTION_CLASS_SHIFT 26u
/* Of a data abort: the rest says what the instruction does. */
#define VMM_ISS_VALID (UINT64_C(1) << 24)
