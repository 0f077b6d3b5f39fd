/* SPDX-License-Identifier: BSD-2-Clause */
/* The storage info page (struct sdfgen_block_storage), by which the virtualiser knows that there is a disk. */
#pragma once

#include <stdbool.h>

#include <sdfgen/sddf_blk.h>

#include "block_disk.h"

/* Says that there is no disk (yet, or any more). True when it said that there was one. */
bool block_info_withdraw(volatile struct sddf_blk_storage_info *info);

/*
 * Begins anew with empty queues, and says so: what was put there before, taken or not, is the virtualiser's to put once
 * more. Nothing that an earlier driver did may still be under way.
 */
void block_info_start(volatile struct sddf_blk_storage_info *info, volatile struct sddf_blk_request_queue *requests,
                      volatile struct sddf_blk_response_queue *responses, uint32_t queue_capacity);

/* Fills it in and sets `ready` last, with release. */
void block_info_publish(volatile struct sddf_blk_storage_info *info, const struct block_disk *disk,
                        uint32_t queue_depth);
