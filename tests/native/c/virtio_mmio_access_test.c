/* SPDX-License-Identifier: BSD-2-Clause */
/* Which accesses reach which register, and the queue registers, over a device that takes notes. */
#include "virtio_mmio_mock.h"

static void the_device_says_what_it_is(void)
{
    setup();
    CHECK(get(VIRTIO_MMIO_MAGIC_VALUE) == 0x74726976);
    CHECK(get(VIRTIO_MMIO_VERSION) == 2);
    CHECK(get(VIRTIO_MMIO_DEVICE_ID) == DEVICE_ID);
    CHECK(get(VIRTIO_MMIO_VENDOR_ID) == VIRTIO_MMIO_VENDOR);
    CHECK(get(VIRTIO_MMIO_STATUS) == 0);
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == 0);
    CHECK(get(VIRTIO_MMIO_CONFIG_GENERATION) == 7);
    notes.generation = 8;
    CHECK(get(VIRTIO_MMIO_CONFIG_GENERATION) == 8);
}

static void shared_memory_does_not_exist(void)
{
    setup();
    for (uint32_t id = 0; id < 3; id++) {
        set(0x0ac, id);
        CHECK(get(VIRTIO_MMIO_SHM_LEN_LOW) == UINT32_MAX && get(VIRTIO_MMIO_SHM_LEN_HIGH) == UINT32_MAX);
        CHECK(get(VIRTIO_MMIO_SHM_BASE_LOW) == UINT32_MAX && get(VIRTIO_MMIO_SHM_BASE_HIGH) == UINT32_MAX);
    }
}

static void registers_take_32_bits_only(void)
{
    run();
    const struct virtio_mmio before = mmio;
    const struct notes noted = notes;
    const uint32_t widths[] = { 0, 1, 2, 3, 8, 16, UINT32_MAX };
    for (uint64_t offset = 0; offset < VIRTIO_MMIO_CONFIG; offset++) {
        for (uint32_t i = 0; i < 7; i++) {
            CHECK(virtio_mmio_read(&mmio, offset, widths[i]) == 0);
            virtio_mmio_write(&mmio, offset, widths[i], 0);
            virtio_mmio_write(&mmio, offset, widths[i], 1);
        }
        if (offset % 4 != 0) {
            CHECK(virtio_mmio_read(&mmio, offset, 4) == 0);
            virtio_mmio_write(&mmio, offset, 4, 0);
        }
    }
    CHECK(memcmp(&mmio, &before, sizeof(mmio)) == 0);
    CHECK(memcmp(&notes, &noted, sizeof(notes)) == 0);
}

static bool may_be_written(uint64_t offset)
{
    static const uint64_t writable[] = {
        VIRTIO_MMIO_DEVICE_FEATURES_SEL, VIRTIO_MMIO_DRIVER_FEATURES,  VIRTIO_MMIO_DRIVER_FEATURES_SEL,
        VIRTIO_MMIO_QUEUE_SEL,           VIRTIO_MMIO_QUEUE_NUM,        VIRTIO_MMIO_QUEUE_READY,
        VIRTIO_MMIO_QUEUE_NOTIFY,        VIRTIO_MMIO_INTERRUPT_ACK,    VIRTIO_MMIO_STATUS,
        VIRTIO_MMIO_QUEUE_DESC_LOW,      VIRTIO_MMIO_QUEUE_DESC_HIGH,  VIRTIO_MMIO_QUEUE_DRIVER_LOW,
        VIRTIO_MMIO_QUEUE_DRIVER_HIGH,   VIRTIO_MMIO_QUEUE_DEVICE_LOW, VIRTIO_MMIO_QUEUE_DEVICE_HIGH,
    };
    for (uint32_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++) {
        if (writable[i] == offset) {
            return true;
        }
    }
    return false;
}

static void registers_that_are_not_there_are_ignored(void)
{
    run();
    const struct virtio_mmio before = mmio;
    const struct notes noted = notes;
    uint32_t readable = 0;
    for (uint64_t offset = 0; offset < VIRTIO_MMIO_CONFIG; offset += 4) {
        if (!may_be_written(offset)) {
            set(offset, UINT32_MAX);
        }
        readable += get(offset) != 0;
    }
    CHECK(memcmp(&mmio, &before, sizeof(mmio)) == 0);
    CHECK(memcmp(&notes, &noted, sizeof(notes)) == 0);
    /* Magic, version, ids, features, NumMax, Ready, Status, four of shared memory, generation. */
    CHECK(readable == 13);
}

