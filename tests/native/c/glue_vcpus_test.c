/* SPDX-License-Identifier: BSD-2-Clause */
/* The VMM of a guest with several virtual CPUs: what starts and stops them, and whose interrupt is whose. */
#include <sdfgen/vmm_config.h>

#include "glue_fake.h"
#include "glue_table.h"
#include "vmm_gic_map.h"

#define FUNCTION_64 0x40000000u
#define VERSION 0x84000000u
#define CPU_SUSPEND 0xc4000001u
#define CPU_OFF 0x84000002u
#define CPU_ON 0xc4000003u
#define AFFINITY_INFO 0xc4000004u
#define MIGRATE_INFO_TYPE 0x84000006u
#define SYSTEM_OFF 0x84000008u
#define SYSTEM_RESET 0x84000009u
#define FEATURES 0x8400000au
#define NOT_SUPPORTED (-1)
#define INVALID_PARAMETERS (-2)
#define ALREADY_ON (-4)
#define INVALID_ADDRESS (-9)

#define DISTRIBUTOR UINT64_C(0x8000000)
#define ISPENDR (DISTRIBUTOR + 0x200)
#define ITARGETSR (DISTRIBUTOR + 0x800)
#define SGIR (DISTRIBUTOR + 0xf00)
#define TO_OTHERS (1u << 24)
#define TO_SELF (2u << 24)
#define RESERVED (3u << 24)
#define SGI1R UINT64_C(0x3a3016) /* from x3 */
#define FROM_X3 (UINT64_C(3) << 5)

#define RAM 0x40000000u
#define RAM_BYTES 0x8000000u
#define ENTRY 0x40200000u
#define EDGE_INTID 40u
#define LEVEL_INTID 41u
#define HARDWARE_INTID 42u
#define EDGE 0u /* channels, as below */
#define LEVEL 1u
#define HARDWARE 2u
#define TIMER_ARMED 1u

static struct vmm_device devices[2];
static struct vmm_passthrough_irq irq = { .intid = HARDWARE_INTID, .channel = HARDWARE };
static bool is_high;
static struct guest_timer_page *wake;

static bool create(const struct vmm_device *device, const struct vmm_guest *guest)
{
    (void)device;
    return guest->vcpu_count > 0;
}

static bool load(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    (void)device;
    (void)offset;
    *value = width_bytes;
    return true;
}

static bool store(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    (void)device;
    (void)offset;
    (void)width_bytes;
    return value == 0;
}

static bool level(const struct vmm_device *device)
{
    (void)device;
    return is_high;
}

static const struct vmm_device_kind by_notification = {
    .interrupt = VMM_INTERRUPT_BY_NOTIFICATION,
    .create = create,
    .read = load,
    .write = store,
};
static const struct vmm_device_kind by_level = {
    .interrupt = VMM_INTERRUPT_LEVEL,
    .create = create,
    .read = load,
    .write = store,
    .level = level,
};

static void prepare(uint32_t vcpu_count)
{
    devices[EDGE] = (struct vmm_device){
        .kind = &by_notification,
        .name = "edge",
        .gpa = 0xa000000,
        .size_bytes = 512,
        .intid = EDGE_INTID,
        .channel = EDGE,
    };
    devices[LEVEL] = (struct vmm_device){
        .kind = &by_level,
        .name = "level",
        .gpa = 0xb000000,
        .size_bytes = 512,
        .intid = LEVEL_INTID,
        .channel = LEVEL,
    };
    set_table((struct vmm_config){
        .irqs = &irq,
        .irq_count = 1,
        .devices = devices,
        .device_count = 2,
        .may_restart = true,
    });
    writable_table()->guest.vcpu_count = vcpu_count;
    fake_map(writable_table()->guest.ram_vaddr, RAM_BYTES);
    wake = fake_map(writable_table()->guest.timer.page_vaddr, 4096);
}

static void act_as(uint32_t vcpu)
{
    fake.vcpu = vcpu;
}

/* Starts another, from the one that acts. */
static void turn_on(uint32_t vcpu)
{
    CHECK(guest_call_returns(CPU_ON, vcpu, ENTRY + 4 * vcpu, 0x100 + vcpu) == 0);
    CHECK(fake.vcpus[vcpu].entry_gpa == ENTRY + 4 * vcpu && fake.vcpus[vcpu].context == 0x100 + vcpu);
}

static void enable_all(void)
{
    CHECK(guest_enable(EDGE_INTID) && guest_enable(LEVEL_INTID) && guest_enable(HARDWARE_INTID));
}

/* All four are on, and the first acts. */
/* Bits tell who is on the VMM's core, and who is elsewhere while others have a part of that. */
static void boot_on_cores(uint32_t beside, uint32_t apart)
{
    prepare(4);
    writable_table()->guest.vcpus_beside = beside;
    writable_table()->guest.vcpus_apart = apart;
    init();
    for (uint32_t vcpu = 1; vcpu < 4; vcpu++) {
        turn_on(vcpu);
    }
    enable_all();
}

