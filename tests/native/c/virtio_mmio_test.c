/* SPDX-License-Identifier: BSD-2-Clause */
/* Features, status, interrupts and resets over a device that takes notes. Over a real one: virtio_mmio_block_test.c. */
#include "virtio_mmio_mock.h"

static void features_come_in_halves(void)
{
    setup();
    const uint32_t expected[] = { (uint32_t)OFFERED, (uint32_t)(OFFERED >> 32), 0, 0 };
    const uint32_t selectors[] = { 0, 1, 2, UINT32_MAX };
    for (uint32_t i = 0; i < 4; i++) {
        set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, selectors[i]);
        CHECK(get(VIRTIO_MMIO_DEVICE_FEATURES) == expected[i]);
    }
    negotiate();
    CHECK(notes.feature_calls == 1 && notes.features == OFFERED);
}

/* The usual order of Linux is high half first; each half replaces what it said before, and leaves the other. */
static void a_half_is_replaced_alone(void)
{
    setup();
    set(VIRTIO_MMIO_STATUS, INIT);
    choose_features(OFFERED);
    set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    set(VIRTIO_MMIO_DRIVER_FEATURES, BIT(9));
    set(VIRTIO_MMIO_STATUS, NEGOTIATED);
    CHECK(notes.features == (BIT(VIRTIO_F_VERSION_1) | BIT(9)));
}

/* S10 */
static void features_never_offered_are_refused(void)
{
    for (uint32_t bit = 0; bit < 64; bit++) {
        if ((OFFERED & BIT(bit)) == 0) {
            setup();
            set(VIRTIO_MMIO_STATUS, INIT);
            choose_features(OFFERED | BIT(bit));
            set(VIRTIO_MMIO_STATUS, NEGOTIATED);
            CHECK(get(VIRTIO_MMIO_STATUS) == INIT);
            CHECK(notes.feature_calls == 0);
        }
    }
}

static void features_beyond_bit_63_are_refused(void)
{
    const uint32_t selectors[] = { 2, 3, 0x80000000, UINT32_MAX };
    for (uint32_t i = 0; i < 4; i++) {
        setup();
        set(VIRTIO_MMIO_STATUS, INIT);
        choose_features(OFFERED);
        set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, selectors[i]);
        set(VIRTIO_MMIO_DRIVER_FEATURES, 0);
        set(VIRTIO_MMIO_DRIVER_FEATURES, 4);
        set(VIRTIO_MMIO_STATUS, NEGOTIATED);
        CHECK(get(VIRTIO_MMIO_STATUS) == INIT);
        set(VIRTIO_MMIO_STATUS, 0);
        negotiate();
    }
}

static void zero_beyond_bit_63_is_no_feature(void)
{
    setup();
    set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
    set(VIRTIO_MMIO_DRIVER_FEATURES, 0);
    negotiate();
}

static void a_legacy_driver_is_refused(void)
{
    setup();
    set(VIRTIO_MMIO_STATUS, INIT);
    choose_features(OFFERED & ~BIT(VIRTIO_F_VERSION_1));
    set(VIRTIO_MMIO_STATUS, NEGOTIATED);
    CHECK(get(VIRTIO_MMIO_STATUS) == INIT);
    choose_features(OFFERED);
    set(VIRTIO_MMIO_STATUS, NEGOTIATED);
    CHECK(get(VIRTIO_MMIO_STATUS) == NEGOTIATED);
}

static void features_are_final(void)
{
    setup();
    negotiate();
    choose_features(BIT(VIRTIO_F_VERSION_1) | BIT(63));
    set(VIRTIO_MMIO_STATUS, NEGOTIATED);
    CHECK(get(VIRTIO_MMIO_STATUS) == NEGOTIATED);
    CHECK(notes.feature_calls == 1 && notes.features == OFFERED);
}

