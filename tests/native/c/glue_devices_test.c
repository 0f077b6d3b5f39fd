/* SPDX-License-Identifier: BSD-2-Clause */
/* A VMM and tables that no description asks for: played devices of any number, none, more than fit. */
#include <sdfgen/vmm_config.h>

#include "vmm.h"

#include "glue_table.h"

#define VMM_TABLE writable_table()
#include "glue_disk_rig.h"

#define SYSTEM_RESET 0x84000009u
#define FIRST_GPA UINT64_C(0x100000)
#define FIRST_INTID 40u
#define DEVICE_BYTES 0x1000u
#define MANY (VMM_MAX_DEVICES + 1)
#define MANY_IRQS (VMM_MAX_INTERRUPTS + 1)
#define FIRST_IRQ_CHANNEL 14u
#define FIRST_IRQ_INTID 100u

/* ---- A device that does as it is told ---- */

struct played {
    uint32_t created;
    uint32_t asked; /* whether it is ready */
    uint32_t notified;
    uint32_t reset;
    uint64_t stored; /* last */
    uint64_t offset; /* of the last access */
    uint32_t width_bytes;
    bool fails;
    bool waits;
    bool level;
    bool refuses;
};

static struct played played[MANY];
static struct vmm_device devices[MANY];
static struct vmm_passthrough_irq irqs[MANY_IRQS];

static struct played *state_of(const struct vmm_device *device)
{
    CHECK(device->state != NULL && device->config == device->state);
    return device->state;
}

static bool create(const struct vmm_device *device, const struct vmm_guest *guest)
{
    CHECK(guest == GUEST && strcmp(fake.log, "guest_init ") == 0);
    state_of(device)->created++;
    return !state_of(device)->fails;
}

static bool ready(const struct vmm_device *device)
{
    state_of(device)->asked++;
    return !state_of(device)->waits;
}

static void count_notification(const struct vmm_device *device, bool owes)
{
    CHECK(!owes);
    state_of(device)->notified++;
}

static void reset(const struct vmm_device *device)
{
    CHECK(strstr(fake.log, "vgic_init") != NULL);
    state_of(device)->reset++;
}

static bool read_register(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    struct played *state = state_of(device);
    state->offset = offset;
    state->width_bytes = width_bytes;
    *value = (uint64_t)(state - played) + 1;
    return !state->refuses;
}

static bool write_register(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    struct played *state = state_of(device);
    state->offset = offset;
    state->width_bytes = width_bytes;
    state->stored = value;
    return !state->refuses;
}

static bool level(const struct vmm_device *device)
{
    return state_of(device)->level;
}

static const struct vmm_device_kind by_level = {
    .interrupt = VMM_INTERRUPT_LEVEL,
    .create = create,
    .ready = ready,
    .notified = count_notification,
    .read = read_register,
    .write = write_register,
    .level = level,
    .reset = reset,
};

/* With as little as a kind can have. */
static const struct vmm_device_kind by_notification = {
    .interrupt = VMM_INTERRUPT_BY_NOTIFICATION,
    .create = create,
    .read = read_register,
    .write = write_register,
};

/* So many devices by level, on channels from 0 on, and interrupts that are passed through. */
static void play(uint32_t device_count, uint32_t irq_count)
{
    for (uint32_t i = 0; i < device_count; i++) {
        devices[i] = (struct vmm_device){
            .kind = &by_level,
            .name = "played",
            .gpa = FIRST_GPA + (uint64_t)i * DEVICE_BYTES,
            .size_bytes = DEVICE_BYTES,
            .intid = FIRST_INTID + i,
            .channel = i,
            .config = &played[i],
            .state = &played[i],
        };
    }
    for (uint32_t i = 0; i < irq_count; i++) {
        irqs[i] = (struct vmm_passthrough_irq){ .intid = FIRST_IRQ_INTID + i, .channel = FIRST_IRQ_CHANNEL + i };
    }
    set_table((struct vmm_config){
        .irqs = irqs,
        .irq_count = irq_count,
        .devices = devices,
        .device_count = device_count,
        .may_restart = true,
    });
    map_regions();
}

static void check_not_started(const char *log, const char *console)
{
    CHECK(strcmp(fake.log, log) == 0);
    CHECK(strcmp(fake.console, console) == 0);
    for (uint32_t channel = 0; channel < MICROKIT_MAX_CHANNELS; channel++) {
        notified(channel);
    }
    CHECK(strcmp(fake.log, log) == 0 && strcmp(fake.console, console) == 0 && fake_notifications() == 0);
    CHECK(played[0].notified == 0 && fake.refused_count == 0);
}

/* ---- No device ---- */