static void boot(void)
{
    boot_on_cores(0xf, 0);
}

static void arm(uint32_t vcpu, uint64_t due_ticks)
{
    fake.vcpus[vcpu].timer_control = TIMER_ARMED;
    fake.vcpus[vcpu].timer_due_ticks = due_ticks;
}

static void rest(uint32_t vcpu, uint64_t due_ticks)
{
    act_as(vcpu);
    arm(vcpu, due_ticks);
    CHECK(guest_rests());
}

static void choose_target(uint32_t intid, uint32_t vcpu)
{
    CHECK(guest_store(ITARGETSR + intid, 1, UINT64_C(1) << vcpu));
}

/* ---- Starting and stopping ---- */

static void only_the_first_is_started(void)
{
    prepare(4);
    init();
    for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
        CHECK(fake.vcpus[vcpu].affinity == vcpu && fake.vcpus[vcpu].start_count == (vcpu == 0));
    }
}

static void a_vcpu_is_turned_on_where_it_is_told_to(void)
{
    prepare(4);
    init();
    fake.vcpus[2].control = UINT64_MAX;
    CHECK(guest_call_returns(AFFINITY_INFO, 2, 0, 0) == 1);
    turn_on(2);
    CHECK(guest_call_returns(AFFINITY_INFO, 2, 0, 0) == 0 && guest_call_returns(AFFINITY_INFO, 1, 0, 0) == 1);
    CHECK(guest_call_returns(AFFINITY_INFO & ~FUNCTION_64, 2, 0, 0) == 0);
    CHECK(fake.vcpus[0].start_count == 1 && fake.vcpus[1].start_count == 0 && fake.vcpus[3].start_count == 0);
    act_as(2);
    CHECK(guest_call_returns(AFFINITY_INFO, 0, 0, 0) == 0);
}

static void arguments_of_a_call_of_32_bits_are_of_32_bits(void)
{
    const uint64_t above = UINT64_C(0xffffffff00000000);
    prepare(4);
    init();
    CHECK(guest_call_returns(CPU_ON & ~FUNCTION_64, above | 1, above | ENTRY, above | 7) == 0);
    CHECK(fake.vcpus[1].entry_gpa == ENTRY && fake.vcpus[1].context == 7);
    CHECK(guest_call_returns(AFFINITY_INFO & ~FUNCTION_64, above | 1, above, 0) == 0);
}

static void a_vcpu_that_can_not_be_is_not_turned_on(void)
{
    const uint64_t targets[] = { 4, 5, 31, 32, 64, 0x100, 0x10000, 0x80000000, UINT64_C(1) << 32, UINT64_MAX };
    prepare(4);
    init();
    for (uint32_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        CHECK(guest_call_returns(CPU_ON, targets[i], ENTRY, 0) == INVALID_PARAMETERS);
        CHECK(guest_call_returns(AFFINITY_INFO, targets[i], 0, 0) == INVALID_PARAMETERS);
    }
    for (uint64_t lowest = 1; lowest < 5; lowest++) {
        CHECK(guest_call_returns(AFFINITY_INFO, 0, lowest, 0) == INVALID_PARAMETERS);
    }
}

static void a_vcpu_that_is_on_is_not_turned_on(void)
{
    boot();
    for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
        CHECK(guest_call_returns(CPU_ON, vcpu, ENTRY, 0) == ALREADY_ON);
        CHECK(fake.vcpus[vcpu].start_count == 1);
    }
}

static void a_vcpu_is_not_started_outside_of_the_guests_memory(void)
{
    const uint64_t entries[] = { 0, RAM - 4, RAM + RAM_BYTES, DISTRIBUTOR, ENTRY + 1, ENTRY + 2, UINT64_MAX - 3 };
    prepare(4);
    init();
    for (uint32_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        CHECK(guest_call_returns(CPU_ON, 1, entries[i], 0) == INVALID_ADDRESS);
    }
    CHECK(fake.vcpus[1].start_count == 0 && guest_call_returns(CPU_ON, 1, RAM + RAM_BYTES - 4, 0) == 0);
}

static void a_vcpu_is_turned_off_and_on_again_and_again(void)
{
    boot();
    for (uint32_t i = 2; i < 6; i++) {
        act_as(3);
        arm(3, 5000);
        fake.vcpus[3].control = UINT64_MAX;
        CHECK(!guest_calls(CPU_OFF) && fake.vcpus[3].suspended);
        act_as(0);
        CHECK(guest_call_returns(AFFINITY_INFO, 3, 0, 0) == 1);
        turn_on(3);
        CHECK(fake.vcpus[3].start_count == i && fake.vcpus[3].control == 0x30d00800);
    }
}

static void the_first_is_turned_off_and_on_too(void)
{
    boot();
    CHECK(!guest_calls(CPU_OFF) && fake.vcpus[0].suspended);
    act_as(1);
    CHECK(guest_call_returns(AFFINITY_INFO, 0, 0, 0) == 1);
    turn_on(0);
    CHECK(fake.vcpus[0].start_count == 2 && !fake.vcpus[0].suspended);
}

