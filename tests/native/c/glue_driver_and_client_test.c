/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM of a guest that drives the disk of one block subsystem, and has a disk of another. */
#include <sdfgen/vmm_config.h>
#include <sdfgen/vmm_uio.h>

#include "glue_table.h"

#define VMM_TABLE writable_table()
#include "glue_disk_rig.h"

#define UIO devices[0]
#define UIO_VIRT 3u
#define DISK_VIRT 5u
#define HARDWARE_CHANNEL 6u
#define HARDWARE_INTID 100u

static struct vmm_device devices[2];
static const struct vmm_passthrough_irq irqs[] = { { .intid = HARDWARE_INTID, .channel = HARDWARE_CHANNEL } };

static uint64_t io_base = 0x60a00000;
static const struct phys_addr_slot slots[] = {
    { .name = "virt_data", .io_base = &io_base, .size_bytes = 0x200000, .map_index = 6 },
};
static const struct vmm_uio_config uio_config = { .phys_addr_vaddr = 0x20001000, .slots = slots, .slot_count = 1 };
static struct vmm_uio uio_state;
static const struct vmm_virtio_blk_config disk_config = {
    .registers_vaddr = 0x20002000,
    .client = {
        .name = "0",
        .connection = {
            .storage_info_vaddr = 0x20003000,
            .request_vaddr = 0x20010000,
            .response_vaddr = 0x20020000,
            .queue_capacity = 1024,
            .channel = DISK_VIRT,
            .extended = true,
        },
        .data = { .vaddr = 0x20200000, .size_bytes = 0x200000 },
    },
};
static struct vmm_virtio_blk disk_state;
static volatile struct phys_addr_region *addresses;

static void map_both(void)
{
    UIO = (struct vmm_device){
        .kind = &vmm_uio_kind,
        .name = "fast",
        .gpa = 0x80000000,
        .size_bytes = 0x1000,
        .intid = 50,
        .channel = UIO_VIRT,
        .config = &uio_config,
        .state = &uio_state,
    };
    devices[1] = (struct vmm_device){
        .kind = &vmm_virtio_blk_kind,
        .name = "disk_0",
        .gpa = 0x150000,
        .size_bytes = 0x1000,
        .intid = 75,
        .channel = DISK_VIRT,
        .config = &disk_config,
        .state = &disk_state,
    };
    set_table((struct vmm_config){ .irqs = irqs, .irq_count = 1, .devices = devices, .device_count = 2 });
    map_regions();
    addresses = fake_map(uio_config.phys_addr_vaddr, PHYS_ADDR_PAGE_BYTES);
}

static void check_not_started(const char *console)
{
    CHECK(strcmp(fake.log, "guest_init ") == 0 && strcmp(fake.console, console) == 0);
    for (uint32_t channel = 0; channel < MICROKIT_MAX_CHANNELS; channel++) {
        notified(channel);
    }
    CHECK(strcmp(fake.log, "guest_init ") == 0 && strcmp(fake.console, console) == 0 && fake_notifications() == 0);
}

static void a_driver_waits_for_a_disk_of_its_own(void)
{
    map_both();
    init();
    CHECK(strcmp(fake.log, "guest_init ") == 0 && addresses->magic == PHYS_ADDR_MAGIC);
    notified(UIO_VIRT); /* is kept */
    CHECK(strcmp(fake.log, "guest_init ") == 0);
    publish_disk();
    notified(DISK_VIRT);
    CHECK(strcmp(fake.log, STARTED) == 0);
    CHECK(guest_enable(UIO.intid) && fake_injected(UIO.intid) == 1 && fake_injected(INTID) == 0);
}

static void a_driver_serves_and_is_served(void)
{
    map_both();
    publish_disk();
    init();
    CHECK(strcmp(fake.log, STARTED) == 0);
    CHECK(guest_enable(INTID) && guest_enable(UIO.intid) && guest_enable(HARDWARE_INTID));
    start_driver();
    submit_read(0);
    CHECK(fake.notified_count[DISK_VIRT] == 1 && fake.notified_count[UIO_VIRT] == 0);
    notified(UIO_VIRT);
    CHECK(fake_injected(UIO.intid) == 1 && fake_injected(INTID) == 0);
    CHECK(guest_store(UIO.gpa, 4, 0));
    CHECK(fake.notified_count[UIO_VIRT] == 1 && fake.notified_count[DISK_VIRT] == 1);
    notified(HARDWARE_CHANNEL);
    CHECK(fake_injected(HARDWARE_INTID) == 1);
    virtualiser_answers(0x5a);
    CHECK(*at(DATA) == 0x5a && fake_injected(INTID) == 1 && fake_injected(UIO.intid) == 1);
    CHECK(fake.refused_count == 0 && fake.console[0] == '\0');
}

static void a_driver_without_its_addresses_is_not_started_for_its_disk(void)
{
    map_both();
    io_base = PHYS_ADDR_UNPATCHED;
    publish_disk();
    init();
    check_not_started("test_pd: virt_data: the io address was never patched into this program\n" NOT_STARTED);
}

static void a_disk_whose_guest_has_no_ram_is_told(void)
{
    map_both();
    VMM_TABLE->guest.ram_size_bytes = 0;
    init();
    check_not_started("test_pd: disk_0: the guest's RAM can't be where the table says\n" NOT_STARTED);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_driver_waits_for_a_disk_of_its_own),
    UNIT_TEST(a_driver_serves_and_is_served),
    UNIT_TEST(a_driver_without_its_addresses_is_not_started_for_its_disk),
    UNIT_TEST(a_disk_whose_guest_has_no_ram_is_told),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
