/* SPDX-License-Identifier: BSD-2-Clause */
#include "partition_gpt.h"

/* UEFI 2.10, 5.2.1. */
enum {
    MBR_DISK_SIGNATURE = 440,
    MBR_ENTRIES = 446,
    MBR_ENTRY_BYTES = 16,
    MBR_ENTRY_COUNT = 4,
    MBR_ENTRY_STATUS = 0,
    MBR_ENTRY_TYPE = 4,
    MBR_ENTRY_LBA = 8,
    MBR_ENTRY_SECTORS = 12,
    MBR_SIGNATURE = 510,
    MBR_TYPE_EMPTY = 0,
    MBR_TYPE_EXTENDED_CHS = 0x05,
    MBR_TYPE_EXTENDED_LBA = 0x0f,
    MBR_TYPE_EXTENDED_LINUX = 0x85,
    MBR_TYPE_PROTECTIVE = 0xee,
    MBR_STATUS_ACTIVE = 0x80,
};

#define SECTORS_PER_BLOCK 8u
/* A byte offset anywhere on the disk fits 64 bits, in a block that is not whole, too. */
#define MAX_CAPACITY_BLOCKS (UINT64_MAX / PARTITION_BLOCK_BYTES - 1)

static const uint8_t *mbr_entry(const uint8_t *block, uint32_t index)
{
    return block + MBR_ENTRIES + index * MBR_ENTRY_BYTES;
}

/* A file system's boot sector has the signature too, but no such bytes where the entries begin. */
static bool is_mbr(const uint8_t *block)
{
    bool sound = block[MBR_SIGNATURE] == 0x55 && block[MBR_SIGNATURE + 1] == 0xaa;
    for (uint32_t i = 0; i < MBR_ENTRY_COUNT && sound; i++) {
        uint8_t status = mbr_entry(block, i)[MBR_ENTRY_STATUS];
        sound = status == 0 || status == MBR_STATUS_ACTIVE;
    }
    return sound;
}

/* UEFI 2.10, 5.2.3: the entry that protects a GPT begins with its header. */
static bool is_protective(const uint8_t *block)
{
    bool found = false;
    for (uint32_t i = 0; i < MBR_ENTRY_COUNT; i++) {
        const uint8_t *entry = mbr_entry(block, i);
        found |= entry[MBR_ENTRY_TYPE] == MBR_TYPE_PROTECTIVE && le32(entry + MBR_ENTRY_LBA) == GPT_FIRST_LBA;
    }
    return found;
}

static void finish(struct partition_table *table, enum partition_code code)
{
    table->code = code;
    table->stage = PARTITION_STAGE_DONE;
}

static bool is_extended(uint8_t type)
{
    return type == MBR_TYPE_EXTENDED_CHS || type == MBR_TYPE_EXTENDED_LBA || type == MBR_TYPE_EXTENDED_LINUX;
}

static void take_mbr_entries(struct partition_table *table, const uint8_t *block)
{
    for (uint32_t i = 0; i < MBR_ENTRY_COUNT; i++) {
        const uint8_t *entry = mbr_entry(block, i);
        struct partition_extent *extent = &table->extents[i];
        uint32_t sectors = le32(entry + MBR_ENTRY_SECTORS);
        extent->used = entry[MBR_ENTRY_TYPE] != MBR_TYPE_EMPTY && sectors != 0;
        extent->extended = is_extended(entry[MBR_ENTRY_TYPE]);
        extent->first_lba = le32(entry + MBR_ENTRY_LBA);
        extent->last_lba = extent->first_lba + sectors - 1;
    }
    table->count = MBR_ENTRY_COUNT;
    table->disk_signature = le32(block + MBR_DISK_SIGNATURE);
    table->first_usable_lba = 1; /* behind the table itself */
    table->last_usable_lba = table->sector_count - 1;
    finish(table, PARTITION_OK);
}

static void take_mbr(struct partition_table *table, const uint8_t *block)
{
    if (block == NULL) {
        finish(table, PARTITION_ERR_DISK);
    } else if (!is_mbr(block)) {
        finish(table, PARTITION_ERR_NO_TABLE);
    } else if (is_protective(block)) {
        partition_gpt_start(table, GPT_FIRST_LBA);
    } else {
        take_mbr_entries(table, block);
    }
}

static enum partition_step next_step(const struct partition_table *table)
{
    return table->stage == PARTITION_STAGE_DONE ? PARTITION_DONE : PARTITION_READ;
}

static void reset(struct partition_table *table, uint32_t sector_bytes)
{
    table->code = PARTITION_ERR_DISK;
    table->used_mirror = false;
    table->gpt_codes[0] = PARTITION_OK;
    table->gpt_codes[1] = PARTITION_OK;
    table->count = 0;
    table->read_block = 0;
    table->stage = PARTITION_STAGE_DONE;
    table->sector_bytes = sector_bytes == 512 ? sector_bytes : PARTITION_BLOCK_BYTES;
    table->sector_count = 0;
    table->first_usable_lba = 0;
    table->last_usable_lba = 0;
    table->gpt = (struct partition_gpt) { .header_lba = 0 };
    table->is_gpt = false;
    table->disk_signature = 0;
    for (uint32_t i = 0; i < PARTITION_MAX; i++) {
        table->extents[i] = (struct partition_extent) { .used = false };
    }
}