static void a_guest_whose_last_vcpu_is_off_stays_off(void)
{
    boot();
    for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
        act_as(vcpu);
        CHECK(!guest_calls(CPU_OFF));
    }
    notified(EDGE);
    notified(HARDWARE);
    is_high = true;
    notified(LEVEL);
    notified(TIMER_CHANNEL);
    for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
        CHECK(fake.vcpus[vcpu].suspended && fake.vcpus[vcpu].resume_count == 0);
    }
    CHECK(fake_injected(EDGE_INTID) == 0 && fake.refused_count == 0 && fake.console[0] == '\0');
}

static void calls_that_tell_of_the_firmware_are_answered(void)
{
    boot();
    CHECK(guest_call_returns(VERSION, 0, 0, 0) == 0x10002);
    CHECK(guest_call_returns(MIGRATE_INFO_TYPE, 0, 0, 0) == 2);
    CHECK(guest_call_returns(CPU_SUSPEND, 0, ENTRY, 0) == 0);
    const uint32_t there[] = {
        VERSION, CPU_SUSPEND, CPU_OFF, CPU_ON, AFFINITY_INFO, MIGRATE_INFO_TYPE, SYSTEM_OFF, SYSTEM_RESET, FEATURES,
    };
    for (uint32_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
        CHECK(guest_call_returns(FEATURES, there[i], 0, 0) == 0);
    }
    CHECK(guest_call_returns(FEATURES, 0x80000000, 0, 0) == NOT_SUPPORTED);
}

/* Numbers that are PSCI's in other services, and services that nobody has. */
static void any_other_call_is_not_supported(void)
{
    boot();
    for (uint32_t service = 0; service < 64; service++) {
        for (uint32_t number = 0; number < 0x40; number++) {
            const uint32_t function = 0x80000000 | service << 24 | number;
            if (service != 4 || number > 10 || number == 5 || number == 7) {
                CHECK(guest_call_returns(function, 0, ENTRY, 0) == NOT_SUPPORTED);
            }
        }
    }
    CHECK(guest_call_returns(0, 1, 2, 3) == NOT_SUPPORTED && guest_call_returns(UINT32_MAX, 1, 2, 3) == NOT_SUPPORTED);
    CHECK(fake.console[0] == '\0');
}

static void a_guest_that_turns_itself_off_has_no_vcpu_on(void)
{
    boot();
    rest(1, 5000);
    act_as(2);
    CHECK(!guest_calls(SYSTEM_OFF));
    fake.now_ticks = 6000;
    notified(TIMER_CHANNEL);
    notified(EDGE);
    for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
        CHECK(fake.vcpus[vcpu].suspended && fake.vcpus[vcpu].resume_count == 0);
    }
    CHECK(strcmp(fake.console, "test_pd: the guest has turned itself off\n") == 0);
}

static void a_fault_that_can_not_be_handled_stops_all(void)
{
    boot();
    rest(1, 5000);
    act_as(2);
    CHECK(!guest_access_without_syndrome(devices[0].gpa));
    notified(EDGE);
    fake.now_ticks = 6000;
    notified(TIMER_CHANNEL);
    for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
        CHECK(fake.vcpus[vcpu].suspended && fake.vcpus[vcpu].resume_count == 0);
    }
    CHECK(strstr(fake.console, "test_pd: the guest is stopped\n") != NULL);
    CHECK(strstr(strstr(fake.console, "stopped") + 1, "stopped") == NULL);
}

static void a_fault_of_a_vcpu_that_does_not_exist_is_not_answered(void)
{
    microkit_msginfo reply;
    prepare(2);
    init();
    CHECK(fault(2, microkit_msginfo_new(seL4_Fault_VCPUFault, 1), &reply) == seL4_False);
    CHECK(fault(UINT32_MAX, microkit_msginfo_new(seL4_Fault_VCPUFault, 1), &reply) == seL4_False);
}

static void more_vcpus_than_there_is_room_for_are_refused(void)
{
    prepare(5);
    init();
    CHECK(strcmp(fake.log, "") == 0);
    CHECK(strcmp(fake.console, "test_pd: more virtual CPUs than libvmm has room for\n" NOT_STARTED) == 0);
}

/* ---- Reset ---- */

static void check_all_but_the_first_are_off(void)
{
    act_as(0);
    for (uint32_t vcpu = 1; vcpu < 4; vcpu++) {
        CHECK(fake.vcpus[vcpu].suspended && guest_call_returns(AFFINITY_INFO, vcpu, 0, 0) == 1);
        CHECK((fake.vcpus[vcpu].control & 1) == 0 && fake.vcpus[vcpu].timer_control == 0);
    }
}

