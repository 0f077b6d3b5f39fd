/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <libvmm/libvmm.h>
#include <libvmm/arch/aarch64/vgic/vgic.h>
#include <libvmm/arch/aarch64/vgic/vgic_v2.h>
#include <libvmm/arch/aarch64/vgic/virq.h>

#include "glue_fake.h"

#define REGISTER 3u /* which the guest loads into and stores from */
#define ZERO_REGISTER 31u
/* libvmm has one more, and does not take it. */
#define MAX_TRAPS 15u
#define GUEST_PC 0x40080000u
/* A GICv3 would have this too: the trap that it takes must not be missed. */
#define GIC_REDIST_PADDR 0x80a0000UL
/* The distributor (Arm IHI 0048): enable registers, of a bit for each interrupt. */
#define GICD_ISENABLER 0x100u
#define GICD_ICENABLER 0x180u
#define GICD_ENABLE_BYTES 0x80u
#define WORD_BITS 32u

/* The images, of 24, 40 and 56 bytes. */
#define IMAGE(name, size)                                                                            \
    __asm__(".pushsection .data\n"                                                                   \
            ".globl _guest_" name "_image\n_guest_" name "_image: .zero " size "\n"                  \
            ".globl _guest_" name "_image_end\n_guest_" name "_image_end: .byte 0\n"                 \
            ".popsection\n")
IMAGE("kernel", "24");
IMAGE("dtb", "40");
IMAGE("initrd", "56");

struct trap {
    uintptr_t base;
    size_t size;
    vm_exception_handler_t callback;
    void *data;
};

struct virq {
    bool registered;
    bool enabled;
    bool held;
    uint32_t injected_count;
    virq_ack_fn_t acknowledge;
    void *data;
};

/* The fault that is being handled. */
struct fault {
    seL4_Word label;
    uint64_t gpa;
    uint64_t syndrome;
    uint32_t intid; /* fired or ended */
    seL4_UserContext registers;
};

static struct trap traps[MAX_TRAPS];
static uint32_t trap_count;
static struct virq virqs[FAKE_INTIDS];
static struct fault current;

static void note(const char *word)
{
    CHECK(strlen(fake.log) + strlen(word) + 2 < sizeof(fake.log));
    strcat(strcat(fake.log, word), " ");
}

/* ---- The kernel ---- */

seL4_Error seL4_TCB_Suspend(seL4_CPtr tcb)
{
    CHECK(tcb == BASE_VM_TCB_CAP && !fake.suspended);
    if (fake.vcpu_is_fixed) {
        return seL4_RangeError;
    }
    fake.suspended = true;
    fake.suspend_count++;
    return seL4_NoError;
}

seL4_Error seL4_TCB_Resume(seL4_CPtr tcb)
{
    CHECK(tcb == BASE_VM_TCB_CAP && fake.suspended);
    if (fake.vcpu_is_fixed) {
        return seL4_RangeError;
    }
    fake.suspended = false;
    fake.resume_count++;
    return seL4_NoError;
}

seL4_Word microkit_vcpu_arm_read_reg(microkit_child vcpu, seL4_Word reg)
{
    CHECK(vcpu == 0 && (reg == seL4_VCPUReg_CNTV_CTL || reg == seL4_VCPUReg_CNTV_CVAL));
    return reg == seL4_VCPUReg_CNTV_CTL ? fake.timer_control : fake.timer_due_ticks;
}

void microkit_vcpu_stop(microkit_child vcpu)
{
    CHECK(vcpu == 0);
    fake.suspended = true;
    note("microkit_vcpu_stop");
}

void microkit_vcpu_arm_ack_vppi(microkit_child vcpu, seL4_Word irq)
{
    CHECK(vcpu == 0 && irq == FAKE_TIMER_INTID);
    fake.timer_acknowledged_count++;
}

seL4_Error seL4_TCB_ReadRegisters(seL4_CPtr tcb, seL4_Bool suspend_source, seL4_Uint8 arch_flags, seL4_Word count,
                                  seL4_UserContext *registers)
{
    CHECK(tcb == BASE_VM_TCB_CAP && suspend_source == seL4_False && arch_flags == 0);
    CHECK(count == SEL4_USER_CONTEXT_SIZE);
    *registers = current.registers;
    return seL4_NoError;
}

/* What is parked must be none of the guest's. */
seL4_Error seL4_ARM_VCPU_InjectIRQ(seL4_CPtr vcpu, seL4_Uint16 virq, seL4_Uint8 priority, seL4_Uint8 group,
                                   seL4_Uint8 index)
{
    CHECK(vcpu == BASE_VCPU_CAP && virq >= FAKE_INTIDS && virq < 1020 && priority == 31 && group == 1);
    CHECK(index < NUM_LIST_REGS);
    if (fake.is_in_an_interrupt && index == NUM_LIST_REGS - 1) {
        return seL4_DeleteFirst;
    }
    note("park");
    return seL4_NoError;
}