/* S11, reads. */
static void configuration_is_read_in_any_width(void)
{
    setup();
    const uint32_t widths[] = { 1, 2, 4, 8 };
    for (uint64_t at = 0; at < 0x100; at++) {
        for (uint32_t i = 0; i < 4; i++) {
            uint64_t value = virtio_mmio_read(&mmio, VIRTIO_MMIO_CONFIG + at, widths[i]);
            for (uint32_t byte = 0; byte < 8; byte++) {
                bool there = byte < widths[i] && at + byte < CONFIG_BYTES;
                CHECK((uint8_t)(value >> 8 * byte) == (there ? notes.config[at + byte] : 0));
            }
        }
    }
    CHECK(virtio_mmio_read(&mmio, VIRTIO_MMIO_CONFIG, 3) == 0);
}

/* S11, writes. */
static void configuration_writes_reach_the_device_only(void)
{
    setup();
    const struct virtio_mmio before = mmio;
    struct notes expected = notes;
    const uint32_t widths[] = { 1, 2, 4, 8 };
    for (uint64_t at = 0; at < 0x100; at++) {
        for (uint32_t i = 0; i < 4; i++) {
            uint64_t value = UINT64_C(0x0807060504030201);
            virtio_mmio_write(&mmio, VIRTIO_MMIO_CONFIG + at, widths[i], value);
            if (at <= WRITABLE && WRITABLE < at + widths[i]) {
                expected.config[WRITABLE] = (uint8_t)(value >> 8 * (WRITABLE - at));
            }
            CHECK(memcmp(&notes, &expected, sizeof(notes)) == 0);
        }
    }
    virtio_mmio_write(&mmio, VIRTIO_MMIO_CONFIG + WRITABLE, 3, 0);
    CHECK(memcmp(&notes, &expected, sizeof(notes)) == 0);
    CHECK(memcmp(&mmio, &before, sizeof(mmio)) == 0);
}

static void offsets_do_not_wrap(void)
{
    setup();
    const uint64_t offsets[] = {
        BIT(32),
        BIT(32) + VIRTIO_MMIO_CONFIG,
        BIT(32) + VIRTIO_MMIO_CONFIG - 4,
        UINT64_MAX,
        UINT64_MAX - 3,
        UINT64_MAX - 7,
    };
    const struct notes noted = notes;
    for (uint32_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        CHECK(virtio_mmio_read(&mmio, offsets[i], 8) == 0);
        virtio_mmio_write(&mmio, offsets[i], 8, UINT64_MAX);
        CHECK(memcmp(&notes, &noted, sizeof(notes)) == 0);
    }
}

static void a_queue_is_as_the_driver_wrote_it(void)
{
    setup();
    negotiate();
    start_queue(1);
    const struct virtq_geometry expected = { 8, 0x140000000, 0x250000000, 0x360000000, 0 };
    CHECK(notes.queue == 1 && notes.starts == 1);
    CHECK(notes.geometry.size == expected.size && notes.geometry.start == expected.start);
    CHECK(notes.geometry.desc_gpa == expected.desc_gpa);
    CHECK(notes.geometry.avail_gpa == expected.avail_gpa);
    CHECK(notes.geometry.used_gpa == expected.used_gpa);
    set(VIRTIO_MMIO_QUEUE_SEL, 0);
    CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 0);
    CHECK(get(VIRTIO_MMIO_QUEUE_NUM_MAX) == QUEUE_SIZE_MAX);
}

static void a_refused_geometry_leaves_the_queue_off(void)
{
    const enum virtq_code codes[] = { VIRTQ_ERR_SIZE, VIRTQ_ERR_DESC, VIRTQ_ERR_AVAIL, VIRTQ_ERR_USED };
    setup();
    negotiate();
    for (uint32_t i = 0; i < 4; i++) {
        notes.start_code = codes[i];
        write_geometry(0, 8);
        set(VIRTIO_MMIO_QUEUE_READY, 1);
        CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 0);
    }
    CHECK(notes.starts == 4);
    notes.start_code = VIRTQ_OK;
    start_queue(0);
}

static void a_queue_beyond_the_maximum_is_not_even_tried(void)
{
    setup();
    negotiate();
    const uint32_t sizes[] = { QUEUE_SIZE_MAX * 2, QUEUE_SIZE_MAX + 1, UINT32_MAX };
    for (uint32_t i = 0; i < 3; i++) {
        write_geometry(0, sizes[i]);
        set(VIRTIO_MMIO_QUEUE_READY, 1);
        CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 0 && notes.starts == 0);
    }
}