static void any_vcpu_resets_the_guest_whatever_the_others_do(void)
{
    boot();
    CHECK(!guest_calls(CPU_OFF));
    rest(1, 5000);
    act_as(3);
    fake.vcpus[2].control = UINT64_MAX;
    CHECK(!guest_calls(SYSTEM_RESET));
    CHECK(strcmp(fake.console, "test_pd: the guest starts again\n") == 0 && !fake.vcpus[0].suspended);
    check_all_but_the_first_are_off();
    for (uint32_t vcpu = 1; vcpu < 4; vcpu++) {
        turn_on(vcpu);
    }
    fake.now_ticks = 5000;
    notified(TIMER_CHANNEL);
    CHECK(fake.vcpus[1].resume_count == 0);
}

/* As Linux does: it stops the others by an SGI, in which they stay. */
static void vcpus_that_are_in_an_interrupt_end_it_before_the_guest_starts_again(void)
{
    boot();
    CHECK(guest_store(SGIR, 4, TO_OTHERS | 5));
    for (uint32_t vcpu = 1; vcpu < 3; vcpu++) {
        fake.vcpus[vcpu].took = true;
        act_as(vcpu);
        CHECK(guest_waits_in_vain());
        rest(vcpu, 5000);
    }
    act_as(0);
    CHECK(!guest_calls(SYSTEM_RESET));
    CHECK(fake.console[0] == '\0' && fake.vcpus[3].suspended && fake.parked_count == 1);
    notified(EDGE);
    CHECK(fake_injected(EDGE_INTID) == 0);
    act_as(2);
    CHECK(!guest_ends_what_it_took() && fake.console[0] == '\0' && fake.vcpus[2].suspended);
    act_as(1);
    CHECK(!guest_ends_what_it_took());
    CHECK(strcmp(fake.console, "test_pd: the guest starts again\n") == 0);
    check_all_but_the_first_are_off();
    turn_on(1);
    CHECK(guest_store(SGIR, 4, 2u << 16 | 5) && fake_held_by(1, 5));
}

/* ---- SGIs ---- */

static void an_sgi_goes_to_those_it_names(void)
{
    boot();
    act_as(1);
    CHECK(guest_store(SGIR, 4, 0x5u << 16 | 3));
    for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
        CHECK(fake_held_by(vcpu, 3) == (vcpu == 0 || vcpu == 2));
    }
    CHECK(guest_store(SGIR, 4, TO_OTHERS | 4));
    CHECK(guest_store(SGIR, 4, TO_SELF | 5));
    CHECK(guest_store(SGIR, 4, RESERVED | 0xff << 16 | 6));
    for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
        CHECK(fake_held_by(vcpu, 4) == (vcpu != 1) && fake_held_by(vcpu, 5) == (vcpu == 1) && !fake_held_by(vcpu, 6));
    }
}

static void an_sgi_by_a_system_register_goes_to_those_it_names(void)
{
    boot();
    act_as(1);
    CHECK(guest_moves(SGI1R | FROM_X3, UINT64_C(3) << 24 | 0x5));
    CHECK(guest_moves(SGI1R | FROM_X3, UINT64_C(1) << 40 | 4u << 24));
    CHECK(guest_moves(SGI1R | FROM_X3, UINT64_C(1) << 16 | 6u << 24 | 0xffff));
    CHECK(guest_moves(SGI1R | FROM_X3, UINT64_C(1) << 32 | 6u << 24 | 0xffff));
    CHECK(guest_moves(SGI1R | FROM_X3, UINT64_C(1) << 48 | 6u << 24 | 0xffff));
    for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
        CHECK(fake_held_by(vcpu, 3) == (vcpu == 0 || vcpu == 2) && fake_held_by(vcpu, 4) == (vcpu != 1));
        CHECK(!fake_held_by(vcpu, 6));
    }
    CHECK(!guest_moves(SGI1R | 1 | FROM_X3, 0)); /* a load of it, which is libvmm's */
}

static void an_sgi_wakes_the_vcpu_that_it_goes_to(void)
{
    boot();
    rest(1, GUEST_TIMER_NEVER);
    rest(2, GUEST_TIMER_NEVER);
    act_as(0);
    CHECK(guest_store(SGIR, 4, 2u << 16));
    CHECK(!fake.vcpus[1].suspended && fake.vcpus[2].suspended);
}

static void an_sgi_to_a_vcpu_that_is_off_or_absent_is_nobodys(void)
{
    prepare(2);
    init();
    CHECK(guest_store(SGIR, 4, 0xfeu << 16 | 1) && guest_store(SGIR, 4, TO_OTHERS | 1));
    turn_on(1);
    CHECK(guest_waits_for_event() && !fake_held_by(1, 1));
    CHECK(guest_store(SGIR, 4, 0xfeu << 16 | 1) && fake_held_by(1, 1));
}

static void an_sgi_that_comes_while_the_vcpu_has_it_comes_once_more(void)
{
    boot();
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(guest_store(SGIR, 4, 2u << 16 | 7));
    }
    act_as(1);
    CHECK(fake_injected(7) == 1 && guest_end(7) && fake_injected(7) == 2 && guest_end(7) && fake_injected(7) == 2);
}