/* ---- libvmm ---- */

void vcpu_reset(size_t vcpu_id)
{
    CHECK(vcpu_id == 0);
    note("vcpu_reset");
}

void vgic_init(void)
{
    note("vgic_init");
    memset(virqs, 0, sizeof(virqs));
}

seL4_Word microkit_mr_get(uint8_t index)
{
    if (current.label == seL4_Fault_VCPUFault) {
        CHECK(index == seL4_VCPUFault_HSR);
        return current.syndrome;
    }
    if (current.label == seL4_Fault_VMFault) {
        CHECK(index == seL4_VMFault_Addr || index == seL4_VMFault_FSR);
        return index == seL4_VMFault_Addr ? current.gpa : current.syndrome;
    }
    CHECK(current.label == seL4_Fault_VPPIEvent && index == seL4_VPPIEvent_IRQ);
    return current.intid;
}

/* The fake has what is used of it elsewhere. */
static bool handle_controller(size_t vcpu_id, size_t offset, size_t fsr, seL4_UserContext *regs, void *data)
{
    (void)vcpu_id;
    (void)offset;
    (void)fsr;
    (void)regs;
    (void)data;
    return false;
}

bool guest_init(arch_guest_init_t arguments)
{
    CHECK(arguments.num_vcpus == 1 && arguments.num_guest_ram_regions == 1);
    CHECK(arguments.pci_init.ecam_size == 0 && arguments.pci_init.mmio_aperature_size == 0);
    note("guest_init");
    fake.ram_gpa = arguments.guest_ram_regions[0].gpa_start;
    fake.ram_bytes = arguments.guest_ram_regions[0].size;
    fake.ram_vaddr = (uintptr_t)arguments.guest_ram_regions[0].vmm_vaddr;
    virqs[FAKE_TIMER_INTID].registered = true;
    CHECK(fault_register_vm_exception_handler(GIC_DIST_PADDR, GIC_DIST_SIZE, handle_controller, NULL));
    CHECK(fault_register_vm_exception_handler(GIC_REDIST_PADDR, GIC_DIST_SIZE, handle_controller, NULL));
    return !fake.guest_init_fails;
}

uint64_t linux_setup_images(uint64_t ram_start_gpa, uintptr_t kernel, size_t kernel_size, uintptr_t dtb_src,
                            uint64_t dtb_dest_gpa, size_t dtb_size, uintptr_t initrd_src, uint64_t initrd_dest_gpa,
                            size_t initrd_size)
{
    (void)dtb_dest_gpa;
    (void)initrd_dest_gpa;
    CHECK(kernel != 0 && dtb_src != 0 && initrd_src != 0);
    note("linux_setup_images");
    fake.image_bytes[0] = kernel_size;
    fake.image_bytes[1] = dtb_size;
    fake.image_bytes[2] = initrd_size;
    return fake.images_do_not_fit ? 0 : ram_start_gpa + 0x80000;
}

bool guest_start(uintptr_t kernel_pc, uintptr_t dtb, uintptr_t initrd)
{
    note("guest_start");
    fake.suspended = false;
    fake.entry_gpa = kernel_pc;
    fake.dtb_gpa = dtb;
    fake.initrd_gpa = initrd;
    if (fake.at_start != NULL) {
        fake.at_start();
    }
    return true;
}

static struct virq *virq_of(irq_routing_info_t route)
{
    CHECK(route.type == IRQ_TYPE_ARM_GIC && route.hw.arm_gic.vcpu_id == 0);
    CHECK(route.hw.arm_gic.intid < FAKE_INTIDS);
    return &virqs[route.hw.arm_gic.intid];
}

bool virq_register(irq_routing_info_t route, virq_ack_fn_t ack_fn, void *ack_data)
{
    struct virq *virq = virq_of(route);
    CHECK(strstr(fake.log, "guest_init") != NULL);
    CHECK(!virq->registered && (ack_fn != NULL || route.hw.arm_gic.intid < NUM_SGI_VIRQS));
    *virq = (struct virq){ .registered = true, .acknowledge = ack_fn, .data = ack_data };
    return true;
}

bool virq_inject(irq_routing_info_t route)
{
    struct virq *virq = virq_of(route);
    CHECK(virq->registered);
    if (!virq->enabled || !fake.controller_enabled) {
        fake.refused_count++;
        return false;
    }
    CHECK(!virq->held);
    virq->held = true;
    virq->injected_count++;
    return true;
}

