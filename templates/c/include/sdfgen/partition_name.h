/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partitions by what their table calls them: PARTUUID and PARTLABEL, as in Linux' `root=`. A GPT has a GUID and a label
 * of up to 36 UTF-16 units for each; an MBR has the disk's signature and counts from 1.
 *
 * Freestanding: needs no libc, allocates nothing.
 */
#pragma once

#include <sdfgen/partition.h>

/* "0fc63daf-8483-4772-8e79-3d69d8477de4" or "f1a2b3c4-01", and its end. */
#define PARTITION_UUID_TEXT_BYTES 37u

/*
 * Which entry is meant. `uuid` is in lower case, `label` in UTF-8; NULL is not asked for, and at most one is. Without
 * either it is `index`. Entries beyond PARTITION_MAX are not looked at.
 *
 * PARTITION_OK with *index set, else PARTITION_ERR_MISSING, PARTITION_ERR_AMBIGUOUS, or why there is no table.
 */
enum partition_code partition_find(const struct partition_table *table, const char *uuid, const char *label,
                                   uint32_t *index);