static void more_sgis_than_list_registers_all_come(void)
{
    boot();
    for (uint32_t intid = 0; intid < 16; intid++) {
        CHECK(guest_store(SGIR, 4, 2u << 16 | intid));
    }
    notified(EDGE);
    CHECK(fake_held_by(0, EDGE_INTID));
    act_as(1);
    for (uint32_t intid = 0; intid < 16; intid++) {
        CHECK(guest_end(intid) && fake_injected(intid) == 1);
    }
}

static void an_sgi_while_the_controller_is_off_waits_until_it_is_on(void)
{
    boot();
    CHECK(guest_store(DISTRIBUTOR, 4, 0));
    CHECK(guest_store(SGIR, 4, TO_OTHERS | 1) && guest_store(SGIR, 4, TO_OTHERS | 1) && !fake_held_by(1, 1));
    CHECK(guest_store(DISTRIBUTOR, 4, 1) && fake_held_by(1, 1) && !fake_held_by(0, 1));
    act_as(1);
    CHECK(guest_end(1) && fake_injected(1) == 1);
}

/* ---- What libvmm must not see ---- */

static void registers_that_libvmm_asserts_on_are_kept_from_it(void)
{
    boot();
    for (uint64_t at = ISPENDR; at < ISPENDR + 0x80; at += 4) {
        CHECK(guest_store(at, 4, UINT32_MAX));
    }
    for (uint64_t at = SGIR; at < SGIR + 0x30; at++) {
        CHECK((at >= SGIR + 4 && at < SGIR + 0x10) || guest_store(at, 1, 0));
    }
    CHECK(!guest_access_without_syndrome(SGIR));
}

/* What the fake libvmm is told of, it has to take. */
static void every_access_to_the_controller_is_survived(void)
{
    static const uint64_t values[] = { 0, 1, 0x80, 0xffff, UINT32_MAX, UINT64_MAX };
    boot();
    for (uint64_t at = DISTRIBUTOR; at < DISTRIBUTOR + 0x1000; at++) {
        for (uint32_t width_bytes = 1; width_bytes <= 8 && at % width_bytes == 0; width_bytes *= 2) {
            uint64_t value = 0;
            for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
                CHECK(guest_store(at, width_bytes, values[i]));
            }
            CHECK(guest_store_zero_register(at, width_bytes));
            CHECK(guest_load(at, width_bytes, &value) && guest_load_zero_register(at, width_bytes));
        }
    }
}

/* libvmm's two switches, beyond which it asserts. */
static bool libvmm_takes_of_a_redistributor(uint32_t offset, uint32_t width_bytes, bool is_load)
{
    static const uint32_t loads[] = { 0x0, 0x4, 0x8, 0x14, 0xffe8, 0x10080, 0x10c04 };
    static const uint32_t stores[] = { 0x14, 0x10080, 0x10100, 0x10180, 0x10380 };
    const uint32_t *words = is_load ? loads : stores;
    const uint32_t count = is_load ? sizeof(loads) / 4 : sizeof(stores) / 4;
    for (uint32_t i = 0; i < count; i++) {
        if (words[i] == offset && (width_bytes == 4 || (width_bytes == 8 && offset == 8))) {
            return true;
        }
    }
    return !is_load && offset >= 0x10400 && offset < 0x10420 && width_bytes <= 4;
}

static void of_a_redistributor_libvmm_sees_what_it_takes(void)
{
    for (uint32_t offset = 0; offset < 0x20000; offset++) {
        for (uint32_t width_bytes = 1; width_bytes <= 8 && offset % width_bytes == 0; width_bytes *= 2) {
            for (uint32_t is_load = 0; is_load < 2; is_load++) {
                const enum vmm_gic_owner owner = vmm_gic_redistributor_owner(offset, width_bytes, is_load != 0);
                const bool takes = libvmm_takes_of_a_redistributor(offset, width_bytes, is_load != 0);
                CHECK(owner == (takes ? VMM_GIC_LIBVMM : VMM_GIC_NOBODY));
            }
        }
    }
}

static void what_nobody_has_reads_as_zero(void)
{
    uint64_t value = 0;
    boot();
    CHECK(guest_load(DISTRIBUTOR + 0x100, 1, &value) && value == 0);
    CHECK(guest_load_into(DISTRIBUTOR + 0x8, 8, UINT64_MAX, true, false, &value) && value == 0);
    CHECK(guest_load(DISTRIBUTOR + 0xfe8, 2, &value) && value == 0);
}

static void narrow_stores_change_only_what_the_architecture_has_in_bytes(void)
{
    boot();
    CHECK(guest_disable(EDGE_INTID) && guest_store(DISTRIBUTOR + 0x100 + EDGE_INTID / 8, 1, 1u << EDGE_INTID % 8));
    notified(EDGE);
    CHECK(fake_injected(EDGE_INTID) == 0 && guest_enable(EDGE_INTID) && fake_injected(EDGE_INTID) == 1);
    choose_target(LEVEL_INTID, 2);
    is_high = true;
    notified(LEVEL);
    CHECK(fake_held_by(2, LEVEL_INTID));
}

