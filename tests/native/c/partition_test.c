/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partition parser on images of disks, which test_partition.py makes.
 *
 *     partition_test IMAGE SECTOR_BYTES [UNREADABLE_BLOCK]
 *     partition_test IMAGE SECTOR_BYTES PARTUUID=TEXT | PARTLABEL=TEXT
 *
 * Prints the table's code, whether the mirror was used, the codes of both copies of the GPT and how many blocks were
 * read, then "index code first_block block_count" for each entry that is not missing. With a name: its code and index.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sdfgen/partition_name.h>

/* MBR, two headers, and the largest array twice with a block's part at its end. */
#define MAX_READS (3 + 2 * (PARTITION_MAX_GPT_ENTRIES * PARTITION_MAX_GPT_ENTRY_BYTES / PARTITION_BLOCK_BYTES + 1))

#define SECTOR_BYTES 512u
#define SECTORS_PER_BLOCK (PARTITION_BLOCK_BYTES / SECTOR_BYTES)

static struct partition_table table;

static void fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(2);
}

static uint64_t size_in_sectors(FILE *image)
{
    if (fseek(image, 0, SEEK_END) != 0) {
        fail("seek");
    }
    return (uint64_t)ftell(image) / SECTOR_BYTES;
}

/* A heap block, so that a read beyond it is found; the last one may be there in part. */
static uint8_t *read_block(FILE *image, uint64_t block, uint64_t sectors)
{
    uint64_t left = sectors * SECTOR_BYTES - block * PARTITION_BLOCK_BYTES;
    size_t size_bytes = left < PARTITION_BLOCK_BYTES ? (size_t)left : PARTITION_BLOCK_BYTES;
    uint8_t *bytes = calloc(1, PARTITION_BLOCK_BYTES);
    if (bytes == NULL || block > sectors / SECTORS_PER_BLOCK || size_bytes == 0
        || fseek(image, (long)(block * PARTITION_BLOCK_BYTES), SEEK_SET) != 0
        || fread(bytes, 1, size_bytes, image) != size_bytes) {
        fail("read");
    }
    return bytes;
}

static uint32_t parse(FILE *image, uint32_t sector_bytes, uint64_t unreadable)
{
    uint32_t reads = 0;
    uint64_t sectors = size_in_sectors(image);
    uint32_t tail = (uint32_t)(sectors % SECTORS_PER_BLOCK);
    enum partition_step step = partition_table_start(&table, sectors / SECTORS_PER_BLOCK, tail, sector_bytes);
    while (step == PARTITION_READ && reads < MAX_READS) {
        uint8_t *bytes = table.read_block == unreadable ? NULL : read_block(image, table.read_block, sectors);
        reads++;
        step = partition_table_feed(&table, bytes);
        free(bytes);
    }
    if (step != PARTITION_DONE || partition_table_feed(&table, NULL) != PARTITION_DONE) {
        fail("not done");
    }
    return reads;
}

static void print_partitions(void)
{
    for (uint32_t i = 0; i <= PARTITION_MAX; i++) {
        struct partition partition = partition_of(&table, i);
        if (partition.code != PARTITION_ERR_MISSING) {
            printf("%d %d %" PRIu64 " %" PRIu64 "\n", (int)i, (int)partition.code, partition.first_block,
                   partition.block_count);
        }
    }
}

/* The text behind the name's kind, or NULL. */
static const char *after(const char *kind, const char *argument)
{
    size_t length = strlen(kind);
    return argument != NULL && strncmp(argument, kind, length) == 0 ? argument + length : NULL;
}

static void print_found(const char *uuid, const char *label)
{
    uint32_t index = 0;
    enum partition_code code = partition_find(&table, uuid, label, &index);
    printf("%d %u\n", (int)code, (unsigned int)index);
}

static int print_texts(void)
{
    for (int code = 0; code <= PARTITION_ERR_SHARED + 1; code++) {
        puts(partition_strerror((enum partition_code)code));
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "texts") == 0) {
        return print_texts();
    }
    if (argc < 3) {
        return 2;
    }
    FILE *image = fopen(argv[1], "rb");
    if (image == NULL) {
        fail(argv[1]);
    }
    const char *uuid = after("PARTUUID=", argv[3]);
    const char *label = after("PARTLABEL=", argv[3]);
    bool named = uuid != NULL || label != NULL;
    uint64_t unreadable = argc > 3 && !named ? strtoull(argv[3], NULL, 10) : UINT64_MAX;
    uint32_t reads = parse(image, (uint32_t)strtoul(argv[2], NULL, 10), unreadable);
    if (named) {
        print_found(uuid, label);
        return fclose(image);
    }
    printf("%d %d %d %d %u\n", (int)table.code, table.used_mirror ? 1 : 0, (int)table.gpt_codes[0],
           (int)table.gpt_codes[1], (unsigned int)reads);
    if (table.code == PARTITION_OK) {
        print_partitions();
    }
    return fclose(image);
}
