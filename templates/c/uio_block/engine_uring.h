/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine on io_uring: open() fails where the kernel has none, or refuses it. */
#pragma once

#include "block_engine.h"

extern const struct block_engine_kind block_engine_uring;