static void a_misaligned_access_to_the_controller_stops_the_guest(void)
{
    boot();
    CHECK(!guest_store(DISTRIBUTOR + 0x101, 2, 1));
    CHECK(strcmp(fake.console, "test_pd: the guest accessed its interrupt controller in a way that can't be emulated\n"
                               "test_pd: the guest is stopped\n") == 0);
}

/* Linux does, of an edge that came while it had the interrupt masked. */
static void an_interrupt_that_the_guest_makes_pending_comes(void)
{
    boot();
    CHECK(guest_store(ISPENDR + EDGE_INTID / 32 * 4, 4, 1u << EDGE_INTID % 32) && fake_injected(EDGE_INTID) == 1);
    CHECK(guest_store(ISPENDR + EDGE_INTID / 32 * 4, 4, 1u << EDGE_INTID % 32) && fake_injected(EDGE_INTID) == 1);
    CHECK(guest_end(EDGE_INTID) && fake_injected(EDGE_INTID) == 2 && guest_end(EDGE_INTID));
    CHECK(guest_store(ISPENDR + LEVEL_INTID / 32 * 4, 4, 1u << LEVEL_INTID % 32) && fake_injected(LEVEL_INTID) == 0);
    CHECK(fake_injected(EDGE_INTID) == 2);
}

/* ---- Where interrupts go ---- */

static void an_interrupt_goes_to_the_first_until_the_guest_chooses(void)
{
    boot();
    notified(EDGE);
    CHECK(fake_held_by(0, EDGE_INTID));
    choose_target(EDGE_INTID, 2);
    choose_target(LEVEL_INTID, 3);
    notified(EDGE);
    CHECK(fake_injected(EDGE_INTID) == 1 && guest_end(EDGE_INTID) && fake_held_by(2, EDGE_INTID));
    rest(3, GUEST_TIMER_NEVER);
    is_high = true;
    notified(LEVEL);
    CHECK(fake_held_by(3, LEVEL_INTID) && !fake.vcpus[3].suspended);
    notified(HARDWARE);
    CHECK(fake_held_by(0, HARDWARE_INTID));
}

static void four_targets_are_chosen_at_once(void)
{
    boot();
    CHECK(guest_store(ITARGETSR + EDGE_INTID, 4, 0x0c000802));
    notified(EDGE);
    is_high = true;
    notified(LEVEL);
    notified(HARDWARE);
    CHECK(fake_held_by(1, EDGE_INTID) && fake_held_by(3, LEVEL_INTID));
    CHECK(fake_held_by(0, HARDWARE_INTID)); /* nobody was chosen */
}

static void targets_that_can_not_be_are_the_first(void)
{
    boot();
    choose_target(EDGE_INTID, 7);
    CHECK(guest_store(ITARGETSR + 1016, 8, UINT64_MAX) && guest_store(ITARGETSR + 1016, 4, UINT32_MAX));
    notified(EDGE);
    CHECK(fake_held_by(0, EDGE_INTID));
}

static void an_interrupt_of_a_vcpu_that_is_off_goes_to_another(void)
{
    boot();
    choose_target(EDGE_INTID, 0);
    CHECK(!guest_calls(CPU_OFF));
    notified(EDGE);
    CHECK(fake_held_by(1, EDGE_INTID));
}

static void an_interrupt_that_a_vcpu_did_not_take_before_it_was_off_is_not_lost(void)
{
    boot();
    choose_target(EDGE_INTID, 1);
    choose_target(LEVEL_INTID, 1);
    choose_target(HARDWARE_INTID, 1);
    notified(EDGE);
    is_high = true;
    notified(LEVEL);
    notified(HARDWARE);
    const uint32_t acknowledged = fake.acknowledged_count[HARDWARE];
    act_as(1);
    CHECK(!guest_calls(CPU_OFF));
    act_as(0);
    CHECK(fake_held_by(0, EDGE_INTID) && fake_held_by(0, LEVEL_INTID) && fake_held_by(0, HARDWARE_INTID));
    turn_on(1);
    act_as(1);
    CHECK(guest_end(EDGE_INTID) && guest_end(HARDWARE_INTID)); /* the old ones, which were still there */
    CHECK(fake_injected(EDGE_INTID) == 2 && fake.acknowledged_count[HARDWARE] == acknowledged);
    act_as(0);
    CHECK(guest_end(EDGE_INTID) && guest_end(HARDWARE_INTID));
    CHECK(fake_injected(EDGE_INTID) == 2 && fake.acknowledged_count[HARDWARE] == acknowledged + 1);
}

static void an_sgi_that_waited_for_a_vcpu_is_gone_when_that_was_off(void)
{
    boot();
    CHECK(guest_store(SGIR, 4, 2u << 16 | 7) && guest_store(SGIR, 4, 2u << 16 | 7));
    act_as(1);
    CHECK(!guest_calls(CPU_OFF));
    act_as(0);
    turn_on(1);
    act_as(1);
    CHECK(guest_end(7) && fake_injected(7) == 1);
}