static void a_guest_without_devices_starts_at_once(void)
{
    set_table((struct vmm_config){ .may_restart = true });
    map_regions();
    init();
    CHECK(strcmp(fake.log, STARTED) == 0 && fake.console[0] == '\0');
    for (uint32_t channel = 0; channel < MICROKIT_MAX_CHANNELS; channel++) {
        notified(channel);
    }
    CHECK(vmm_unknown_notifications() == MICROKIT_MAX_CHANNELS - 1);
    CHECK(!guest_store(FIRST_GPA, 4, 1));
    CHECK(strcmp(fake.console, "test_pd: the guest is stopped\n") == 0);
}

static void a_guest_without_devices_rests_and_starts_again(void)
{
    set_table((struct vmm_config){ .may_restart = true });
    map_regions();
    init();
    fake.vcpus[0].timer_control = 1;
    fake.vcpus[0].timer_due_ticks = 100;
    CHECK(guest_enable(FAKE_TIMER_INTID) && guest_rests());
    fake.now_ticks = 100;
    notified(TIMER_CHANNEL);
    CHECK(!fake.vcpus[0].suspended && guest_timer_fires() && guest_end(FAKE_TIMER_INTID));
    CHECK(!guest_calls(SYSTEM_RESET));
    CHECK(strcmp(fake.console, "test_pd: the guest starts again\n") == 0);
}

static void a_guest_that_must_not_start_again_is_stopped(void)
{
    set_table((struct vmm_config){ .may_restart = false });
    map_regions();
    init();
    CHECK(!guest_calls(SYSTEM_RESET));
    CHECK(strcmp(fake.console, "test_pd: the guest asked for a reset, which its devices do not take\n"
                               "test_pd: the guest is stopped\n") == 0);
}

static void a_guest_with_only_hardware_has_its_interrupts(void)
{
    play(0, 2);
    init();
    CHECK(strcmp(fake.log, STARTED) == 0);
    CHECK(guest_enable(FIRST_IRQ_INTID + 1));
    notified(FIRST_IRQ_CHANNEL + 1);
    CHECK(fake_injected(FIRST_IRQ_INTID + 1) == 1 && fake_injected(FIRST_IRQ_INTID) == 0);
}

/* ---- Any devices ---- */

static void each_device_is_created_once_and_told_of_its_own(void)
{
    play(3, 0);
    init();
    CHECK(strcmp(fake.log, STARTED) == 0);
    for (uint32_t i = 0; i < 3; i++) {
        uint64_t value;
        CHECK(played[i].created == 1 && played[i].asked == 1);
        CHECK(guest_store(devices[i].gpa + 0x10 * i, 2, 0x1234 + i));
        CHECK(played[i].stored == 0x1234 + i && played[i].offset == 0x10 * i && played[i].width_bytes == 2);
        CHECK(guest_load(devices[i].gpa + DEVICE_BYTES - 1, 1, &value) && value == i + 1);
        CHECK(played[i].offset == DEVICE_BYTES - 1 && played[i].width_bytes == 1);
        notified(i);
        CHECK(played[i].notified == 1 && (i == 2 || played[i + 1].notified == 0));
    }
    CHECK(vmm_unknown_notifications() == 0 && fake_notifications() == 0);
}

static void a_level_is_looked_at_after_each_operation(void)
{
    uint64_t value;
    play(2, 0);
    init();
    CHECK(guest_enable(FIRST_INTID) && guest_enable(FIRST_INTID + 1));
    played[0].level = true;
    CHECK(fake_injected(FIRST_INTID) == 0);
    CHECK(guest_store(devices[0].gpa, 4, 1) && fake_injected(FIRST_INTID) == 1);
    CHECK(guest_end(FIRST_INTID) && fake_injected(FIRST_INTID) == 2);
    played[0].level = false;
    CHECK(guest_load(devices[0].gpa, 4, &value) && guest_end(FIRST_INTID) && fake_injected(FIRST_INTID) == 2);
    played[0].level = true;
    notified(0);
    CHECK(fake_injected(FIRST_INTID) == 3 && fake_injected(FIRST_INTID + 1) == 0);
}

static void a_notification_interrupts_once(void)
{
    play(1, 0);
    devices[0].kind = &by_notification;
    init();
    CHECK(strcmp(fake.log, STARTED) == 0);
    notified(0); /* before the guest listens */
    CHECK(guest_enable(FIRST_INTID) && fake_injected(FIRST_INTID) == 1);
    CHECK(guest_store(devices[0].gpa, 4, 1));
    CHECK(guest_end(FIRST_INTID) && fake_injected(FIRST_INTID) == 1);
    notified(0);
    CHECK(fake_injected(FIRST_INTID) == 2);
}

