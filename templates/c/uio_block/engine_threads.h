/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine of a few threads with plain calls, which any kernel can. */
#pragma once

#include "block_engine.h"

extern const struct block_engine_kind block_engine_threads;

/* The same with so many threads: another engine may have one beside it, for calls that it can't make itself. */
struct block_engine *block_engine_threads_open(const struct block_disk *disk, uint32_t thread_count);