enum partition_step partition_table_start(struct partition_table *table, uint64_t capacity_blocks,
                                          uint32_t tail_sectors, uint32_t sector_bytes)
{
    bool small = sector_bytes == 512;
    uint32_t tail = tail_sectors < SECTORS_PER_BLOCK ? tail_sectors : 0;
    reset(table, sector_bytes);
    if ((small || sector_bytes == PARTITION_BLOCK_BYTES) && capacity_blocks != 0
        && capacity_blocks <= MAX_CAPACITY_BLOCKS) {
        table->sector_count = small ? capacity_blocks * SECTORS_PER_BLOCK + tail : capacity_blocks;
        table->stage = PARTITION_STAGE_MBR;
    }
    return next_step(table);
}

enum partition_step partition_table_feed(struct partition_table *table, const uint8_t *block)
{
    switch (table->stage) {
    case PARTITION_STAGE_MBR:
        take_mbr(table, block);
        break;
    case PARTITION_STAGE_GPT_HEADER:
        partition_gpt_take_header(table, block);
        break;
    case PARTITION_STAGE_GPT_ARRAY:
        partition_gpt_take_array(table, block);
        break;
    case PARTITION_STAGE_DONE:
        break;
    }
    return next_step(table);
}

static bool is_inside(const struct partition_table *table, const struct partition_extent *extent)
{
    return extent->first_lba <= extent->last_lba && extent->first_lba >= table->first_usable_lba
        && extent->last_lba <= table->last_usable_lba;
}

static bool overlaps_earlier(const struct partition_table *table, uint32_t index)
{
    const struct partition_extent *extent = &table->extents[index];
    for (uint32_t i = 0; i < index; i++) {
        const struct partition_extent *earlier = &table->extents[i];
        if (earlier->used && extent->first_lba <= earlier->last_lba && earlier->first_lba <= extent->last_lba) {
            return true;
        }
    }
    return false;
}

static struct partition refused(enum partition_code code)
{
    return (struct partition) { .code = code };
}

struct partition partition_of(const struct partition_table *table, uint32_t index)
{
    uint32_t sectors_per_block = table->sector_bytes == 512 ? SECTORS_PER_BLOCK : 1;
    if (table->code != PARTITION_OK) {
        return refused(table->code);
    }
    if (index >= PARTITION_MAX || index >= table->count || !table->extents[index].used) {
        return refused(PARTITION_ERR_MISSING);
    }
    const struct partition_extent *extent = &table->extents[index];
    if (extent->extended) {
        return refused(PARTITION_ERR_EXTENDED);
    }
    if (!is_inside(table, extent)) {
        return refused(PARTITION_ERR_BEYOND);
    }
    if (overlaps_earlier(table, index)) {
        return refused(PARTITION_ERR_OVERLAP);
    }
    if (extent->first_lba % sectors_per_block != 0) {
        return refused(PARTITION_ERR_UNALIGNED);
    }
    uint64_t block_count = (extent->last_lba - extent->first_lba + 1) / sectors_per_block;
    return (struct partition) {
        .code = block_count != 0 ? PARTITION_OK : PARTITION_ERR_BEYOND,
        .first_block = block_count != 0 ? extent->first_lba / sectors_per_block : 0,
        .block_count = block_count,
    };
}

const char *partition_strerror(enum partition_code code)
{
    static const char *const texts[] = {
        [PARTITION_OK] = "sound",
        [PARTITION_ERR_NO_TABLE] = "the disk has no partition table",
        [PARTITION_ERR_NO_GPT] = "neither the GPT nor its mirror is sound",
        [PARTITION_ERR_DISK] = "the disk is too small for a partition table or could not be read",
        [PARTITION_ERR_GPT_READ] = "the GPT could not be read",
        [PARTITION_ERR_GPT_SIGNATURE] = "no GPT of revision 1 begins there",
        [PARTITION_ERR_GPT_HEADER_SIZE] = "the GPT header's size is below 92 bytes or above a sector",
        [PARTITION_ERR_GPT_HEADER_CRC] = "the GPT header's CRC differs",
        [PARTITION_ERR_GPT_PLACE] = "the GPT header says that it lies elsewhere",
        [PARTITION_ERR_GPT_USABLE] = "the GPT's usable sectors are none, beyond the disk or over a header",
        [PARTITION_ERR_GPT_ENTRY_SIZE] = "the GPT's entries have a size that is not 128, 256, ... 4096 bytes",
        [PARTITION_ERR_GPT_ENTRY_COUNT] = "the GPT has no entries or more than 1024",
        [PARTITION_ERR_GPT_ARRAY_PLACE] = "the GPT's entries lie beyond the disk or where they must not",
        [PARTITION_ERR_GPT_ARRAY_CRC] = "the CRC of the GPT's entries differs",
        [PARTITION_ERR_MISSING] = "there is no such partition",
        [PARTITION_ERR_UNALIGNED] = "the partition does not start on a multiple of 4 KiB",
        [PARTITION_ERR_BEYOND] = "the partition holds no whole block of the usable disk or reaches beyond it",
        [PARTITION_ERR_OVERLAP] = "the partition overlaps an earlier one",
        [PARTITION_ERR_EXTENDED] = "the partition is an extended one: it holds logical partitions, not data",
        [PARTITION_ERR_AMBIGUOUS] = "several partitions are called so",
        [PARTITION_ERR_SHARED] = "the partition is another client's too, and not both only read it",
    };
    return (unsigned int)code < sizeof(texts) / sizeof(texts[0]) ? texts[code] : "unknown code";
}
