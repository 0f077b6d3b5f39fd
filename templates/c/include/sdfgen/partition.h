/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partition tables: which blocks of the disk a partition is. MBR (four primary partitions) and GPT (UEFI 2.10,
 * chapter 5: protective MBR, header and entry array with their CRCs, the mirror at the end of the disk).
 *
 * A disk is somebody else's data. The parser is a state machine without input of its own: it says which block it wants
 * to see next, its owner reads it (asynchronously, from wherever), and hands it a private copy. A block at a time is
 * all the memory it asks for; the CRC of a GPT's array is carried from block to block. Nothing it is handed is believed
 * beyond its checks; every loop is bounded by a constant, and so is the number of blocks it asks for.
 *
 * Freestanding: needs no libc, allocates nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the parser is fed with, and what partitions are counted in. */
#define PARTITION_BLOCK_BYTES 4096u
/* Partitions beyond these can't be given to a client. A GPT may have more entries; they are checked but not kept. */
#define PARTITION_MAX 128u
/* The largest array of entries that is read. UEFI asks for 128 entries of 128 bytes at least, and sets no limit. */
#define PARTITION_MAX_GPT_ENTRIES 1024u
#define PARTITION_MAX_GPT_ENTRY_BYTES 4096u

enum partition_code {
    PARTITION_OK = 0,

    /* The whole table. */
    PARTITION_ERR_NO_TABLE, /* no boot signature, or a boot sector without a table */
    PARTITION_ERR_NO_GPT,   /* a protective MBR, but neither header nor mirror is sound: see gpt_codes */
    PARTITION_ERR_DISK,     /* the disk is too small for a table, or could not be read */

    /* One copy of the GPT (UEFI 2.10, 5.3.2); the other may be sound. */
    PARTITION_ERR_GPT_READ,        /* a block of it could not be read */
    PARTITION_ERR_GPT_SIGNATURE,   /* or a revision other than 1.x */
    PARTITION_ERR_GPT_HEADER_SIZE, /* below 92 bytes, or more than a sector */
    PARTITION_ERR_GPT_HEADER_CRC,
    PARTITION_ERR_GPT_PLACE,       /* says that it lies elsewhere than where it was found */
    PARTITION_ERR_GPT_USABLE,      /* usable sectors beyond the disk, none, or a header among them */
    PARTITION_ERR_GPT_ENTRY_SIZE,  /* not 128 * 2^n, or above PARTITION_MAX_GPT_ENTRY_BYTES */
    PARTITION_ERR_GPT_ENTRY_COUNT, /* none, or more than PARTITION_MAX_GPT_ENTRIES */
    PARTITION_ERR_GPT_ARRAY_PLACE, /* entries beyond the disk, among the usable sectors, or over MBR or headers */
    PARTITION_ERR_GPT_ARRAY_CRC,

    /* One partition; the others are usable. */
    PARTITION_ERR_MISSING,   /* no entry of that index, or an empty one */
    PARTITION_ERR_UNALIGNED, /* does not start on a multiple of 4 KiB */
    PARTITION_ERR_BEYOND,    /* not within the usable sectors (so it could hold the table), or holds no whole block */
    PARTITION_ERR_OVERLAP,   /* shares sectors with an entry of a lower index, be that usable or not */
    PARTITION_ERR_EXTENDED,  /* of an MBR: it holds others' logical partitions, and is nobody's */
    PARTITION_ERR_AMBIGUOUS, /* several are called so */
    PARTITION_ERR_SHARED,    /* it is another client's by another name, and not both only read it */
};

/* A partition, in blocks of 4 KiB. A trailing part of a block belongs to nobody. */
struct partition {
    enum partition_code code; /* where it is not PARTITION_OK, both numbers are 0 */
    uint64_t first_block;
    uint64_t block_count;
};

enum partition_step {
    PARTITION_READ, /* read block `read_block` of the disk and call partition_table_feed */
    PARTITION_DONE, /* partition_of answers */
};

enum partition_stage {
    PARTITION_STAGE_MBR,
    PARTITION_STAGE_GPT_HEADER,
    PARTITION_STAGE_GPT_ARRAY,
    PARTITION_STAGE_DONE,
};

/* What an entry says, not yet judged; last_lba < first_lba: the entry makes no sense. */
struct partition_extent {
    bool used;
    bool extended; /* an MBR's container of logical partitions */
    uint64_t first_lba;
    uint64_t last_lba;
};

#define PARTITION_GUID_BYTES 16u
#define PARTITION_LABEL_UNITS 36u

/* What a GPT calls an entry. */
struct partition_identity {
    uint8_t guid[PARTITION_GUID_BYTES];    /* as it lies on the disk */
    uint16_t label[PARTITION_LABEL_UNITS]; /* UTF-16; ends with a zero where it is shorter */
};

/* One copy of the GPT while it is read; what stands in its header after that was checked. */
struct partition_gpt {
    uint64_t header_lba;
    uint64_t other_lba; /* where it says that the other copy is */
    uint64_t first_usable_lba;
    uint64_t last_usable_lba;
    uint64_t array_byte; /* on the disk, as all that follows */
    uint64_t array_end_byte;
    uint64_t next_entry_byte;
    uint32_t next_entry; /* its index */
    uint32_t entry_bytes;
    uint32_t entry_count;
    uint32_t array_crc;
    uint32_t running_crc;
};

/*
 * The parser's state. Its owner reads the first four and read_block; the rest is the parser's own.
 */
struct partition_table {
    enum partition_code code; /* of the table as a whole */
    bool used_mirror;         /* the first GPT was damaged: worth a message */
    enum partition_code gpt_codes[2]; /* why the first copy, and why the mirror was refused */
    uint32_t count;           /* entries kept, used or not */
    uint64_t read_block;

    enum partition_stage stage;
    uint32_t sector_bytes;
    uint64_t sector_count;
    uint64_t first_usable_lba;
    uint64_t last_usable_lba;
    struct partition_gpt gpt;
    bool is_gpt;             /* whose entries have identities */
    uint32_t disk_signature; /* of an MBR */
    struct partition_extent extents[PARTITION_MAX];
    struct partition_identity identities[PARTITION_MAX];
};

/*
 * Begins. `capacity_blocks` (of 4 KiB), `tail_sectors` behind them (of 512 bytes, 0 to 7, together less than a block)
 * and `sector_bytes` (512 or 4096, the unit of the tables' numbers) describe the disk; none is trusted.
 *
 * With a tail the parser may ask for block `capacity_blocks`, of which the disk has only the beginning: the mirror's
 * header is the disk's last sector. What the disk does not have of it is not looked at.
 */
enum partition_step partition_table_start(struct partition_table *table, uint64_t capacity_blocks,
                                          uint32_t tail_sectors, uint32_t sector_bytes);

/*
 * Goes on with the block that was asked for: PARTITION_BLOCK_BYTES that nobody else can change, or NULL when it could
 * not be read. PARTITION_DONE at once when there is nothing to go on with.
 */
enum partition_step partition_table_feed(struct partition_table *table, const uint8_t *block);

/* One partition, counted from 0. The code is the table's as long as that is not PARTITION_OK and done. */
struct partition partition_of(const struct partition_table *table, uint32_t index);

/* What is wrong, as a phrase without a full stop; never NULL. */
const char *partition_strerror(enum partition_code code);
