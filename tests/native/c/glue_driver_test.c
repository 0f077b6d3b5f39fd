/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's VMM of the two-client system, run against glue_libvmm.c with its generated table. */
#include <sdfgen/pl011.h>
#include <sdfgen/vmm_config.h>
#include <sdfgen/vmm_uio.h>

#include "vmm.h"

#include "glue_fake.h"

/* The fixture's own symbols, which a build patches and a test sets. */
extern uint64_t io_base_virt_data;
extern uint64_t io_base_client1_0_data;
extern uint64_t io_base_client2_0_data;

#define CONSOLE vmm_config.devices[0]
#define UIO vmm_config.devices[1]
#define VIRT UIO.channel
#define DISK_CHANNEL 0u
#define DISK_INTID 79u

static volatile struct phys_addr_region *page;

static void patch(void)
{
    const struct vmm_uio_config *config = UIO.config;
    page = fake_map(config->phys_addr_vaddr, PHYS_ADDR_PAGE_BYTES);
    io_base_virt_data = 0x60a00000;
    io_base_client1_0_data = 0x60c00000;
    io_base_client2_0_data = 0x60e00000;
}

static void check_published(void)
{
    static struct phys_addr_table table;
    CHECK(phys_addr_read(page, 9, &table).code == PHYS_ADDR_OK);
    CHECK(table.count == 3 && table.entries[2].io_base == 0x60e00000);
}

static void boot(void)
{
    patch();
    init();
    CHECK(strcmp(fake.log, "guest_init linux_setup_images guest_start ") == 0);
}

static void addresses_are_published_before_the_guest_starts(void)
{
    patch();
    fake.at_start = check_published;
    init();
    CHECK(strcmp(fake.log, "guest_init linux_setup_images guest_start ") == 0);
    CHECK(fake.console[0] == '\0');
    CHECK(fake.ram_gpa == 0x40000000 && fake.ram_bytes == 0x8000000 && fake.ram_vaddr == 0x40000000);
    CHECK(fake.entry_gpa == 0x40080000 && fake.dtb_gpa == 0x47f00000 && fake.initrd_gpa == 0x47000000);
    CHECK(fake.image_bytes[0] == 24 && fake.image_bytes[1] == 40 && fake.image_bytes[2] == 56);
    CHECK(fake_notifications() == 0);
}

static void expect_refused(const char *message)
{
    init();
    CHECK(strcmp(fake.console, message) == 0);
    CHECK(strcmp(fake.log, "guest_init ") == 0);
    CHECK(page->magic == 0);
    notified(VIRT);
    notified(DISK_CHANNEL);
    CHECK(strcmp(fake.log, "guest_init ") == 0 && fake_notifications() == 0);
}

static void an_address_that_was_not_patched_is_named(void)
{
    patch();
    io_base_client1_0_data = PHYS_ADDR_UNPATCHED;
    expect_refused("test_pd: client1_0_data: the io address was never patched into this program\n"
                   "test_pd: the guest is not started\n");
}

static void an_address_that_can_not_be_is_named(void)
{
    patch();
    io_base_client2_0_data = 0x60e00800;
    expect_refused("test_pd: client2_0_data: the io address is not page aligned\n"
                   "test_pd: the guest is not started\n");
}

static void addresses_that_overlap_are_named(void)
{
    patch();
    io_base_client1_0_data = io_base_virt_data + PHYS_ADDR_PAGE_BYTES;
    expect_refused("test_pd: client1_0_data: the region overlaps an earlier one\n"
                   "test_pd: the guest is not started\n");
}

static void a_guest_that_can_not_be_made_is_not_started(void)
{
    patch();
    fake.guest_init_fails = true;
    init();
    CHECK(strcmp(fake.log, "guest_init ") == 0);
    CHECK(strcmp(fake.console, "test_pd: the guest can't be made\n"
                               "test_pd: the guest is not started\n") == 0);
    notified(VIRT);
    CHECK(fake.refused_count == 0);
}

static void images_that_do_not_fit_are_not_started(void)
{
    patch();
    fake.images_do_not_fit = true;
    init();
    CHECK(strcmp(fake.log, "guest_init linux_setup_images ") == 0);
    CHECK(strcmp(fake.console, "test_pd: the guest's images can't be placed\n"
                               "test_pd: the guest is not started\n") == 0);
}

static void a_store_to_the_notify_page_notifies_the_virtualiser(void)
{
    const uint32_t widths[] = { 1, 2, 4, 8 };
    boot();
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(guest_store(UIO.gpa + 8 * i, widths[i], i));
        CHECK(fake.notified_count[VIRT] == i + 1);
    }
    CHECK(guest_store(UIO.gpa + UIO.size_bytes - 1, 1, 1));
    CHECK(guest_store_zero_register(UIO.gpa, 4));
    CHECK(fake.notified_count[VIRT] == 6 && fake_notifications() == 6);
    CHECK(((const struct vmm_uio *)UIO.state)->notifications == 6);
}

