/* SPDX-License-Identifier: BSD-2-Clause */
/* UEFI 2.10, 5.3: the header's fields and what must hold of them. */
#include "crc32.h"
#include "partition_gpt.h"

enum {
    HEADER_SIGNATURE = 0,
    HEADER_REVISION = 8,
    HEADER_SIZE = 12,
    HEADER_CRC = 16,
    HEADER_CRC_END = 20,
    HEADER_MY_LBA = 24,
    HEADER_OTHER_LBA = 32,
    HEADER_FIRST_USABLE_LBA = 40,
    HEADER_LAST_USABLE_LBA = 48,
    HEADER_ENTRIES_LBA = 72,
    HEADER_ENTRY_COUNT = 80,
    HEADER_ENTRY_BYTES = 84,
    HEADER_ARRAY_CRC = 88,
    HEADER_MIN_BYTES = 92,

    ENTRY_TYPE = 0,
    ENTRY_GUID = 16,
    ENTRY_FIRST_LBA = 32,
    ENTRY_LAST_LBA = 40,
    ENTRY_LABEL = 56,
    ENTRY_MIN_BYTES = 128,
};

#define GPT_SIGNATURE UINT64_C(0x5452415020494645) /* "EFI PART" */
#define GPT_REVISION_MAJOR 1u

static void read_next(struct partition_table *table, enum partition_stage stage, uint64_t block)
{
    table->stage = stage;
    table->read_block = block;
}

void partition_gpt_start(struct partition_table *table, uint64_t header_lba)
{
    table->gpt = (struct partition_gpt) { .header_lba = header_lba };
    if (header_lba >= table->sector_count) {
        table->code = PARTITION_ERR_NO_GPT;
        table->stage = PARTITION_STAGE_DONE;
    } else {
        read_next(table, PARTITION_STAGE_GPT_HEADER, header_lba * table->sector_bytes / PARTITION_BLOCK_BYTES);
    }
}

/* Notes why this copy is refused, and goes on with the mirror if this was the first. */
static void refuse(struct partition_table *table, enum partition_code code)
{
    uint64_t mirror_lba = table->gpt.other_lba != 0 ? table->gpt.other_lba : table->sector_count - 1;
    table->gpt_codes[table->used_mirror] = code;
    if (table->used_mirror) {
        table->code = PARTITION_ERR_NO_GPT;
        table->stage = PARTITION_STAGE_DONE;
    } else {
        table->used_mirror = true;
        partition_gpt_start(table, mirror_lba);
    }
}

static uint32_t header_crc(const uint8_t *header, uint32_t header_bytes)
{
    static const uint8_t zeroes[HEADER_CRC_END - HEADER_CRC];
    uint32_t crc = crc32_update(CRC32_START, header, 0, HEADER_CRC);
    crc = crc32_update(crc, zeroes, 0, sizeof(zeroes));
    return crc32_finish(crc32_update(crc, header, HEADER_CRC_END, header_bytes));
}

static bool is_usable(const struct partition_gpt *gpt, uint64_t lba)
{
    return lba >= gpt->first_usable_lba && lba <= gpt->last_usable_lba;
}

static enum partition_code check_usable(const struct partition_table *table)
{
    const struct partition_gpt *gpt = &table->gpt;
    bool sound = gpt->first_usable_lba <= gpt->last_usable_lba && gpt->last_usable_lba < table->sector_count
        && gpt->first_usable_lba > GPT_FIRST_LBA && !is_usable(gpt, gpt->header_lba) && !is_usable(gpt, gpt->other_lba);
    return sound ? PARTITION_OK : PARTITION_ERR_GPT_USABLE;
}

static enum partition_code check_entries(const struct partition_gpt *gpt)
{
    if (gpt->entry_bytes < ENTRY_MIN_BYTES || gpt->entry_bytes > PARTITION_MAX_GPT_ENTRY_BYTES
        || (gpt->entry_bytes & (gpt->entry_bytes - 1)) != 0) {
        return PARTITION_ERR_GPT_ENTRY_SIZE;
    }
    bool sound = gpt->entry_count != 0 && gpt->entry_count <= PARTITION_MAX_GPT_ENTRIES;
    return sound ? PARTITION_OK : PARTITION_ERR_GPT_ENTRY_COUNT;
}

/* `entries_lba` bounded first: the byte offsets that follow from it fit. */
static enum partition_code place_array(struct partition_table *table, uint64_t entries_lba)
{
    struct partition_gpt *gpt = &table->gpt;
    uint64_t array_bytes = (uint64_t)gpt->entry_count * gpt->entry_bytes;
    uint64_t sectors = (array_bytes + table->sector_bytes - 1) / table->sector_bytes;
    if (sectors > table->sector_count || entries_lba > table->sector_count - sectors) {
        return PARTITION_ERR_GPT_ARRAY_PLACE;
    }
    uint64_t last_lba = entries_lba + sectors - 1;
    bool over_usable = entries_lba <= gpt->last_usable_lba && gpt->first_usable_lba <= last_lba;
    bool over_header = entries_lba <= gpt->header_lba && gpt->header_lba <= last_lba;
    if (over_usable || over_header || entries_lba <= GPT_FIRST_LBA) {
        return PARTITION_ERR_GPT_ARRAY_PLACE;
    }
    gpt->array_byte = entries_lba * table->sector_bytes;
    gpt->array_end_byte = gpt->array_byte + array_bytes;
    gpt->next_entry_byte = gpt->array_byte;
    return PARTITION_OK;
}