static void a_device_without_a_channel_is_notified_by_nobody(void)
{
    play(1, 0);
    devices[0].channel = VMM_NO_CHANNEL;
    init();
    for (uint32_t channel = 0; channel < MICROKIT_MAX_CHANNELS; channel++) {
        notified(channel);
    }
    CHECK(played[0].notified == 0 && vmm_unknown_notifications() == MICROKIT_MAX_CHANNELS - 1);
}

static void the_guest_waits_for_every_device(void)
{
    play(3, 1);
    played[0].waits = true;
    played[2].waits = true;
    init();
    CHECK(strcmp(fake.log, "guest_init ") == 0);
    CHECK(played[0].asked == 1 && played[1].asked == 1 && played[2].asked == 1);
    notified(TIMER_CHANNEL);
    notified(FIRST_IRQ_CHANNEL);
    notified(40);
    CHECK(played[0].asked == 1);
    played[2].waits = false;
    notified(2);
    CHECK(strcmp(fake.log, "guest_init ") == 0 && played[0].asked == 2);
    played[0].waits = false;
    notified(1); /* whoever it was that notified */
    CHECK(strcmp(fake.log, STARTED) == 0);
    const uint32_t asked = played[0].asked;
    notified(0);
    CHECK(played[0].asked == asked && strcmp(fake.log, STARTED) == 0);
}

static void what_comes_while_the_guest_waits_is_kept(void)
{
    play(2, 1);
    devices[1].kind = &by_notification;
    played[0].waits = true;
    init();
    notified(1);
    notified(FIRST_IRQ_CHANNEL);
    CHECK(strcmp(fake.log, "guest_init ") == 0);
    played[0].waits = false;
    notified(0);
    CHECK(strcmp(fake.log, STARTED) == 0);
    CHECK(guest_enable(devices[1].intid) && fake_injected(devices[1].intid) == 1);
    CHECK(guest_enable(FIRST_IRQ_INTID) && fake_injected(FIRST_IRQ_INTID) == 1);
    CHECK(fake.refused_count == 0);
}

static void an_access_that_is_refused_stops_the_guest(void)
{
    uint64_t value;
    play(1, 0);
    init();
    played[0].refuses = true;
    CHECK(!guest_load(devices[0].gpa, 4, &value));
    fake.vcpus[0].suspended = false;
    CHECK(!guest_store(devices[0].gpa, 4, 1));
}

static void every_device_is_reset_when_the_guest_starts_again(void)
{
    play(3, 0);
    devices[1].kind = &by_notification;
    init();
    played[2].level = true;
    CHECK(!guest_calls(SYSTEM_RESET));
    CHECK(played[0].reset == 1 && played[1].reset == 0 && played[2].reset == 1);
    CHECK(played[0].created == 1 && played[0].asked == 1);
    CHECK(guest_enable(FIRST_INTID + 2) && fake_injected(FIRST_INTID + 2) == 1);
    CHECK(guest_enable(FIRST_INTID) && fake_injected(FIRST_INTID) == 0);
}

/* ---- What can't be ---- */

static void a_device_that_can_not_be_created_stops_the_rest(void)
{
    play(3, 0);
    played[1].fails = true;
    init();
    CHECK(played[0].created == 1 && played[1].created == 1 && played[2].created == 0);
    check_not_started("guest_init ", NOT_STARTED);
}

static void a_guest_that_can_not_be_made_has_no_devices(void)
{
    play(1, 0);
    fake.guest_init_fails = true;
    init();
    CHECK(played[0].created == 0);
    check_not_started("guest_init ", "test_pd: the guest can't be made\n" NOT_STARTED);
}

static void registers_that_lie_over_others_are_told(void)
{
    play(2, 0);
    devices[1].name = "second";
    devices[1].gpa = devices[0].gpa + DEVICE_BYTES - 1;
    init();
    check_not_started("guest_init ",
                      "test_pd: second: the addresses of its registers could not be registered\n" NOT_STARTED);
}

static void registers_over_the_interrupt_controller_are_told(void)
{
    play(1, 0);
    devices[0].gpa = 0x8000000;
    init();
    check_not_started("guest_init ",
                      "test_pd: played: the addresses of its registers could not be registered\n" NOT_STARTED);
}

/* libvmm would take it, and serve the first only. */
static void an_interrupt_of_two_devices_is_told(void)
{
    play(2, 0);
    devices[1].name = "second";
    devices[1].intid = devices[0].intid;
    init();
    check_not_started("guest_init ", "test_pd: second: its interrupt could not be registered\n" NOT_STARTED);
}

static void an_interrupt_that_is_the_hardwares_too_is_told(void)
{
    play(1, 1);
    devices[0].intid = irqs[0].intid;
    init();
    check_not_started("guest_init ", "test_pd: played: its interrupt could not be registered\n" NOT_STARTED);
}