/* ---- Timers and rest ---- */

static void each_has_its_own_timer(void)
{
    boot();
    for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
        act_as(vcpu);
        CHECK(guest_timer_fires() && !fake_held_by(vcpu, FAKE_TIMER_INTID));
        CHECK(fake.vcpus[vcpu].timer_acknowledged_count == 0 && guest_enable(FAKE_TIMER_INTID));
        CHECK(fake.vcpus[vcpu].timer_acknowledged_count == 1);
        CHECK(guest_timer_fires() && fake_held_by(vcpu, FAKE_TIMER_INTID));
    }
    act_as(2);
    CHECK(guest_end(FAKE_TIMER_INTID) && fake.vcpus[2].timer_acknowledged_count == 2);
    CHECK(fake.vcpus[1].timer_acknowledged_count == 1 && fake_held_by(1, FAKE_TIMER_INTID));
}

static void check_asked(uint64_t wake_ticks, uint32_t count)
{
    CHECK(wake->wake_ticks == wake_ticks && fake.notified_count[TIMER_CHANNEL] == count);
}

static void each_rests_until_its_own_timer_is_due(void)
{
    boot();
    rest(0, 7000);
    check_asked(7000, 1);
    rest(1, 5000);
    check_asked(5000, 2);
    rest(2, 9000);
    rest(3, GUEST_TIMER_NEVER);
    check_asked(5000, 2);
    fake.now_ticks = 5000;
    notified(TIMER_CHANNEL);
    CHECK(!fake.vcpus[1].suspended && fake.vcpus[0].suspended && fake.vcpus[2].suspended);
    check_asked(7000, 3);
    fake.now_ticks = 7000;
    notified(TIMER_CHANNEL);
    CHECK(!fake.vcpus[0].suspended && fake.vcpus[2].suspended);
    check_asked(9000, 4);
    fake.now_ticks = 9000;
    notified(TIMER_CHANNEL);
    CHECK(!fake.vcpus[2].suspended && fake.vcpus[3].suspended);
    check_asked(9000, 4);
}

static void those_that_are_due_together_wake_together(void)
{
    boot();
    rest(1, 5000);
    rest(2, 5001);
    rest(3, 5000);
    fake.now_ticks = 5001;
    notified(TIMER_CHANNEL);
    CHECK(!fake.vcpus[1].suspended && !fake.vcpus[2].suspended && !fake.vcpus[3].suspended);
}

/* The page has one time: the one before may not have been seen. */
static void a_vcpu_that_is_due_unnoticed_is_woken_by_the_next_that_rests(void)
{
    boot();
    rest(1, 5000);
    fake.now_ticks = 5500;
    rest(2, 9000);
    CHECK(!fake.vcpus[1].suspended);
    check_asked(9000, 2);
}

static void a_time_of_one_that_was_woken_is_not_asked_for_again(void)
{
    boot();
    rest(1, 5000);
    rest(2, 7000);
    rest(3, 9000);
    act_as(0);
    CHECK(guest_store(SGIR, 4, 4u << 16));
    fake.now_ticks = 5000;
    notified(TIMER_CHANNEL);
    check_asked(9000, 2);
}

static void what_interrupts_one_before_it_rests_is_not_lost_for_the_others(void)
{
    boot();
    CHECK(guest_store(SGIR, 4, TO_OTHERS | 1));
    act_as(1);
    CHECK(guest_waits_in_vain());
    rest(0, GUEST_TIMER_NEVER);
    act_as(2);
    CHECK(guest_waits_in_vain());
    act_as(3);
    CHECK(guest_waits_in_vain() && guest_rests());
    rest(1, GUEST_TIMER_NEVER);
}

static void a_vcpu_that_was_turned_off_while_it_rested_is_not_woken(void)
{
    boot();
    rest(1, 5000);
    act_as(0);
    CHECK(!guest_calls(SYSTEM_RESET));
    fake.now_ticks = 5000;
    notified(TIMER_CHANNEL);
    CHECK(fake.vcpus[1].suspended && fake.vcpus[1].resume_count == 0);
}

#define BURST_TICKS (11 * FAKE_TICKS_IN_MS)

static bool takes_a_fault(uint32_t vcpu)
{
    act_as(vcpu);
    fake.look_ticks = BURST_TICKS / 16;
    const bool runs = guest_waits_for_event();
    fake.look_ticks = 0;
    return runs;
}

static void check_below(uint32_t bits)
{
    for (uint32_t vcpu = 0; vcpu < 4; vcpu++) {
        CHECK(fake.vcpus[vcpu].below == ((bits >> vcpu & 1) != 0 ? FAKE_PRIORITY : 0));
    }
}

static void all_those_beside_the_vmm_stand_below(void)
{
    boot_on_cores(0x7, 0);
    for (uint32_t i = 0; fake.vcpus[0].below == 0; i++) {
        CHECK(i < 100 && takes_a_fault(i % 4));
    }
    check_below(0x7);
    fake.now_ticks += 10 * BURST_TICKS;
    notified(TIMER_CHANNEL);
    check_below(0);
}

