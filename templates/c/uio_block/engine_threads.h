/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine of a few threads with plain calls, which any kernel can. */
#pragma once

#include "block_engine.h"

extern const struct block_engine_kind block_engine_threads;
