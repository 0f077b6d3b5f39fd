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
#define GICD_CTLR 0u
#define GICD_ISENABLER 0x100u
#define GICD_ICENABLER 0x180u
#define GICD_ENABLE_BYTES 0x80u
#define WORD_BITS 32u
#define FIRST_SHARED 32u

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
    bool held; /* by that vCPU */
    uint32_t vcpu;
    uint32_t injected_count;
    virq_ack_fn_t acknowledge;
    void *data;
};

/* The fault that is being handled. */
struct fault {
    seL4_Word label;
    uint64_t gpa;
    uint64_t syndrome;
    uint32_t intid;         /* fired */
    uint32_t list_register; /* ended */
    seL4_UserContext registers;
};

static struct trap traps[MAX_TRAPS];
static uint32_t trap_count;
/* Of the first FIRST_SHARED each vCPU has its own. */
static struct virq virqs[FAKE_VCPUS][FAKE_INTIDS];
static uint32_t vcpu_count;
vgic_t vgic;
static struct gic_dist_map distributor;
static struct fault current;

static void note(const char *word)
{
    CHECK(strlen(fake.log) + strlen(word) + 2 < sizeof(fake.log));
    strcat(strcat(fake.log, word), " ");
}

static struct virq *virq_at(uint32_t vcpu, uint32_t intid)
{
    CHECK(vcpu < FAKE_VCPUS && intid < FAKE_INTIDS);
    return &virqs[intid < FIRST_SHARED ? vcpu : 0][intid];
}

/* ---- The kernel ---- */

static struct fake_vcpu *vcpu_of(seL4_CPtr capability, seL4_CPtr base)
{
    CHECK(capability >= base && capability - base < vcpu_count);
    return &fake.vcpus[capability - base];
}

seL4_Error seL4_TCB_Suspend(seL4_CPtr tcb)
{
    struct fake_vcpu *vcpu = vcpu_of(tcb, BASE_VM_TCB_CAP);
    CHECK(!vcpu->suspended);
    if (vcpu->is_fixed) {
        return seL4_RangeError;
    }
    vcpu->suspended = true;
    vcpu->suspend_count++;
    return seL4_NoError;
}

seL4_Error seL4_TCB_Resume(seL4_CPtr tcb)
{
    struct fake_vcpu *vcpu = vcpu_of(tcb, BASE_VM_TCB_CAP);
    CHECK(vcpu->suspended);
    if (vcpu->is_fixed) {
        return seL4_RangeError;
    }
    vcpu->suspended = false;
    vcpu->resume_count++;
    return seL4_NoError;
}

/* Microkit gives a vCPU its priority for a maximum, too. */
seL4_Error seL4_TCB_SetPriority(seL4_CPtr tcb, seL4_CPtr authority, seL4_Word priority)
{
    struct fake_vcpu *vcpu = vcpu_of(tcb, BASE_VM_TCB_CAP);
    CHECK(authority == tcb);
    if (vcpu->is_fixed || priority > FAKE_PRIORITY) {
        return seL4_RangeError;
    }
    vcpu->below = FAKE_PRIORITY - (uint32_t)priority;
    vcpu->priority_count++;
    return seL4_NoError;
}

seL4_Word microkit_vcpu_arm_read_reg(microkit_child vcpu, seL4_Word reg)
{
    /* Of another that runs, memory has what it was. */
    CHECK(vcpu == fake.vcpu && (reg == seL4_VCPUReg_CNTV_CTL || reg == seL4_VCPUReg_CNTV_CVAL));
    return reg == seL4_VCPUReg_CNTV_CTL ? fake.vcpus[vcpu].timer_control : fake.vcpus[vcpu].timer_due_ticks;
}

