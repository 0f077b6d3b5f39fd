/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partition tables, whatever stands on the disk. First byte: sector size, whether CRCs are always right, and which
 * block cannot be read; then two bytes of capacity in blocks, whose highest three bits are also the sectors behind the
 * last of them; the rest: the disk's first blocks. The last blocks of the disk are the input's last ones, so that a
 * mirror is there; all between is zero, and so is what the disk does not have of its last block.
 *
 * The CRC is not the real one (that is test_partition.py's): it is 0 when all are to be right, so that mutations get
 * past it, and otherwise made of the first and the last byte. These two it reads, and so finds a range that is too
 * large.
 *
 * The input's last bytes are also a name that is looked for.
 *
 * What is handed out must be whole blocks of the disk behind the table's first, and nobody else's.
 */
#include <string.h>

#include <sdfgen/partition_name.h>

#include "../../../templates/c/block_virt/crc32.h"
#include "fuzz_input.h"

#define BLOCK PARTITION_BLOCK_BYTES
#define MAX_INPUT_BLOCKS 8u
#define HEADER_BYTES 3u
#define MAX_READS (3u + 2u * (PARTITION_MAX_GPT_ENTRIES * PARTITION_MAX_GPT_ENTRY_BYTES / BLOCK + 1u))

enum {
    SECTORS_4096 = 1,
    CRC_RIGHT = 2,
    SOME_UNREADABLE = 4,
    UNREADABLE_SHIFT = 4,
};

struct disk {
    const uint8_t *bytes;
    size_t size;
    uint64_t capacity_blocks;
    uint32_t tail_sectors;
    uint8_t flags;
};

static struct partition_table table;
static bool crc_right;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

uint32_t crc32_update(uint32_t crc, const uint8_t *bytes, uint32_t from, uint32_t to)
{
    uint8_t last = from < to ? bytes[from] ^ bytes[to - 1] : 0;
    return crc_right ? CRC32_START : crc ^ last;
}

/* What the disk has of a block behind its whole ones. */
static uint32_t tail_bytes(const struct disk *disk)
{
    return (disk->flags & SECTORS_4096) != 0 ? 0 : disk->tail_sectors * 512;
}

/* A private copy, in a global of just that size: a read beyond it is found. */
static const uint8_t *read_block(const struct disk *disk, uint64_t block)
{
    static const uint8_t zeroes[BLOCK];
    static uint8_t copy[BLOCK];
    uint64_t input_blocks = (disk->size + BLOCK - 1) / BLOCK;
    uint64_t last_block = disk->capacity_blocks - (tail_bytes(disk) == 0);
    uint64_t from_end = last_block - block;
    uint64_t index = block < input_blocks || from_end >= input_blocks ? block : input_blocks - 1 - from_end;
    REQUIRE(block <= last_block);
    if ((disk->flags & SOME_UNREADABLE) != 0 && block == (uint64_t)(disk->flags >> UNREADABLE_SHIFT)) {
        return NULL;
    }
    if (index >= input_blocks) {
        return zeroes;
    }
    size_t left = disk->size - index * BLOCK;
    size_t size = left < BLOCK ? left : BLOCK;
    memcpy(copy, disk->bytes + index * BLOCK, size);
    memset(copy + size, 0, BLOCK - size);
    if (block == disk->capacity_blocks) {
        memset(copy + tail_bytes(disk), 0, BLOCK - tail_bytes(disk));
    }
    return copy;
}

static void parse(const struct disk *disk)
{
    uint32_t sector_bytes = (disk->flags & SECTORS_4096) != 0 ? 4096 : 512;
    uint32_t reads = 0;
    enum partition_step step = partition_table_start(&table, disk->capacity_blocks, disk->tail_sectors, sector_bytes);
    while (step == PARTITION_READ) {
        REQUIRE(reads++ < MAX_READS);
        step = partition_table_feed(&table, read_block(disk, table.read_block));
    }
}

static void check_against_earlier(const struct partition *partition, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        struct partition earlier = partition_of(&table, i);
        REQUIRE(earlier.code != PARTITION_OK || earlier.first_block + earlier.block_count <= partition->first_block
                || partition->first_block + partition->block_count <= earlier.first_block);
    }
}

static void check_partitions(const struct disk *disk)
{
    for (uint32_t i = 0; i <= PARTITION_MAX; i++) {
        struct partition partition = partition_of(&table, i);
        if (partition.code == PARTITION_OK) {
            REQUIRE(partition.first_block != 0 && partition.block_count != 0);
            REQUIRE(partition.block_count <= disk->capacity_blocks);
            REQUIRE(partition.first_block <= disk->capacity_blocks - partition.block_count);
            check_against_earlier(&partition, i);
        } else {
            REQUIRE(partition.first_block == 0 && partition.block_count == 0);
        }
    }
}

static void check_found(const char *uuid, const char *label)
{
    uint32_t index = UINT32_MAX;
    enum partition_code code = partition_find(&table, uuid, label, &index);
    REQUIRE(code != PARTITION_OK || (index < table.count && table.extents[index].used));
    REQUIRE(code != PARTITION_ERR_AMBIGUOUS || table.count > 1);
}

static void find(const struct disk *disk)
{
    static char text[PARTITION_UUID_TEXT_BYTES];
    size_t size = disk->size < sizeof(text) - 1 ? disk->size : sizeof(text) - 1;
    memcpy(text, disk->bytes + disk->size - size, size);
    text[size] = '\0';
    check_found(text, NULL);
    check_found(NULL, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEADER_BYTES || size > HEADER_BYTES + MAX_INPUT_BLOCKS * BLOCK) {
        return -1;
    }
    struct disk disk = {
        .bytes = data + HEADER_BYTES,
        .size = size - HEADER_BYTES,
        .capacity_blocks = (uint64_t)data[1] | (uint64_t)data[2] << 8,
        .tail_sectors = data[2] >> 5,
        .flags = data[0],
    };
    crc_right = (disk.flags & CRC_RIGHT) != 0;
    parse(&disk);
    check_partitions(&disk);
    find(&disk);
    return 0;
}