static void status_bits_are_not_cleared(void)
{
    run();
    set(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
    CHECK(get(VIRTIO_MMIO_STATUS) == RUNNING);
    set(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_FAILED);
    CHECK(get(VIRTIO_MMIO_STATUS) == (RUNNING | VIRTIO_STATUS_FAILED));
    CHECK(notes.driver_oks == 1 && notes.feature_calls == 1 && notes.resets == 1);
}

static void status_bits_that_are_not_the_drivers_are_ignored(void)
{
    setup();
    set(VIRTIO_MMIO_STATUS, ~(VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK));
    CHECK(get(VIRTIO_MMIO_STATUS) == (INIT | VIRTIO_STATUS_FAILED));
}

static void there_is_no_driver_without_features(void)
{
    setup();
    set(VIRTIO_MMIO_STATUS, INIT | VIRTIO_STATUS_DRIVER_OK);
    CHECK(get(VIRTIO_MMIO_STATUS) == INIT);
    set(VIRTIO_MMIO_STATUS, RUNNING); /* features refused: none were chosen */
    CHECK(get(VIRTIO_MMIO_STATUS) == INIT);
    CHECK(notes.driver_oks == 0 && notes.steps == 0);
}

/* S04 */
static void nothing_is_consumed_too_early(void)
{
    setup();
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    negotiate();
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    start_queue(0);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(notes.steps == 0);
    set(VIRTIO_MMIO_STATUS, RUNNING); /* which looks once, for what was notified too early */
    CHECK(notes.steps == 1);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 1); /* that queue is not ready */
    CHECK(notes.steps == 1);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(notes.steps == 2);
    set(VIRTIO_MMIO_QUEUE_READY, 0);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(notes.steps == 2);
}

static void effects_are_handed_on(void)
{
    run();
    notes.effects = (struct virtio_effects){ .notify = true };
    struct virtio_effects effects = set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(effects.notify && !effects.again && !virtio_mmio_interrupt(&mmio));
    notes.effects = (struct virtio_effects){ .again = true };
    effects = virtio_mmio_step(&mmio);
    CHECK(effects.again && !effects.notify && !virtio_mmio_interrupt(&mmio));
}

static void interrupts_stay_until_acknowledged(void)
{
    run();
    notes.effects = (struct virtio_effects){ .used_interrupt = true };
    virtio_mmio_step(&mmio);
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_USED && virtio_mmio_interrupt(&mmio));
    notes.effects = (struct virtio_effects){ .config_interrupt = true };
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == (VIRTIO_MMIO_INT_USED | VIRTIO_MMIO_INT_CONFIG));
    set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_USED);
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_CONFIG && virtio_mmio_interrupt(&mmio));
    set(VIRTIO_MMIO_INTERRUPT_ACK, UINT32_MAX);
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == 0 && !virtio_mmio_interrupt(&mmio));
    set(VIRTIO_MMIO_INTERRUPT_STATUS, 3);
    CHECK(!virtio_mmio_interrupt(&mmio));
}

static void nobody_is_interrupted_before_driver_ok(void)
{
    setup();
    negotiate();
    notes.effects = (struct virtio_effects){ .used_interrupt = true, .config_interrupt = true };
    virtio_mmio_step(&mmio);
    CHECK(!virtio_mmio_interrupt(&mmio) && get(VIRTIO_MMIO_INTERRUPT_STATUS) == 0);
}

/* Its driver may have read what was before. */
static void a_change_before_driver_ok_is_told_with_it(void)
{
    setup();
    negotiate();
    notes.effects = (struct virtio_effects){ .config_interrupt = true };
    virtio_mmio_step(&mmio);
    notes.effects = (struct virtio_effects){ 0 };
    set(VIRTIO_MMIO_STATUS, RUNNING);
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_CONFIG && virtio_mmio_interrupt(&mmio));
    set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
    virtio_mmio_step(&mmio);
    CHECK(!virtio_mmio_interrupt(&mmio));
}

static void a_change_before_a_reset_is_read_after_it(void)
{
    setup();
    negotiate();
    notes.effects = (struct virtio_effects){ .config_interrupt = true };
    virtio_mmio_step(&mmio);
    notes.effects = (struct virtio_effects){ 0 };
    set(VIRTIO_MMIO_STATUS, 0);
    negotiate();
    set(VIRTIO_MMIO_STATUS, RUNNING);
    CHECK(!virtio_mmio_interrupt(&mmio));
}