/* Those that the kernel restores whenever the vCPU runs again; and of one that never ran, its number. */
void microkit_vcpu_arm_write_reg(microkit_child vcpu, seL4_Word reg, seL4_Word value)
{
    struct fake_vcpu *written = vcpu_of(vcpu, 0);
    switch (reg) {
    case seL4_VCPUReg_SCTLR:
        written->control = value;
        break;
    case seL4_VCPUReg_CNTV_CTL:
        written->timer_control = value;
        break;
    case seL4_VCPUReg_VMPIDR_EL2:
        CHECK(written->start_count == 0);
        written->affinity = value;
        return;
    default:
        CHECK(reg == seL4_VCPUReg_CPACR || reg == seL4_VCPUReg_CNTKCTL_EL1);
    }
    CHECK(written->suspended || written->start_count == 0);
}

void microkit_vcpu_stop(microkit_child vcpu)
{
    vcpu_of(vcpu, 0)->suspended = true;
    note("microkit_vcpu_stop");
}

void microkit_vcpu_arm_ack_vppi(microkit_child vcpu, seL4_Word irq)
{
    CHECK(irq == FAKE_TIMER_INTID);
    vcpu_of(vcpu, 0)->timer_acknowledged_count++;
}

seL4_Error seL4_TCB_ReadRegisters(seL4_CPtr tcb, seL4_Bool suspend_source, seL4_Uint8 arch_flags, seL4_Word count,
                                  seL4_UserContext *registers)
{
    CHECK(tcb == BASE_VM_TCB_CAP + fake.vcpu && suspend_source == seL4_False && arch_flags == 0);
    CHECK(count == SEL4_USER_CONTEXT_SIZE);
    *registers = current.registers;
    return seL4_NoError;
}

#define PSTATE_EL1H_MASKED 0x3c5u
#define SCTLR_TRANSLATES_AND_CACHES (1u << 0 | 1u << 2 | 1u << 12)

static void start(seL4_CPtr tcb, const seL4_UserContext *registers)
{
    struct fake_vcpu *vcpu = vcpu_of(tcb, BASE_VM_TCB_CAP);
    CHECK(vcpu->suspended || vcpu->start_count == 0);
    CHECK(registers->spsr == PSTATE_EL1H_MASKED && (vcpu->control & SCTLR_TRANSLATES_AND_CACHES) == 0);
    CHECK(vcpu->timer_control == 0);
    vcpu->suspended = false;
    vcpu->start_count++;
    vcpu->entry_gpa = registers->pc;
    vcpu->context = registers->x0;
}

/* Starts a vCPU with all registers, or changes the first ones of the one whose fault is handled. */
seL4_Error seL4_TCB_WriteRegisters(seL4_CPtr tcb, seL4_Bool resume_target, seL4_Uint8 arch_flags, seL4_Word count,
                                   seL4_UserContext *registers)
{
    CHECK(arch_flags == 0);
    if (resume_target) {
        CHECK(count == SEL4_USER_CONTEXT_SIZE);
        start(tcb, registers);
        return seL4_NoError;
    }
    CHECK(tcb == BASE_VM_TCB_CAP + fake.vcpu && (count == 1 || count == 4 || count == SEL4_USER_CONTEXT_SIZE));
    memcpy(&current.registers, registers, count * sizeof(seL4_Word));
    return seL4_NoError;
}

/* What is parked must be none of the guest's. */
seL4_Error seL4_ARM_VCPU_InjectIRQ(seL4_CPtr vcpu, seL4_Uint16 virq, seL4_Uint8 priority, seL4_Uint8 group,
                                   seL4_Uint8 index)
{
    const struct fake_vcpu *parked = vcpu_of(vcpu, BASE_VCPU_CAP);
    CHECK(virq >= FAKE_INTIDS && virq < 1020 && priority == 31 && group == 1);
    CHECK(index < NUM_LIST_REGS && (parked->suspended || parked == &fake.vcpus[fake.vcpu]));
    if (parked->took && index == 0) {
        return seL4_DeleteFirst;
    }
    note("park");
    fake.parked_count++;
    return seL4_NoError;
}

void cache_clean_range(uintptr_t vaddr, size_t size_bytes)
{
    CHECK(vaddr != 0 && size_bytes > 0);
    note("clean");
}

/* ---- libvmm ---- */

