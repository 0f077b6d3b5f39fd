/* SPDX-License-Identifier: BSD-2-Clause */
/* CRC-32 as GPT has it (UEFI 2.10, 5.3.1): the reflected polynomial 0x04c11db7, as in Ethernet (ISO 3309). */
#pragma once

#include <stdint.h>

/* Before the first byte. */
#define CRC32_START UINT32_MAX

/* Takes in bytes[from..to): the next ones, in pieces of any size. */
uint32_t crc32_update(uint32_t crc, const uint8_t *bytes, uint32_t from, uint32_t to);

/* After the last byte: what is written into tables. */
static inline uint32_t crc32_finish(uint32_t crc)
{
    return ~crc;
}
