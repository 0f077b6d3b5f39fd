/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/partition_name.h>

/* A GUID's bytes in the order of its text: three little-endian numbers, then bytes (RFC 4122, UEFI 2.10 appendix A). */
static const uint8_t guid_order[PARTITION_GUID_BYTES] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
/* The bytes of the text that a dash stands before, a bit for each. */
#define GUID_DASHES (1u << 4 | 1u << 6 | 1u << 8 | 1u << 10)

static char *put_hex(char *to, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    to[0] = digits[byte >> 4];
    to[1] = digits[byte & 15];
    return to + 2;
}

static void put_guid(const struct partition_identity *identity, char *to)
{
    for (uint32_t i = 0; i < PARTITION_GUID_BYTES; i++) {
        if ((GUID_DASHES >> i & 1) != 0) {
            *to++ = '-';
        }
        to = put_hex(to, identity->guid[guid_order[i]]);
    }
    *to = '\0';
}

static void put_mbr_uuid(uint32_t signature, uint32_t index, char *to)
{
    for (uint32_t shift = 32; shift > 0; shift -= 8) {
        to = put_hex(to, (uint8_t)(signature >> (shift - 8)));
    }
    *to++ = '-';
    to = put_hex(to, (uint8_t)(index + 1));
    *to = '\0';
}

static bool is_same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static bool has_uuid(const struct partition_table *table, uint32_t index, const char *uuid)
{
    char text[PARTITION_UUID_TEXT_BYTES];
    if (table->is_gpt) {
        put_guid(&table->identities[index], text);
    } else {
        put_mbr_uuid(table->disk_signature, index, text);
    }
    return is_same(text, uuid);
}

/* The character that begins at *unit, which is moved behind it. Half of a pair is no character: 0. */
static uint32_t take_character(const struct partition_identity *identity, uint32_t *unit)
{
    uint32_t first = identity->label[(*unit)++];
    if (first < 0xd800 || first > 0xdfff) {
        return first;
    }
    uint32_t second = *unit < PARTITION_LABEL_UNITS ? identity->label[*unit] : 0;
    if (first > 0xdbff || second < 0xdc00 || second > 0xdfff) {
        return 0;
    }
    (*unit)++;
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

/* Where the text goes on when it begins with that character in UTF-8, else NULL. */
static const char *skip_character(const char *text, uint32_t character)
{
    uint32_t more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = { 0x00, 0xc0, 0xe0, 0xf0 };
    uint8_t wanted = (uint8_t)(leads[more] | character >> 6 * more);
    while ((uint8_t)*text == wanted) {
        text++;
        if (more == 0) {
            return text;
        }
        more--;
        wanted = (uint8_t)(0x80 | (character >> 6 * more & 0x3f));
    }
    return NULL;
}

/* A label ends with its first zero, or fills its field. */
static bool has_label(const struct partition_table *table, uint32_t index, const char *label)
{
    const struct partition_identity *identity = &table->identities[index];
    uint32_t unit = 0;
    while (table->is_gpt && unit < PARTITION_LABEL_UNITS && identity->label[unit] != 0) {
        uint32_t character = take_character(identity, &unit);
        const char *rest = character != 0 ? skip_character(label, character) : NULL;
        if (rest == NULL) {
            return false;
        }
        label = rest;
    }
    return table->is_gpt && *label == '\0';
}

enum partition_code partition_find(const struct partition_table *table, const char *uuid, const char *label,
                                   uint32_t *index)
{
    enum partition_code code = PARTITION_ERR_MISSING;
    if (table->code != PARTITION_OK || (uuid == NULL && label == NULL)) {
        return table->code;
    }
    for (uint32_t i = 0; i < table->count && i < PARTITION_MAX; i++) {
        if (table->extents[i].used && (uuid != NULL ? has_uuid(table, i, uuid) : has_label(table, i, label))) {
            code = code == PARTITION_ERR_MISSING ? PARTITION_OK : PARTITION_ERR_AMBIGUOUS;
            *index = i;
        }
    }
    return code;
}