static void forget_list_registers(void)
{
    for (uint32_t vcpu = 0; vcpu < FAKE_VCPUS; vcpu++) {
        for (uint32_t i = 0; i < NUM_LIST_REGS; i++) {
            vgic.vgic_vcpu[vcpu].lr_shadow[i].virq = VIRQ_INVALID;
        }
    }
    /* As if the guest had turned it on. */
    vgic.registers = &distributor;
    distributor.ctlr = 1;
    memset(distributor.targets, 1, sizeof(distributor.targets));
}

void vgic_init(void)
{
    note("vgic_init");
    memset(virqs, 0, sizeof(virqs));
    forget_list_registers();
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
    if (current.label == seL4_Fault_VGICMaintenance) {
        CHECK(index == seL4_VGICMaintenance_IDX);
        return current.list_register;
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
    CHECK(arguments.num_vcpus >= 1 && arguments.num_guest_ram_regions == 1);
    vcpu_count = (uint32_t)arguments.num_vcpus;
    CHECK(vcpu_count <= FAKE_VCPUS && arguments.pci_init.ecam_size == 0 && arguments.pci_init.mmio_aperature_size == 0);
    note("guest_init");
    fake.ram_gpa = arguments.guest_ram_regions[0].gpa_start;
    fake.ram_bytes = arguments.guest_ram_regions[0].size;
    fake.ram_vaddr = (uintptr_t)arguments.guest_ram_regions[0].vmm_vaddr;
    forget_list_registers();
    for (uint32_t vcpu = 0; vcpu < arguments.num_vcpus; vcpu++) {
        for (uint32_t intid = 0; intid < NUM_SGI_VIRQS; intid++) {
            *virq_at(vcpu, intid) = (struct virq){ .registered = true, .enabled = true };
        }
        virq_at(vcpu, FAKE_TIMER_INTID)->registered = true;
    }
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
    fake.vcpus[0].suspended = false;
    fake.vcpus[0].start_count++;
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
    CHECK(route.type == IRQ_TYPE_ARM_GIC && (uint32_t)route.hw.arm_gic.vcpu_id < vcpu_count);
    return virq_at((uint32_t)route.hw.arm_gic.vcpu_id, route.hw.arm_gic.intid);
}

bool virq_register(irq_routing_info_t route, virq_ack_fn_t ack_fn, void *ack_data)
{
    struct virq *virq = virq_of(route);
    const bool is_sgi = route.hw.arm_gic.intid < NUM_SGI_VIRQS;
    CHECK(strstr(fake.log, "guest_init") != NULL);
    CHECK(!virq->registered && (ack_fn != NULL || is_sgi));
    *virq = (struct virq){ .registered = true, .enabled = is_sgi, .acknowledge = ack_fn, .data = ack_data };
    return true;
}

/* libvmm queues what finds none free: never done, or it might have no room once. */
static struct virq_handle *list_register(uint32_t vcpu, int virq)
{
    struct virq_handle *found = NULL;
    for (uint32_t i = NUM_LIST_REGS; i-- > 0;) {
        if (vgic.vgic_vcpu[vcpu].lr_shadow[i].virq == virq) {
            found = &vgic.vgic_vcpu[vcpu].lr_shadow[i];
        }
    }
    return found;
}

bool virq_inject(irq_routing_info_t route)
{
    const uint32_t vcpu = (uint32_t)route.hw.arm_gic.vcpu_id;
    struct virq *virq = virq_of(route);
    CHECK(virq->registered);
    CHECK(vgic_dist_is_enabled(&distributor));
    if (!virq->enabled) {
        fake.refused_count++;
        return false;
    }
    struct virq_handle *free = list_register(vcpu, VIRQ_INVALID);
    CHECK(free != NULL && list_register(vcpu, (int)route.hw.arm_gic.intid) == NULL);
    CHECK(fake.vcpus[vcpu].start_count > 0);
    free->virq = (int)route.hw.arm_gic.intid;
    virq->held = true;
    virq->vcpu = vcpu;
    virq->injected_count++;
    return true;
}

static void acknowledge(uint32_t vcpu, uint32_t intid)
{
    const struct virq *virq = virq_at(vcpu, intid);
    const uint32_t before = virq->injected_count;
    if (intid == FAKE_TIMER_INTID && virq->acknowledge == NULL) {
        fake.vcpus[vcpu].timer_acknowledged_count++;
    } else if (virq->acknowledge != NULL) {
        virq->acknowledge(ARM_GIC_IRQ_ROUTE((int)vcpu, intid), virq->data);
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
        bits |= (uint32_t)virq_at(fake.vcpu, first_intid + i)->enabled << i;
    }
    return bits;
}

static void enable(uint32_t intid, bool enabled)
{
    virq_at(fake.vcpu, intid)->enabled = enabled;
    if (enabled) {
        acknowledge(fake.vcpu, intid);
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
        for (uint32_t i = 0; i < WORD_BITS && first_intid + i < FAKE_INTIDS; i++) {
            if ((bits >> i & 1) != 0) {
                enable(first_intid + i, offset < GICD_ICENABLER);
            }
        }
    }
    current.registers.pc += 4;
    return true;
}

/*
 * What libvmm takes without asserting, forgetting, injecting by itself, taking the wrong bits or leaving its arrays, in
 * words: what is stored there, and what is loaded.
 */
static bool libvmm_takes(uint64_t offset)
{
    static const struct {
        uint64_t first;
        uint64_t end;
    } stores[] = { { 0, 4 }, { 0x80, 0x17c }, { 0x180, 0x1fc }, { 0x280, 0x2fc }, { 0x300, 0x400 }, { 0xc00, 0xd00 } };
    const uint64_t syndrome = current.syndrome;
    const bool is_word = (syndrome >> 22 & 3) == 2;
    if (fault_is_read(syndrome)) {
        return is_word || (offset >= 0x400 && offset < 0xc00 && (syndrome >> 22 & 3) < 2);
    }
    for (uint32_t i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
        if (offset >= stores[i].first && offset < stores[i].end) {
            return is_word;
        }
    }
    return false;
}

static bool access_distributor(uint64_t offset)
{
    CHECK((current.syndrome >> 24 & 1) == 1 && current.gpa % (1u << (current.syndrome >> 22 & 3)) == 0);
    CHECK(libvmm_takes(offset));
    if (offset - GICD_ISENABLER < 2 * GICD_ENABLE_BYTES) {
        return access_enable_registers(offset);
    }
    if (fault_is_read(current.syndrome)) {
        CHECK(register_of(&current.registers, current.syndrome) == &current.registers.x3);
    }
    if (offset == GICD_CTLR && !fault_is_read(current.syndrome)) {
        distributor.ctlr = (uint32_t)fault_get_data(&current.registers, current.syndrome) & 1;
    }
    current.registers.pc += 4;
    return true;
}

static bool handle_memory_fault(size_t vcpu_id)
{
    if (current.gpa - GIC_DIST_PADDR < GIC_DIST_SIZE) {
        return access_distributor(current.gpa - GIC_DIST_PADDR);
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

static bool handle_end(uint32_t vcpu)
{
    struct virq_handle *ended = &vgic.vgic_vcpu[vcpu].lr_shadow[current.list_register];
    CHECK(ended->virq != VIRQ_INVALID);
    const uint32_t intid = (uint32_t)ended->virq;
    struct virq *virq = virq_at(vcpu, intid);
    virq->held = virq->held && virq->vcpu != vcpu;
    ended->virq = VIRQ_INVALID;
    acknowledge(vcpu, intid);
    return true;
}

bool fault_handle(size_t vcpu_id, microkit_msginfo msginfo)
{
    CHECK(vcpu_id == fake.vcpu && microkit_msginfo_get_label(msginfo) == current.label);
    switch (current.label) {
    case seL4_Fault_VMFault:
        return handle_memory_fault(vcpu_id);
    case seL4_Fault_VGICMaintenance:
        return handle_end((uint32_t)vcpu_id);
    default:
        /* Timers that fire, which libvmm would acknowledge, and calls, of which it asserts much. */
        CHECK(current.label == seL4_Fault_VCPUFault && current.syndrome >> 26 != 0x17);
        return false;
    }
}

/* ---- The guest ---- */

bool fake_registered(uint32_t intid)
{
    return virq_at(fake.vcpu, intid)->registered;
}

bool fake_held(uint32_t intid)
{
    return virq_at(fake.vcpu, intid)->held;
}

bool fake_held_by(uint32_t vcpu, uint32_t intid)
{
    return virq_at(vcpu, intid)->held && virq_at(vcpu, intid)->vcpu == vcpu;
}

uint32_t fake_injected(uint32_t intid)
{
    return virq_at(fake.vcpu, intid)->injected_count;
}

static bool take_fault(void)
{
    microkit_msginfo reply = microkit_msginfo_new(seL4_Fault_VMFault, 3);
    const uint64_t pc = current.registers.pc;
    CHECK(!fake.vcpus[fake.vcpu].suspended);
    if (fault(fake.vcpu, microkit_msginfo_new(current.label, 0), &reply) == seL4_False) {
        return false;
    }
    CHECK(reply.words[0] == 0 && !fake.vcpus[fake.vcpu].suspended);
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
    const struct virq_handle *held = list_register(fake.vcpu, (int)intid);
    CHECK(held != NULL);
    return guest_ends_in((uint32_t)(held - vgic.vgic_vcpu[fake.vcpu].lr_shadow));
}

bool guest_ends_in(uint32_t list_register)
{
    current = (struct fault){ .label = seL4_Fault_VGICMaintenance, .list_register = list_register };
    return take_fault();
}

bool guest_timer_fires(void)
{
    current = (struct fault){ .label = seL4_Fault_VPPIEvent, .intid = FAKE_TIMER_INTID };
    return take_fault();
}

/* The syndrome of exception class 0x17: SMC. */
static bool call(uint64_t function, uint64_t first, uint64_t second, uint64_t third)
{
    current = (struct fault){ .label = seL4_Fault_VCPUFault, .syndrome = UINT64_C(0x17) << 26 | 1u << 25 };
    current.registers.pc = GUEST_PC;
    current.registers.x0 = function;
    current.registers.x1 = first;
    current.registers.x2 = second;
    current.registers.x3 = third;
    return take_fault();
}

bool guest_calls(uint64_t function)
{
    return call(function, 0, 0, 0);
}

int64_t guest_call_returns(uint64_t function, uint64_t first, uint64_t second, uint64_t third)
{
    CHECK(call(function, first, second, third) && current.registers.pc == GUEST_PC + 4);
    CHECK(current.registers.x1 == first && current.registers.x2 == second && current.registers.x3 == third);
    return (int64_t)current.registers.x0;
}

bool guest_moves(uint64_t iss, uint64_t value)
{
    current = (struct fault){ .label = seL4_Fault_VCPUFault, .syndrome = UINT64_C(0x18) << 26 | 1u << 25 | iss };
    current.registers.pc = GUEST_PC;
    current.registers.x3 = value;
    return take_fault();
}

bool guest_ends_what_it_took(void)
{
    struct fake_vcpu *vcpu = &fake.vcpus[fake.vcpu];
    CHECK(vcpu->took && vcpu->entry_gpa != 0);
    CHECK(guest_calls(0)); /* before the kernel has heard of the end */
    vcpu->took = false;
    return guest_ends_in(0);
}

/* The syndrome of exception class 1: WFI, and with the lowest bit WFE. */
static bool waits(bool for_event)
{
    current = (struct fault){ .label = seL4_Fault_VCPUFault, .syndrome = UINT64_C(0x06000000) | for_event };
    return take_fault();
}

bool guest_rests(void)
{
    return !waits(false) && fake.vcpus[fake.vcpu].suspended;
}

bool guest_waits_in_vain(void)
{
    return waits(false);
}

bool guest_waits_for_event(void)
{
    return waits(true);
}