static void a_queue_waits_for_features(void)
{
    setup();
    set(VIRTIO_MMIO_STATUS, INIT);
    write_geometry(0, 8);
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 0 && notes.starts == 0);
}

static void a_live_queue_does_not_move(void)
{
    run();
    set(VIRTIO_MMIO_QUEUE_NUM, 16);
    set(VIRTIO_MMIO_QUEUE_DESC_LOW, 0);
    set(VIRTIO_MMIO_QUEUE_DRIVER_HIGH, 0);
    set(VIRTIO_MMIO_QUEUE_DEVICE_LOW, 0);
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    CHECK(notes.starts == 1);
    set(VIRTIO_MMIO_QUEUE_READY, 0);
    CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 0 && notes.stops == 1);
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    CHECK(notes.starts == 2 && notes.geometry.size == 8 && notes.geometry.desc_gpa == 0x140000000);
    CHECK(notes.geometry.avail_gpa == 0x250000000 && notes.geometry.used_gpa == 0x360000000);
}

static void queue_ready_takes_0_and_1_only(void)
{
    setup();
    negotiate();
    write_geometry(0, 8);
    const uint32_t values[] = { 2, 3, 0x80000001, UINT32_MAX };
    for (uint32_t i = 0; i < 4; i++) {
        set(VIRTIO_MMIO_QUEUE_READY, values[i]);
        CHECK(notes.starts == 0);
    }
    set(VIRTIO_MMIO_QUEUE_READY, 0);
    CHECK(notes.stops == 0);
}

/* S12 */
static void a_queue_that_does_not_exist_reads_0(void)
{
    const uint32_t selectors[] = { QUEUES, VIRTIO_MMIO_MAX_QUEUES, 0xffff, 0x80000000, UINT32_MAX };
    run();
    const struct virtio_mmio before = mmio;
    for (uint32_t i = 0; i < 5; i++) {
        write_geometry(selectors[i], 8);
        for (uint64_t offset = VIRTIO_MMIO_QUEUE_NUM_MAX; offset <= VIRTIO_MMIO_QUEUE_NOTIFY; offset += 4) {
            CHECK(get(offset) == 0);
        }
        for (uint64_t offset = VIRTIO_MMIO_QUEUE_DESC_LOW; offset <= 0x0a8; offset += 4) {
            CHECK(get(offset) == 0);
        }
        CHECK(get(0x0c0) == 0);
        set(VIRTIO_MMIO_QUEUE_READY, 1);
        set(VIRTIO_MMIO_QUEUE_READY, 0);
        set(0x0c0, 1);
        set(VIRTIO_MMIO_QUEUE_NOTIFY, selectors[i]);
        CHECK(notes.starts == 1 && notes.stops == 0 && notes.steps == 1);
        set(VIRTIO_MMIO_QUEUE_SEL, before.queue_sel);
        CHECK(memcmp(&mmio, &before, sizeof(mmio)) == 0);
    }
}

static void more_queues_than_registers_hold_are_not_shown(void)
{
    struct virtio_device_ops many = mock_ops;
    many.queue_count = VIRTIO_MMIO_MAX_QUEUES + 1;
    setup();
    virtio_mmio_init(&mmio, &many, &notes);
    set(VIRTIO_MMIO_QUEUE_SEL, VIRTIO_MMIO_MAX_QUEUES - 1);
    CHECK(get(VIRTIO_MMIO_QUEUE_NUM_MAX) == QUEUE_SIZE_MAX);
    set(VIRTIO_MMIO_QUEUE_SEL, VIRTIO_MMIO_MAX_QUEUES);
    CHECK(get(VIRTIO_MMIO_QUEUE_NUM_MAX) == 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(the_device_says_what_it_is),
    UNIT_TEST(shared_memory_does_not_exist),
    UNIT_TEST(registers_take_32_bits_only),
    UNIT_TEST(registers_that_are_not_there_are_ignored),
    UNIT_TEST(configuration_is_read_in_any_width),
    UNIT_TEST(configuration_writes_reach_the_device_only),
    UNIT_TEST(offsets_do_not_wrap),
    UNIT_TEST(a_queue_is_as_the_driver_wrote_it),
    UNIT_TEST(a_refused_geometry_leaves_the_queue_off),
    UNIT_TEST(a_queue_beyond_the_maximum_is_not_even_tried),
    UNIT_TEST(a_queue_waits_for_features),
    UNIT_TEST(a_live_queue_does_not_move),
    UNIT_TEST(queue_ready_takes_0_and_1_only),
    UNIT_TEST(a_queue_that_does_not_exist_reads_0),
    UNIT_TEST(more_queues_than_registers_hold_are_not_shown),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
