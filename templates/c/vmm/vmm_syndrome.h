/* SPDX-License-Identifier: BSD-2-Clause */
/* Of a fault's syndrome (Arm ARM, ESR_ELx), what more than one file looks at. */
#pragma once

#include <stdint.h>

/* The number of the exception's class. */
#define VMM_EXCEPTION_CLASS_SHIFT 26u

/* Of a data abort: the rest says what the instruction does. */
#define VMM_ISS_VALID (UINT64_C(1) << 24)
#define VMM_ISS_SIZE_SHIFT 22u /* log2 of the width */
#define VMM_ISS_SIZE_MASK 3u
#define VMM_ISS_REGISTER_SHIFT 16u
#define VMM_ISS_REGISTER_MASK 31u
#define VMM_ZERO_REGISTER 31u