static void acknowledge(uint32_t intid)
{
    const struct virq *virq = &virqs[intid];
    const uint32_t before = virq->injected_count;
    if (intid == FAKE_TIMER_INTID && virq->acknowledge == NULL) {
        fake.timer_acknowledged_count++;
    } else if (virq->acknowledge != NULL) {
        virq->acknowledge(ARM_GIC_IRQ_ROUTE(0, intid), virq->data);
    }
    /* libvmm still has the list register in its hands here. */
    CHECK(virq->injected_count == before);
}

bool fault_register_vm_exception_handler(uintptr_t base, size_t size, vm_exception_handler_t callback, void *data)
{
    if (trap_count == MAX_TRAPS || size == 0) {
        return false;
    }
    for (uint32_t i = 0; i < trap_count; i++) {
        if (base < traps[i].base + traps[i].size && traps[i].base < base + size) {
            return false;
        }
    }
    traps[trap_count++] = (struct trap){ base, size, callback, data };
    return true;
}

bool fault_is_read(uint64_t fsr)
{
    return (fsr >> 6 & 1) == 0;
}

static seL4_Word *register_of(seL4_UserContext *registers, uint64_t syndrome)
{
    /* libvmm keeps one word for the zero register, and a load from a device changes it for every later store. */
    static seL4_Word zero = 0x0bad;
    const uint64_t index = syndrome >> 16 & 31;
    CHECK((syndrome >> 24 & 1) == 1);
    CHECK(index == REGISTER || index == ZERO_REGISTER);
    return index == REGISTER ? &registers->x3 : &zero;
}

uint64_t fault_get_data(seL4_UserContext *regs, uint64_t fsr)
{
    return *register_of(regs, fsr);
}

/* As libvmm: bits of the register beyond the access are kept, and a misaligned address stops a debug build. */
void fault_emulate_write(seL4_UserContext *regs, size_t addr, size_t fsr, size_t reg_val)
{
    const uint32_t width_bytes = 1u << (fsr >> 22 & 3);
    CHECK(addr % width_bytes == 0);
    const uint64_t mask = width_bytes == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * width_bytes) - 1;
    seL4_Word *target = register_of(regs, fsr);
    CHECK(target == &regs->x3);
    *target = (*target & ~mask) | (reg_val & mask);
}

static uint32_t enabled_bits(uint32_t first_intid)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < WORD_BITS && first_intid + i < FAKE_INTIDS; i++) {
        bits |= (uint32_t)virqs[first_intid + i].enabled << i;
    }
    return bits;
}

static void enable(uint32_t intid, bool enabled)
{
    CHECK(intid < FAKE_INTIDS);
    virqs[intid].enabled = enabled;
    if (enabled) {
        acknowledge(intid);
    }
}

/* Both kinds of registers read as what is enabled. */
static bool access_enable_registers(uint64_t offset)
{
    const uint32_t first_intid = (uint32_t)(8 * (offset % GICD_ENABLE_BYTES));
    if (fault_is_read(current.syndrome)) {
        fault_emulate_write(&current.registers, 0, current.syndrome, enabled_bits(first_intid));
    } else {
        const uint64_t bits = fault_get_data(&current.registers, current.syndrome);
        for (uint32_t i = 0; i < WORD_BITS; i++) {
            if ((bits >> i & 1) != 0) {
                enable(first_intid + i, offset < GICD_ICENABLER);
            }
        }
    }
    current.registers.pc += 4;
    return true;
}

static bool handle_memory_fault(size_t vcpu_id)
{
    if (current.gpa - GIC_DIST_PADDR - GICD_ISENABLER < 2 * GICD_ENABLE_BYTES) {
        return access_enable_registers(current.gpa - GIC_DIST_PADDR);
    }
    for (uint32_t i = 0; i < trap_count; i++) {
        const struct trap *trap = &traps[i];
        if (current.gpa - trap->base < trap->size) {
            bool done = trap->callback(vcpu_id, current.gpa - trap->base, current.syndrome, &current.registers,
                                       trap->data);
            current.registers.pc += done ? 4 : 0;
            return done;
        }
    }
    return false;
}

bool fault_handle(size_t vcpu_id, microkit_msginfo msginfo)
{
    CHECK(vcpu_id == 0 && microkit_msginfo_get_label(msginfo) == current.label);
    switch (current.label) {
    case seL4_Fault_VMFault:
        return handle_memory_fault(vcpu_id);
    case seL4_Fault_VGICMaintenance:
        CHECK(virqs[current.intid].held);
        virqs[current.intid].held = false;
        acknowledge(current.intid);
        return true;
    case seL4_Fault_VCPUFault:
        return true;
    default:
        /* libvmm would acknowledge a timer interrupt that it drops. */
        CHECK(current.label != seL4_Fault_VPPIEvent);
        return false;
    }
}