static void an_interrupt_of_the_hardware_that_is_there_twice_is_told(void)
{
    play(1, 2);
    irqs[1].intid = irqs[0].intid;
    init();
    CHECK(played[0].created == 0);
    check_not_started("guest_init ", "test_pd: an interrupt of the hardware could not be registered\n" NOT_STARTED);
}

static void as_many_devices_as_fit_all_work(void)
{
    uint64_t value;
    play(VMM_MAX_DEVICES, VMM_MAX_INTERRUPTS - VMM_MAX_DEVICES);
    init();
    CHECK(strcmp(fake.log, STARTED) == 0 && fake.console[0] == '\0');
    for (uint32_t i = 0; i < VMM_MAX_DEVICES; i++) {
        CHECK(guest_enable(devices[i].intid));
        played[i].level = true;
        CHECK(guest_store(devices[i].gpa, 4, i) && played[i].stored == i);
        played[i].level = false;
        CHECK(fake_injected(devices[i].intid) == 1 && guest_load(devices[i].gpa, 4, &value));
        CHECK(guest_end(devices[i].intid));
    }
    for (uint32_t i = 0; i < VMM_MAX_INTERRUPTS - VMM_MAX_DEVICES; i++) {
        CHECK(guest_enable(irqs[i].intid));
        notified(irqs[i].channel);
        CHECK(fake_injected(irqs[i].intid) == 1 && guest_end(irqs[i].intid));
    }
    CHECK(!guest_calls(SYSTEM_RESET));
}

/* There are four list registers. */
static void what_finds_no_list_register_free_is_injected_later(void)
{
    play(VMM_MAX_DEVICES, 0);
    init();
    for (uint32_t i = 0; i < VMM_MAX_DEVICES; i++) {
        CHECK(guest_enable(devices[i].intid));
        played[i].level = true;
        notified(i);
        CHECK(fake_injected(devices[i].intid) == (i < 4));
    }
    CHECK(guest_enable(FAKE_TIMER_INTID) && guest_timer_fires() && fake_injected(FAKE_TIMER_INTID) == 0);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(guest_end(devices[0].intid + i));
    }
    CHECK(fake_injected(FAKE_TIMER_INTID) == 1 && fake.refused_count == 0);
}

static void check_too_many(void)
{
    init();
    CHECK(played[0].created == 0);
    check_not_started("", "test_pd: more devices and interrupts than libvmm has room for\n" NOT_STARTED);
}

static void one_device_more_is_refused(void)
{
    play(MANY, 0);
    check_too_many();
}

static void one_interrupt_more_is_refused(void)
{
    play(0, MANY_IRQS);
    check_too_many();
}

static void one_more_of_both_together_is_refused(void)
{
    play(1, VMM_MAX_INTERRUPTS);
    check_too_many();
}

static void counts_that_wrap_are_refused(void)
{
    set_table((struct vmm_config){ .device_count = 1, .irq_count = UINT32_MAX, .devices = devices, .irqs = irqs });
    check_too_many();
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_guest_without_devices_starts_at_once),
    UNIT_TEST(a_guest_without_devices_rests_and_starts_again),
    UNIT_TEST(a_guest_that_must_not_start_again_is_stopped),
    UNIT_TEST(a_guest_with_only_hardware_has_its_interrupts),
    UNIT_TEST(each_device_is_created_once_and_told_of_its_own),
    UNIT_TEST(a_level_is_looked_at_after_each_operation),
    UNIT_TEST(a_notification_interrupts_once),
    UNIT_TEST(a_device_without_a_channel_is_notified_by_nobody),
    UNIT_TEST(the_guest_waits_for_every_device),
    UNIT_TEST(what_comes_while_the_guest_waits_is_kept),
    UNIT_TEST(an_access_that_is_refused_stops_the_guest),
    UNIT_TEST(every_device_is_reset_when_the_guest_starts_again),
    UNIT_TEST(a_device_that_can_not_be_created_stops_the_rest),
    UNIT_TEST(a_guest_that_can_not_be_made_has_no_devices),
    UNIT_TEST(registers_that_lie_over_others_are_told),
    UNIT_TEST(registers_over_the_interrupt_controller_are_told),
    UNIT_TEST(an_interrupt_of_two_devices_is_told),
    UNIT_TEST(an_interrupt_that_is_the_hardwares_too_is_told),
    UNIT_TEST(an_interrupt_of_the_hardware_that_is_there_twice_is_told),
    UNIT_TEST(as_many_devices_as_fit_all_work),
    UNIT_TEST(what_finds_no_list_register_free_is_injected_later),
    UNIT_TEST(one_device_more_is_refused),
    UNIT_TEST(one_interrupt_more_is_refused),
    UNIT_TEST(one_more_of_both_together_is_refused),
    UNIT_TEST(counts_that_wrap_are_refused),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