static void a_broken_queue_is_told(void)
{
    run();
    notes.needs_reset = true;
    notes.effects = (struct virtio_effects){ .config_interrupt = true };
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(get(VIRTIO_MMIO_STATUS) == (RUNNING | VIRTIO_STATUS_NEEDS_RESET));
    CHECK(get(VIRTIO_MMIO_INTERRUPT_STATUS) == VIRTIO_MMIO_INT_CONFIG);
    set(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_NEEDS_RESET | RUNNING);
    notes.needs_reset = false; /* as when the driver stops the queue */
    CHECK(get(VIRTIO_MMIO_STATUS) == (RUNNING | VIRTIO_STATUS_NEEDS_RESET));
    set(VIRTIO_MMIO_STATUS, 0);
    CHECK(get(VIRTIO_MMIO_STATUS) == 0);
}

static void a_reset_forgets_everything(void)
{
    run();
    set(VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    notes.effects = (struct virtio_effects){ .used_interrupt = true };
    virtio_mmio_step(&mmio);
    set(VIRTIO_MMIO_STATUS, 0);
    CHECK(notes.resets == 2);
    CHECK(get(VIRTIO_MMIO_STATUS) == 0 && get(VIRTIO_MMIO_INTERRUPT_STATUS) == 0 && !virtio_mmio_interrupt(&mmio));
    CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 0);
    CHECK(get(VIRTIO_MMIO_DEVICE_FEATURES) == (uint32_t)OFFERED);
    set(VIRTIO_MMIO_STATUS, NEGOTIATED); /* no features were chosen in this life */
    CHECK(get(VIRTIO_MMIO_STATUS) == INIT);
    set(VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    CHECK(notes.steps == 2);
    negotiate();
    set(VIRTIO_MMIO_QUEUE_READY, 1);
    CHECK(notes.geometry.size == 0 && notes.geometry.desc_gpa == 0);
}

/* S02, as far as registers go. */
static void a_reset_is_complete_when_drained(void)
{
    run();
    notes.draining = true;
    set(VIRTIO_MMIO_STATUS, 0);
    CHECK(notes.resets == 2);
    CHECK(get(VIRTIO_MMIO_STATUS) == RUNNING);
    CHECK(get(VIRTIO_MMIO_QUEUE_READY) == 0);
    notes.effects = (struct virtio_effects){ .used_interrupt = true, .notify = true };
    CHECK(virtio_mmio_step(&mmio).notify && !virtio_mmio_interrupt(&mmio));
    set(VIRTIO_MMIO_STATUS, 0); /* asked once more: still not complete */
    CHECK(get(VIRTIO_MMIO_STATUS) == RUNNING);
    notes.draining = false;
    CHECK(get(VIRTIO_MMIO_STATUS) == 0);
}

static void a_driver_that_does_not_wait_begins_anew(void)
{
    run();
    notes.draining = true;
    set(VIRTIO_MMIO_STATUS, 0);
    set(VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
    CHECK(get(VIRTIO_MMIO_STATUS) == VIRTIO_STATUS_ACKNOWLEDGE);
    negotiate();
    start_queue(0);
    set(VIRTIO_MMIO_STATUS, RUNNING);
    CHECK(get(VIRTIO_MMIO_STATUS) == RUNNING && notes.driver_oks == 2);
    notes.draining = false;
    CHECK(get(VIRTIO_MMIO_STATUS) == RUNNING);
}

static const struct unit_test tests[] = {
    UNIT_TEST(features_come_in_halves),
    UNIT_TEST(a_half_is_replaced_alone),
    UNIT_TEST(features_never_offered_are_refused),
    UNIT_TEST(features_beyond_bit_63_are_refused),
    UNIT_TEST(zero_beyond_bit_63_is_no_feature),
    UNIT_TEST(a_legacy_driver_is_refused),
    UNIT_TEST(features_are_final),
    UNIT_TEST(status_bits_are_not_cleared),
    UNIT_TEST(status_bits_that_are_not_the_drivers_are_ignored),
    UNIT_TEST(there_is_no_driver_without_features),
    UNIT_TEST(nothing_is_consumed_too_early),
    UNIT_TEST(effects_are_handed_on),
    UNIT_TEST(interrupts_stay_until_acknowledged),
    UNIT_TEST(nobody_is_interrupted_before_driver_ok),
    UNIT_TEST(a_change_before_driver_ok_is_told_with_it),
    UNIT_TEST(a_change_before_a_reset_is_read_after_it),
    UNIT_TEST(a_broken_queue_is_told),
    UNIT_TEST(a_reset_forgets_everything),
    UNIT_TEST(a_reset_is_complete_when_drained),
    UNIT_TEST(a_driver_that_does_not_wait_begins_anew),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