/* The VMM would take the time of others beside it all the same. */
static void those_apart_pause_until_all_is_paid(void)
{
    boot_on_cores(0x3, 0xc);
    for (uint32_t faults = 0; takes_a_fault(2); faults++) {
        CHECK(faults < 100);
    }
    check_below(0x3);
    CHECK(fake.vcpus[2].suspended && !takes_a_fault(3) && takes_a_fault(0) && takes_a_fault(1));
    fake.now_ticks = wake->wake_ticks - 1;
    notified(TIMER_CHANNEL);
    CHECK(fake.vcpus[2].suspended && fake.vcpus[3].suspended);
    fake.now_ticks += 10 * BURST_TICKS;
    notified(TIMER_CHANNEL);
    check_below(0);
    CHECK(!fake.vcpus[2].suspended && !fake.vcpus[3].suspended);
}

static const struct unit_test tests[] = {
    UNIT_TEST(only_the_first_is_started),
    UNIT_TEST(a_vcpu_is_turned_on_where_it_is_told_to),
    UNIT_TEST(arguments_of_a_call_of_32_bits_are_of_32_bits),
    UNIT_TEST(a_vcpu_that_can_not_be_is_not_turned_on),
    UNIT_TEST(a_vcpu_that_is_on_is_not_turned_on),
    UNIT_TEST(a_vcpu_is_not_started_outside_of_the_guests_memory),
    UNIT_TEST(a_vcpu_is_turned_off_and_on_again_and_again),
    UNIT_TEST(the_first_is_turned_off_and_on_too),
    UNIT_TEST(a_guest_whose_last_vcpu_is_off_stays_off),
    UNIT_TEST(calls_that_tell_of_the_firmware_are_answered),
    UNIT_TEST(any_other_call_is_not_supported),
    UNIT_TEST(a_guest_that_turns_itself_off_has_no_vcpu_on),
    UNIT_TEST(a_fault_that_can_not_be_handled_stops_all),
    UNIT_TEST(a_fault_of_a_vcpu_that_does_not_exist_is_not_answered),
    UNIT_TEST(more_vcpus_than_there_is_room_for_are_refused),
    UNIT_TEST(any_vcpu_resets_the_guest_whatever_the_others_do),
    UNIT_TEST(vcpus_that_are_in_an_interrupt_end_it_before_the_guest_starts_again),
    UNIT_TEST(an_sgi_goes_to_those_it_names),
    UNIT_TEST(an_sgi_by_a_system_register_goes_to_those_it_names),
    UNIT_TEST(an_sgi_wakes_the_vcpu_that_it_goes_to),
    UNIT_TEST(an_sgi_to_a_vcpu_that_is_off_or_absent_is_nobodys),
    UNIT_TEST(an_sgi_that_comes_while_the_vcpu_has_it_comes_once_more),
    UNIT_TEST(more_sgis_than_list_registers_all_come),
    UNIT_TEST(an_sgi_while_the_controller_is_off_waits_until_it_is_on),
    UNIT_TEST(registers_that_libvmm_asserts_on_are_kept_from_it),
    UNIT_TEST(every_access_to_the_controller_is_survived),
    UNIT_TEST(of_a_redistributor_libvmm_sees_what_it_takes),
    UNIT_TEST(what_nobody_has_reads_as_zero),
    UNIT_TEST(narrow_stores_change_only_what_the_architecture_has_in_bytes),
    UNIT_TEST(a_misaligned_access_to_the_controller_stops_the_guest),
    UNIT_TEST(an_interrupt_that_the_guest_makes_pending_comes),
    UNIT_TEST(an_interrupt_goes_to_the_first_until_the_guest_chooses),
    UNIT_TEST(four_targets_are_chosen_at_once),
    UNIT_TEST(targets_that_can_not_be_are_the_first),
    UNIT_TEST(an_interrupt_of_a_vcpu_that_is_off_goes_to_another),
    UNIT_TEST(an_interrupt_that_a_vcpu_did_not_take_before_it_was_off_is_not_lost),
    UNIT_TEST(an_sgi_that_waited_for_a_vcpu_is_gone_when_that_was_off),
    UNIT_TEST(each_has_its_own_timer),
    UNIT_TEST(each_rests_until_its_own_timer_is_due),
    UNIT_TEST(those_that_are_due_together_wake_together),
    UNIT_TEST(a_vcpu_that_is_due_unnoticed_is_woken_by_the_next_that_rests),
    UNIT_TEST(a_time_of_one_that_was_woken_is_not_asked_for_again),
    UNIT_TEST(what_interrupts_one_before_it_rests_is_not_lost_for_the_others),
    UNIT_TEST(a_vcpu_that_was_turned_off_while_it_rested_is_not_woken),
    UNIT_TEST(all_those_beside_the_vmm_stand_below),
    UNIT_TEST(those_apart_pause_until_all_is_paid),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