/* ---- The guest ---- */

bool fake_registered(uint32_t intid)
{
    return virqs[intid].registered;
}

bool fake_held(uint32_t intid)
{
    return virqs[intid].held;
}

uint32_t fake_injected(uint32_t intid)
{
    return virqs[intid].injected_count;
}

static bool take_fault(void)
{
    microkit_msginfo reply = microkit_msginfo_new(seL4_Fault_VMFault, 3);
    const uint64_t pc = current.registers.pc;
    CHECK(!fake.suspended);
    if (fault(0, microkit_msginfo_new(current.label, 0), &reply) == seL4_False) {
        return false;
    }
    CHECK(reply.words[0] == 0 && !fake.suspended);
    CHECK(current.registers.pc == pc || current.registers.pc == pc + 4);
    return true;
}

static uint64_t log2_of(uint32_t width_bytes)
{
    return width_bytes == 1 ? 0 : width_bytes == 2 ? 1 : width_bytes == 4 ? 2 : 3;
}

/* A data abort from a lower level, with a valid syndrome. */
static bool access_memory(uint64_t gpa, uint32_t width_bytes, uint64_t iss, uint64_t held)
{
    current = (struct fault){ .label = seL4_Fault_VMFault, .gpa = gpa };
    current.syndrome = UINT64_C(0x24) << 26 | 1u << 25 | 1u << 24 | log2_of(width_bytes) << 22 | iss;
    current.registers.pc = GUEST_PC;
    current.registers.x3 = held;
    return take_fault();
}

bool guest_store(uint64_t gpa, uint32_t width_bytes, uint64_t value)
{
    const bool done = access_memory(gpa, width_bytes, REGISTER << 16 | 1u << 6, value);
    CHECK(current.registers.x3 == value);
    return done;
}

bool guest_store_zero_register(uint64_t gpa, uint32_t width_bytes)
{
    return access_memory(gpa, width_bytes, ZERO_REGISTER << 16 | 1u << 6, 0);
}

bool guest_load_into(uint64_t gpa, uint32_t width_bytes, uint64_t before, bool into_64, bool sign_extend,
                     uint64_t *value)
{
    const uint64_t iss = REGISTER << 16 | (uint64_t)sign_extend << 21 | (uint64_t)into_64 << 15;
    const bool done = access_memory(gpa, width_bytes, iss, before);
    *value = current.registers.x3;
    return done;
}

bool guest_load(uint64_t gpa, uint32_t width_bytes, uint64_t *value)
{
    return guest_load_into(gpa, width_bytes, UINT64_MAX, width_bytes == 8, false, value);
}

bool guest_load_zero_register(uint64_t gpa, uint32_t width_bytes)
{
    return access_memory(gpa, width_bytes, ZERO_REGISTER << 16, 0);
}

bool guest_access_without_syndrome(uint64_t gpa)
{
    current = (struct fault){ .label = seL4_Fault_VMFault, .gpa = gpa };
    current.syndrome = UINT64_C(0x24) << 26 | 1u << 25 | 1u << 6;
    return take_fault();
}

static bool set_bit(uint64_t registers, uint32_t intid)
{
    return guest_store(GIC_DIST_PADDR + registers + intid / WORD_BITS * 4, 4, UINT64_C(1) << intid % WORD_BITS);
}

bool guest_enable(uint32_t intid)
{
    return set_bit(GICD_ISENABLER, intid);
}

bool guest_disable(uint32_t intid)
{
    return set_bit(GICD_ICENABLER, intid);
}

bool guest_end(uint32_t intid)
{
    current = (struct fault){ .label = seL4_Fault_VGICMaintenance, .intid = intid };
    return take_fault();
}

bool guest_timer_fires(void)
{
    current = (struct fault){ .label = seL4_Fault_VPPIEvent, .intid = FAKE_TIMER_INTID };
    return take_fault();
}

/* The syndrome of exception class 0x17: SMC. */
bool guest_calls(uint64_t function)
{
    current = (struct fault){ .label = seL4_Fault_VCPUFault, .syndrome = UINT64_C(0x17) << 26 | 1u << 25 };
    current.registers.x0 = function;
    return take_fault();
}

/* The syndrome of exception class 1: WFI, and with the lowest bit WFE. */
static bool waits(bool for_event)
{
    current = (struct fault){ .label = seL4_Fault_VCPUFault, .syndrome = UINT64_C(0x06000000) | for_event };
    return take_fault();
}

bool guest_rests(void)
{
    return !waits(false) && fake.suspended;
}

bool guest_waits_in_vain(void)
{
    return waits(false);
}

bool guest_waits_for_event(void)
{
    return waits(true);
}