static void the_notify_page_reads_as_zero(void)
{
    uint64_t value = UINT64_MAX;
    boot();
    CHECK(guest_load(UIO.gpa, 1, &value));
    CHECK(value == 0);
    CHECK(fake_notifications() == 0);
    CHECK(fake.console[0] == '\0');
}

static void beside_the_notify_page_is_nothing(void)
{
    boot();
    CHECK(!guest_store(UIO.gpa - 1, 1, 1));
    fake.vcpus[0].suspended = false;
    CHECK(!guest_store(UIO.gpa + UIO.size_bytes, 1, 1));
    CHECK(fake_notifications() == 0);
}

static void a_driver_that_waits_rests_until_it_is_interrupted(void)
{
    boot();
    CHECK(guest_enable(UIO.intid));
    CHECK(guest_rests());
    notified(VIRT);
    CHECK(!fake.vcpus[0].suspended && fake_held(UIO.intid));
    CHECK(guest_end(UIO.intid) && guest_enable(DISK_INTID));
    CHECK(guest_rests());
    notified(DISK_CHANNEL);
    CHECK(!fake.vcpus[0].suspended && fake_held(DISK_INTID) && fake.vcpus[0].resume_count == 2);
}

static void the_virtualisers_notification_interrupts_the_driver(void)
{
    boot();
    guest_enable(UIO.intid);
    CHECK(fake_injected(UIO.intid) == 0);
    notified(VIRT);
    CHECK(fake_injected(UIO.intid) == 1 && fake_held(UIO.intid));
}

static void a_notification_before_the_driver_listens_is_kept(void)
{
    boot();
    notified(VIRT);
    notified(VIRT);
    CHECK(fake_injected(UIO.intid) == 0);
    guest_enable(UIO.intid);
    CHECK(fake_injected(UIO.intid) == 1);
    CHECK(fake.refused_count == 0);
}

/* As Linux's UIO handler: masks the line, ends the interrupt; its user enables the line when it has looked. */
static void guest_handles_uio(void)
{
    CHECK(guest_disable(UIO.intid) && guest_end(UIO.intid));
}

static void notifications_while_the_line_is_masked_are_one_interrupt_later(void)
{
    boot();
    guest_enable(UIO.intid);
    notified(VIRT);
    notified(VIRT); /* while the guest has it */
    guest_handles_uio();
    notified(VIRT); /* while the line is masked */
    CHECK(guest_waits_for_event());
    CHECK(fake_injected(UIO.intid) == 1);
    guest_enable(UIO.intid);
    CHECK(fake_injected(UIO.intid) == 2);
    guest_handles_uio();
    guest_enable(UIO.intid);
    CHECK(fake_injected(UIO.intid) == 2);
    CHECK(fake.refused_count == 0 && fake.console[0] == '\0');
}

static void a_hardware_interrupt_is_handed_through(void)
{
    boot();
    guest_enable(DISK_INTID);
    const uint32_t before = fake.acknowledged_count[DISK_CHANNEL];
    notified(DISK_CHANNEL);
    CHECK(fake_injected(DISK_INTID) == 1);
    CHECK(fake.acknowledged_count[DISK_CHANNEL] == before);
    guest_end(DISK_INTID);
    CHECK(fake.acknowledged_count[DISK_CHANNEL] == before + 1);
    notified(DISK_CHANNEL);
    CHECK(fake_injected(DISK_INTID) == 2);
}

static void a_hardware_interrupt_that_is_disabled_is_kept(void)
{
    boot();
    notified(DISK_CHANNEL);
    CHECK(fake_injected(DISK_INTID) == 0 && fake.acknowledged_count[DISK_CHANNEL] == 0);
    guest_enable(DISK_INTID);
    CHECK(fake_injected(DISK_INTID) == 1 && fake.acknowledged_count[DISK_CHANNEL] == 0);
    guest_end(DISK_INTID);
    CHECK(guest_disable(DISK_INTID));
    notified(DISK_CHANNEL);
    CHECK(guest_waits_for_event());
    CHECK(fake.refused_count == 0 && fake_injected(DISK_INTID) == 1);
    guest_enable(DISK_INTID);
    CHECK(fake_injected(DISK_INTID) == 2);
}

/* Before its first interrupt the kernel may have the line masked; while one is under way it has to stay so. */
static void enabling_a_hardware_interrupt_unmasks_it(void)
{
    boot();
    guest_enable(DISK_INTID);
    CHECK(fake.acknowledged_count[DISK_CHANNEL] == 1);
    notified(DISK_CHANNEL);
    guest_enable(DISK_INTID);
    CHECK(fake.acknowledged_count[DISK_CHANNEL] == 1 && fake_injected(DISK_INTID) == 1);
}

