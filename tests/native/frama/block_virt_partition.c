/* SPDX-License-Identifier: BSD-2-Clause */
/* The partition parser on a disk of any size whose blocks say anything, or cannot be read, for both sector sizes. */
#include <sdfgen/partition_name.h>

#include "any.h"

static struct partition_table table;
static volatile uint8_t disk[PARTITION_BLOCK_BYTES];
static uint8_t block[PARTITION_BLOCK_BYTES];

static const uint8_t *any_block(void)
{
    for (uint32_t i = 0; i < PARTITION_BLOCK_BYTES; i++) {
        block[i] = disk[0];
    }
    return any_bool() ? block : NULL;
}

/* Any text. */
static void find(bool by_uuid)
{
    static char text[PARTITION_UUID_TEXT_BYTES];
    uint32_t index = any_u32();
    for (uint32_t i = 0; i < PARTITION_UUID_TEXT_BYTES - 1; i++) {
        text[i] = (char)disk[0];
    }
    enum partition_code code = partition_find(&table, by_uuid ? text : NULL, by_uuid ? NULL : text, &index);
    if (code == PARTITION_OK) {
        (void)partition_of(&table, index);
    }
}

static void parse(uint32_t sector_bytes)
{
    enum partition_step step = partition_table_start(&table, any_u64(), any_u32(), sector_bytes);
    while (step == PARTITION_READ && any_bool()) {
        step = partition_table_feed(&table, any_block());
    }
    (void)partition_of(&table, any_u32());
    find(any_bool());
    (void)partition_strerror((enum partition_code)any_u32());
}

int main(void)
{
    parse(512);
    parse(PARTITION_BLOCK_BYTES);
    (void)partition_table_start(&table, any_u64(), any_u32(), any_u32());
    return 0;
}
