/* SPDX-License-Identifier: BSD-2-Clause */
#include "device_judge.h"
#include "device_rig.h"

/* What is written over all memory beyond the ring before a request. */
#define UNTOUCHED 0xccu
#define AFTER_RING (HEADER - R0)

/* What memory and disk must hold in the end. */
static uint8_t expected_memory[2][RAM_BYTES];
static uint8_t expected_disk[sizeof(rig.disk.bytes)];
/* The guest-physical address of each byte of the chain's two streams. */
static uint64_t readable[2 * RAM_BYTES];
static uint64_t writable[2 * RAM_BYTES];
static size_t readable_bytes;
static size_t writable_bytes;
static uint64_t status_gpa;

static bool is_end(const struct virtq_desc *desc)
{
    return desc->addr == 0 && desc->len == 0 && desc->flags == 0 && desc->next == 0;
}

static uint32_t count_of(const struct virtq_desc *descs, uint32_t most)
{
    uint32_t count = 0;
    while (count < most && !is_end(&descs[count])) {
        count++;
    }
    return count;
}

/* Streams are cut at what fits; sound chains are shorter, and of others nothing but the start is written. */
static void stream_desc(const struct virtq_desc *desc)
{
    if ((desc->flags & INDIRECT) != 0) {
        return;
    }
    bool writes = (desc->flags & WRITE) != 0;
    uint64_t *stream = writes ? writable : readable;
    size_t *size_bytes = writes ? &writable_bytes : &readable_bytes;
    for (uint64_t i = 0; i < desc->len && *size_bytes < 2 * RAM_BYTES; i++) {
        stream[(*size_bytes)++] = desc->addr + i;
    }
    if (writes && desc->len != 0) {
        status_gpa = desc->addr + desc->len - 1;
    }
}

static void stream_chain(const struct vector *vector)
{
    readable_bytes = 0;
    writable_bytes = 0;
    uint32_t count = count_of(vector->descs, VECTOR_DIRECT);
    bool more = true;
    for (uint32_t i = 0; i < count && more; i++) {
        const struct virtq_desc *desc = &vector->descs[(i + vector->head) % count];
        stream_desc(desc);
        more = (desc->flags & NEXT) != 0;
    }
    for (uint32_t i = 0; i < count_of(vector->table, VECTOR_TABLE); i++) {
        stream_desc(&vector->table[i]);
    }
}

static bool is_range(const struct vector *vector)
{
    return vector->type == VIRTIO_BLK_T_DISCARD || vector->type == VIRTIO_BLK_T_WRITE_ZEROES;
}

/* Byte k of the readable stream: the header, then ranges or a pattern. */
static uint8_t stream_byte(const struct vector *vector, size_t k)
{
    uint8_t header[VIRTIO_BLK_HEADER_BYTES] = { 0 };
    memcpy(header, &vector->type, sizeof(vector->type));
    memcpy(header + 8, &vector->sector, sizeof(vector->sector));
    if (k < sizeof(header)) {
        return header[k];
    }
    const uint8_t *range = (const uint8_t *)&vector->range;
    return is_range(vector) ? range[k % VIRTIO_BLK_RANGE_BYTES] : (uint8_t)(7 * k + k / 512);
}

static void lay_out(const struct vector *vector)
{
    struct driver *driver = &rig.driver;
    memset(rig.low + AFTER_RING, UNTOUCHED, RAM_BYTES - AFTER_RING);
    memset(rig.high, UNTOUCHED, RAM_BYTES);
    for (size_t k = 0; k < readable_bytes; k++) {
        if (driver_has(driver, readable[k])) {
            *driver_at(driver, readable[k]) = stream_byte(vector, k);
        }
    }
    driver_chain(driver, 0, vector->descs, count_of(vector->descs, VECTOR_DIRECT));
    uint32_t last = count_of(vector->descs, VECTOR_DIRECT) - 1;
    uint32_t tabled = count_of(vector->table, VECTOR_TABLE);
    driver_write(driver, vector->descs[last].addr, vector->table, tabled * sizeof(vector->table[0]));
}

static void expect(uint64_t gpa, uint8_t value)
{
    CHECK(driver_has(&rig.driver, gpa));
    expected_memory[(gpa - R0) / RAM_BYTES][(gpa - R0) % RAM_BYTES] = value;
}

static void expect_data(const struct vector *vector)
{
    size_t data_bytes = writable_bytes - 1;
    for (size_t k = 0; k < data_bytes && vector->type == VIRTIO_BLK_T_IN; k++) {
        expect(writable[k], rig.disk.bytes[vector->sector * 512 + k]);
    }
    for (size_t k = 0; k < data_bytes && k < VIRTIO_BLK_ID_BYTES && vector->type == VIRTIO_BLK_T_GET_ID; k++) {
        expect(writable[k], (uint8_t)rig.disk.info.serial_number[k]);
    }
}

