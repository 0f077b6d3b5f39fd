/* SPDX-License-Identifier: BSD-2-Clause */
/* The GPT's part of the parser, of which partition.c is the rest: the MBR, the steps, the judgement. */
#pragma once

#include <sdfgen/partition.h>

/* Where copies of a GPT lie: the first, and the mirror unless the first says otherwise. */
#define GPT_FIRST_LBA 1u

/* Little-endian numbers at any alignment. */
static inline uint32_t le32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline uint64_t le64(const uint8_t *bytes)
{
    return (uint64_t)le32(bytes) | (uint64_t)le32(bytes + 4) << 32;
}

/* Each takes the block that the step before asked for, or NULL, and asks for the next or ends. */
void partition_gpt_start(struct partition_table *table, uint64_t header_lba);
void partition_gpt_take_header(struct partition_table *table, const uint8_t *block);
void partition_gpt_take_array(struct partition_table *table, const uint8_t *block);