static enum partition_code check_frame(const struct partition_table *table, const uint8_t *header)
{
    uint32_t header_bytes = le32(header + HEADER_SIZE);
    if (le64(header + HEADER_SIGNATURE) != GPT_SIGNATURE
        || le32(header + HEADER_REVISION) >> 16 != GPT_REVISION_MAJOR) {
        return PARTITION_ERR_GPT_SIGNATURE;
    }
    if (header_bytes < HEADER_MIN_BYTES || header_bytes > table->sector_bytes) {
        return PARTITION_ERR_GPT_HEADER_SIZE;
    }
    if (header_crc(header, header_bytes) != le32(header + HEADER_CRC)) {
        return PARTITION_ERR_GPT_HEADER_CRC;
    }
    return le64(header + HEADER_MY_LBA) == table->gpt.header_lba ? PARTITION_OK : PARTITION_ERR_GPT_PLACE;
}

static enum partition_code take_fields(struct partition_table *table, const uint8_t *header)
{
    struct partition_gpt *gpt = &table->gpt;
    gpt->other_lba = le64(header + HEADER_OTHER_LBA);
    gpt->first_usable_lba = le64(header + HEADER_FIRST_USABLE_LBA);
    gpt->last_usable_lba = le64(header + HEADER_LAST_USABLE_LBA);
    gpt->entry_count = le32(header + HEADER_ENTRY_COUNT);
    gpt->entry_bytes = le32(header + HEADER_ENTRY_BYTES);
    gpt->array_crc = le32(header + HEADER_ARRAY_CRC);
    gpt->running_crc = CRC32_START;
    enum partition_code code = check_usable(table);
    code = code == PARTITION_OK ? check_entries(gpt) : code;
    return code == PARTITION_OK ? place_array(table, le64(header + HEADER_ENTRIES_LBA)) : code;
}

void partition_gpt_take_header(struct partition_table *table, const uint8_t *block)
{
    enum partition_code code = PARTITION_ERR_GPT_READ;
    if (block != NULL) {
        const uint8_t *header = block + table->gpt.header_lba * table->sector_bytes % PARTITION_BLOCK_BYTES;
        code = check_frame(table, header);
        code = code == PARTITION_OK ? take_fields(table, header) : code;
    }
    if (code != PARTITION_OK) {
        refuse(table, code);
    } else {
        read_next(table, PARTITION_STAGE_GPT_ARRAY, table->gpt.array_byte / PARTITION_BLOCK_BYTES);
    }
}

static void take_identity(struct partition_identity *identity, const uint8_t *entry)
{
    const uint8_t *label = entry + ENTRY_LABEL;
    for (uint32_t i = 0; i < PARTITION_GUID_BYTES; i++) {
        identity->guid[i] = entry[ENTRY_GUID + i];
    }
    for (uint32_t i = 0; i < PARTITION_LABEL_UNITS; i++) {
        identity->label[i] = (uint16_t)(label[2 * i] | label[2 * i + 1] << 8);
    }
}

static void take_entry(struct partition_table *table, uint32_t index, const uint8_t *entry)
{
    if (index < PARTITION_MAX) {
        table->extents[index] = (struct partition_extent) {
            .used = (le64(entry + ENTRY_TYPE) | le64(entry + ENTRY_TYPE + 8)) != 0,
            .first_lba = le64(entry + ENTRY_FIRST_LBA),
            .last_lba = le64(entry + ENTRY_LAST_LBA),
        };
        take_identity(&table->identities[index], entry);
    }
}

/*
 * The entries that begin in this block, before `to`. One that is larger than a sector may go on in the next block, but
 * what is looked at of it does not: its first 128 bytes, 128-aligned.
 */
static void take_entries(struct partition_table *table, const uint8_t *block, uint32_t to)
{
    struct partition_gpt *gpt = &table->gpt;
    uint64_t at = gpt->next_entry_byte - table->read_block * PARTITION_BLOCK_BYTES;
    while (to >= ENTRY_MIN_BYTES && at <= to - ENTRY_MIN_BYTES) {
        take_entry(table, gpt->next_entry, block + at);
        gpt->next_entry++;
        at += gpt->entry_bytes;
    }
    gpt->next_entry_byte = at + table->read_block * PARTITION_BLOCK_BYTES;
}

/* All entries were seen. */
static void finish_array(struct partition_table *table)
{
    const struct partition_gpt *gpt = &table->gpt;
    if (crc32_finish(gpt->running_crc) != gpt->array_crc) {
        refuse(table, PARTITION_ERR_GPT_ARRAY_CRC);
        return;
    }
    table->count = gpt->entry_count < PARTITION_MAX ? gpt->entry_count : PARTITION_MAX;
    table->first_usable_lba = gpt->first_usable_lba;
    table->last_usable_lba = gpt->last_usable_lba;
    table->is_gpt = true;
    table->code = PARTITION_OK;
    table->stage = PARTITION_STAGE_DONE;
}

void partition_gpt_take_array(struct partition_table *table, const uint8_t *block)
{
    struct partition_gpt *gpt = &table->gpt;
    uint64_t block_byte = table->read_block * PARTITION_BLOCK_BYTES;
    uint64_t end = gpt->array_end_byte - block_byte;
    uint32_t from = block_byte < gpt->array_byte ? (uint32_t)(gpt->array_byte - block_byte) : 0;
    uint32_t to = end < PARTITION_BLOCK_BYTES ? (uint32_t)end : PARTITION_BLOCK_BYTES;
    if (block == NULL) {
        refuse(table, PARTITION_ERR_GPT_READ);
        return;
    }
    gpt->running_crc = crc32_update(gpt->running_crc, block, from, to);
    take_entries(table, block, to);
    if (end <= PARTITION_BLOCK_BYTES) {
        finish_array(table);
    } else {
        table->read_block++;
    }
}