static void expect_disk(const struct vector *vector)
{
    for (size_t k = 16; k < readable_bytes && vector->type == VIRTIO_BLK_T_OUT; k++) {
        expected_disk[vector->sector * 512 + k - 16] = stream_byte(vector, k);
    }
    if (vector->type == VIRTIO_BLK_T_WRITE_ZEROES) {
        memset(&expected_disk[vector->range.sector * 512], 0, (size_t)vector->range.sector_count * 512);
    }
}

static void expect_outcome(const struct vector *vector)
{
    memcpy(expected_memory[0], rig.low, RAM_BYTES);
    memcpy(expected_memory[1], rig.high, RAM_BYTES);
    memcpy(expected_disk, rig.disk.bytes, sizeof(expected_disk));
    if (vector->outcome == OK) {
        expect_data(vector);
        expect_disk(vector);
    }
    if (vector->outcome < DROP) {
        expect(status_gpa, (uint8_t)vector->outcome);
    }
}

static void check_used(const struct vector *vector)
{
    struct driver *driver = &rig.driver;
    if (vector->outcome == BROKEN) {
        CHECK(driver_used_count(driver) == 0);
        CHECK(virtio_blk_needs_reset(&rig.device));
        CHECK(rig.config_interrupts == 1 && rig.used_interrupts == 0);
        return;
    }
    CHECK(driver_used_count(driver) == 1);
    CHECK(driver_used_nth(driver, 0).id == vector->head);
    if (driver_used_nth(driver, 0).len != vector->used_len) {
        fprintf(stderr, "%s: used.len %u\n", vector->name, (unsigned int)driver_used_nth(driver, 0).len);
    }
    CHECK(driver_used_nth(driver, 0).len == vector->used_len);
    CHECK(!virtio_blk_needs_reset(&rig.device));
    CHECK(rig.config_interrupts == 0 && rig.used_interrupts == 1);
}

/* The used ring was looked at by itself. */
static void check_memory(void)
{
    memcpy(&expected_memory[0][0x800], &rig.low[0x800], 6 + 8 * 8);
    for (size_t i = 0; i < RAM_BYTES; i++) {
        if (rig.low[i] != expected_memory[0][i] || rig.high[i] != expected_memory[1][i]) {
            fprintf(stderr, "offset %zx: %02x, %02x\n", i, rig.low[i], rig.high[i]);
        }
        CHECK(rig.low[i] == expected_memory[0][i]);
        CHECK(rig.high[i] == expected_memory[1][i]);
    }
}

/* Whatever came before, a well-formed request works; on a broken ring nothing does. */
static void check_next(const struct vector *vector)
{
    const struct virtq_desc descs[] = {
        { HEADER, 16, NEXT, 1 }, { DATA, 512, NEXT_WRITE, 2 }, { STATUS, 1, WRITE, 0 },
    };
    rig_header(HEADER, VIRTIO_BLK_T_IN, 5);
    driver_chain(&rig.driver, 0, descs, 3);
    driver_submit(&rig.driver, 0);
    rig_settle();
    if (vector->outcome == BROKEN) {
        CHECK(driver_used_count(&rig.driver) == 0);
        CHECK(rig.config_interrupts == 1);
        return;
    }
    CHECK(driver_used_count(&rig.driver) == 2);
    CHECK(driver_used_nth(&rig.driver, 1).id == 0 && driver_used_nth(&rig.driver, 1).len == 513);
    CHECK(*driver_at(&rig.driver, STATUS) == VIRTIO_BLK_S_OK);
    CHECK(memcmp(&rig.low[DATA - R0], &rig.disk.bytes[5 * 512], 512) == 0);
}

void judge(const struct vector *vector)
{
    struct rig_options options = rig_usual;
    options.extended = (vector->needs & EXTENDED) != 0;
    options.read_only = (vector->needs & READ_ONLY) != 0;
    options.without |= (vector->needs & NO_INDIRECT) != 0 ? FEATURE(VIRTIO_F_INDIRECT_DESC) : 0;
    rig_start(&options);
    stream_chain(vector);
    lay_out(vector);
    expect_outcome(vector);
    driver_submit(&rig.driver, vector->head);
    memcpy(expected_memory[0], rig.low, AFTER_RING);
    rig_settle();
    check_used(vector);
    check_memory();
    CHECK(memcmp(expected_disk, rig.disk.bytes, sizeof(expected_disk)) == 0);
    check_next(vector);
}
