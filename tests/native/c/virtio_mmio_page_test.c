/* SPDX-License-Identifier: BSD-2-Clause */
/* The registers as a page: after a driver's accesses and a device's changes it reads as they do. */
#include <sdfgen/virtio_mmio_page.h>

#include "virtio_mmio_mock.h"

#define WORD_BYTES 4u
#define WORDS (0x1000u / WORD_BYTES)
#define SHOWN_WORDS (VIRTIO_MMIO_PAGE_BYTES / WORD_BYTES)
#define UNTOUCHED 0xdeadbeefu

static uint32_t page[WORDS];

static uint32_t shown(uint64_t offset)
{
    return page[offset / WORD_BYTES];
}

static void begin(void)
{
    setup();
    memset(notes.config, 0x5a, sizeof(notes.config));
    for (uint32_t i = 0; i < WORDS; i++) {
        page[i] = UNTOUCHED;
    }
    virtio_mmio_show(&mmio, page, VIRTIO_MMIO_ALL);
}

static void check_equal(void)
{
    for (uint32_t i = 0; i < SHOWN_WORDS; i++) {
        CHECK(page[i] == get(i * WORD_BYTES));
    }
}

static void all_registers_are_shown(void)
{
    begin();
    check_equal();
    CHECK(shown(VIRTIO_MMIO_MAGIC_VALUE) == VIRTIO_MMIO_MAGIC && shown(VIRTIO_MMIO_DEVICE_ID) == DEVICE_ID);
    CHECK(shown(VIRTIO_MMIO_SHM_LEN_LOW) == UINT32_MAX && shown(VIRTIO_MMIO_QUEUE_NUM_MAX) == QUEUE_SIZE_MAX);
    CHECK(shown(VIRTIO_MMIO_CONFIG) == 0x5a5a5a5a && shown(VIRTIO_MMIO_CONFIG + CONFIG_BYTES - 4) == 0x5a5a5a5a);
    CHECK(shown(VIRTIO_MMIO_CONFIG + CONFIG_BYTES) == 0);
}

static void what_can_not_be_read_is_zero(void)
{
    begin();
    negotiate();
    write_geometry(0, 8);
    virtio_mmio_show(&mmio, page, VIRTIO_MMIO_ALL);
    CHECK(shown(VIRTIO_MMIO_QUEUE_NUM) == 0 && shown(VIRTIO_MMIO_QUEUE_DESC_LOW) == 0);
    CHECK(shown(VIRTIO_MMIO_DRIVER_FEATURES) == 0 && shown(VIRTIO_MMIO_QUEUE_SEL) == 0);
}

static void nothing_is_written_beyond_the_registers(void)
{
    begin();
    for (uint32_t i = SHOWN_WORDS; i < WORDS; i++) {
        CHECK(page[i] == UNTOUCHED);
    }
}

/* A driver's life, looked at after each store of it. */
static const struct {
    uint32_t offset;
    uint32_t value;
} life[] = {
    { VIRTIO_MMIO_STATUS, 0 },
    { VIRTIO_MMIO_STATUS, INIT },
    { VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1 },
    { VIRTIO_MMIO_DEVICE_FEATURES_SEL, 7 },
    { VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0 },
    { VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1 },
    { VIRTIO_MMIO_DRIVER_FEATURES, 1 },
    { VIRTIO_MMIO_STATUS, NEGOTIATED },
    { VIRTIO_MMIO_QUEUE_SEL, 1 },
    { VIRTIO_MMIO_QUEUE_NUM, 8 },
    { VIRTIO_MMIO_QUEUE_READY, 1 },
    { VIRTIO_MMIO_QUEUE_SEL, QUEUES },
    { VIRTIO_MMIO_QUEUE_SEL, 1 },
    { VIRTIO_MMIO_STATUS, RUNNING },
    { VIRTIO_MMIO_CONFIG + WRITABLE, 1 },
    { VIRTIO_MMIO_QUEUE_READY, 0 },
    { VIRTIO_MMIO_STATUS, RUNNING | VIRTIO_STATUS_FAILED },
    { VIRTIO_MMIO_STATUS, 0 },
};

static void every_store_is_shown(void)
{
    uint32_t changes = 0;
    begin();
    for (uint32_t i = 0; i < sizeof(life) / sizeof(life[0]); i++) {
        uint32_t before[SHOWN_WORDS];
        memcpy(before, page, sizeof(before));
        (void)set(life[i].offset, life[i].value);
        virtio_mmio_show(&mmio, page, VIRTIO_MMIO_ALL);
        check_equal();
        changes += memcmp(before, page, sizeof(before)) != 0;
    }
    CHECK(changes >= 12);
}

static void what_changes_by_itself_is_shown_as_state(void)
{
    begin();
    run();
    virtio_mmio_show(&mmio, page, VIRTIO_MMIO_ALL);
    notes.effects = (struct virtio_effects){ .used_interrupt = true, .config_interrupt = true };
    notes.needs_reset = true;
    notes.generation = 77;
    (void)virtio_mmio_step(&mmio);
    virtio_mmio_show(&mmio, page, VIRTIO_MMIO_STATE);
    check_equal();
    CHECK(shown(VIRTIO_MMIO_INTERRUPT_STATUS) == (VIRTIO_MMIO_INT_USED | VIRTIO_MMIO_INT_CONFIG));
    CHECK(shown(VIRTIO_MMIO_STATUS) == (RUNNING | VIRTIO_STATUS_NEEDS_RESET));
    CHECK(shown(VIRTIO_MMIO_CONFIG_GENERATION) == 77);
    (void)set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_USED);
    virtio_mmio_show(&mmio, page, VIRTIO_MMIO_STATE);
    check_equal();
}

static void a_reset_that_drains_is_over_as_state(void)
{
    begin();
    run();
    notes.draining = true;
    (void)set(VIRTIO_MMIO_STATUS, 0);
    virtio_mmio_show(&mmio, page, VIRTIO_MMIO_ALL);
    CHECK(shown(VIRTIO_MMIO_STATUS) == RUNNING);
    notes.draining = false;
    (void)virtio_mmio_step(&mmio);
    virtio_mmio_show(&mmio, page, VIRTIO_MMIO_STATE);
    CHECK(shown(VIRTIO_MMIO_STATUS) == 0);
    check_equal();
}

static void a_new_configuration_is_shown_with_all(void)
{
    begin();
    notes.config[4] = 0xa5;
    virtio_mmio_show(&mmio, page, VIRTIO_MMIO_STATE);
    CHECK(shown(VIRTIO_MMIO_CONFIG + 4) == 0x5a5a5a5a);
    virtio_mmio_show(&mmio, page, VIRTIO_MMIO_ALL);
    CHECK(shown(VIRTIO_MMIO_CONFIG + 4) == 0x5a5a5aa5);
    check_equal();
}

static const struct unit_test tests[] = {
    UNIT_TEST(all_registers_are_shown),
    UNIT_TEST(what_can_not_be_read_is_zero),
    UNIT_TEST(nothing_is_written_beyond_the_registers),
    UNIT_TEST(every_store_is_shown),
    UNIT_TEST(what_changes_by_itself_is_shown_as_state),
    UNIT_TEST(a_reset_that_drains_is_over_as_state),
    UNIT_TEST(a_new_configuration_is_shown_with_all),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