static void the_drivers_console_is_printed_with_its_name(void)
{
    strcpy(microkit_name, "block_driver_vmm");
    boot();
    const uint64_t data_gpa = CONSOLE.gpa + PL011_DR;
    CHECK(guest_store(data_gpa, 1, 'u') && guest_store(data_gpa, 1, 'p') && guest_store(data_gpa, 1, '\n'));
    CHECK(strcmp(fake.console, "block_driver| up\n") == 0 && fake.puts_count == 1);
    CHECK(fake_notifications() == 0);
}

static void an_unknown_channel_does_nothing(void)
{
    boot();
    for (uint32_t intid = 1; intid < FAKE_INTIDS; intid++) {
        if (intid == UIO.intid || intid == DISK_INTID) {
            guest_enable(intid);
        }
    }
    fake.acknowledged_count[DISK_CHANNEL] = 0;
    uint32_t unknown = 0;
    for (uint32_t channel = 0; channel < MICROKIT_MAX_CHANNELS; channel++) {
        if (channel != VIRT && channel != DISK_CHANNEL) {
            notified(channel);
            unknown += channel != vmm_config.guest.timer.channel;
        }
    }
    for (uint32_t intid = 0; intid < FAKE_INTIDS; intid++) {
        CHECK(fake_injected(intid) == 0);
    }
    CHECK(vmm_unknown_notifications() == unknown);
    CHECK(fake.refused_count == 0 && fake_notifications() == 0 && fake.console[0] == '\0');
}

static void a_timer_interrupt_that_is_not_enabled_stays_masked(void)
{
    boot();
    CHECK(guest_timer_fires());
    CHECK(fake.vcpus[0].timer_acknowledged_count == 0 && fake_injected(FAKE_TIMER_INTID) == 0);
    guest_enable(FAKE_TIMER_INTID); /* libvmm acknowledges; the timer fires again */
    CHECK(fake.vcpus[0].timer_acknowledged_count == 1);
    CHECK(guest_timer_fires());
    CHECK(fake_injected(FAKE_TIMER_INTID) == 1 && fake.vcpus[0].timer_acknowledged_count == 1);
    guest_end(FAKE_TIMER_INTID);
    CHECK(fake.vcpus[0].timer_acknowledged_count == 2);
}

static volatile uint32_t *status;

static void check_disk_stopped(void)
{
    CHECK(*status == 0);
}

/* Its disk may still write into its RAM: virtio-mmio's Status, of the last slot. */
static void a_guest_that_resets_itself_has_its_disk_stopped_first(void)
{
    boot();
    CHECK(vmm_config.reset_count == 1 && vmm_config.resets[0].register_vaddr % 0x1000 == 0xe70);
    fake_map(vmm_config.guest.ram_vaddr, vmm_config.guest.ram_size_bytes);
    fake_map(vmm_config.resets[0].register_vaddr & ~UINT64_C(0xfff), 0x1000);
    status = (volatile uint32_t *)vmm_config.resets[0].register_vaddr;
    *status = 15;
    fake.at_start = check_disk_stopped;
    CHECK(!guest_calls(0x84000009u) && *status == 0);
    CHECK(strcmp(fake.console, "test_pd: the guest starts again\n") == 0);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_guest_that_resets_itself_has_its_disk_stopped_first),
    UNIT_TEST(addresses_are_published_before_the_guest_starts),
    UNIT_TEST(an_address_that_was_not_patched_is_named),
    UNIT_TEST(an_address_that_can_not_be_is_named),
    UNIT_TEST(addresses_that_overlap_are_named),
    UNIT_TEST(a_guest_that_can_not_be_made_is_not_started),
    UNIT_TEST(images_that_do_not_fit_are_not_started),
    UNIT_TEST(a_store_to_the_notify_page_notifies_the_virtualiser),
    UNIT_TEST(the_notify_page_reads_as_zero),
    UNIT_TEST(beside_the_notify_page_is_nothing),
    UNIT_TEST(a_driver_that_waits_rests_until_it_is_interrupted),
    UNIT_TEST(the_virtualisers_notification_interrupts_the_driver),
    UNIT_TEST(a_notification_before_the_driver_listens_is_kept),
    UNIT_TEST(notifications_while_the_line_is_masked_are_one_interrupt_later),
    UNIT_TEST(a_hardware_interrupt_is_handed_through),
    UNIT_TEST(a_hardware_interrupt_that_is_disabled_is_kept),
    UNIT_TEST(enabling_a_hardware_interrupt_unmasks_it),
    UNIT_TEST(the_drivers_console_is_printed_with_its_name),
    UNIT_TEST(an_unknown_channel_does_nothing),
    UNIT_TEST(a_timer_interrupt_that_is_not_enabled_stays_masked),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
