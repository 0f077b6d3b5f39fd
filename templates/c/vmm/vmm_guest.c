/* SPDX-License-Identifier: BSD-2-Clause */
/* First: it takes `__thread` away, which seL4's headers would declare the IPC buffer with. */
#include <microkit.h>

#include <libvmm/libvmm.h>
#include <libvmm/arch/aarch64/vgic/vgic.h>
#if defined(GIC_V3)
#include <libvmm/arch/aarch64/vgic/vgic_v3.h>
#else
#include <libvmm/arch/aarch64/vgic/vgic_v2.h>
#endif

#include <sdfgen/pd_say.h>

#include "vmm_guest.h"
#include "vmm_irq.h"
#include "vmm_reboot.h"
#include "vmm_rest.h"

/* Instruction specific syndrome of a data abort (Arm ARM, ESR_ELx). */
#define ISS_VALID (UINT64_C(1) << 24)
#define ISS_SIZE_SHIFT 22u /* log2 of the width */
#define ISS_SIZE_MASK 3u
#define ISS_SIGN_EXTEND (UINT64_C(1) << 21)
#define ISS_REGISTER_SHIFT 16u
#define ISS_REGISTER_MASK 31u
#define ISS_REGISTER_64 (UINT64_C(1) << 15)
#define ZERO_REGISTER 31u

#define EXCEPTION_CLASS_WFX 1u
#define WFX_IS_WFE 1u

#define DOUBLEWORD_BITS 64u
#define WORD_BITS 32u

extern char _guest_kernel_image[];
extern char _guest_kernel_image_end[];
extern char _guest_dtb_image[];
extern char _guest_dtb_image_end[];
extern char _guest_initrd_image[];
extern char _guest_initrd_image_end[];

/* The fault being handled is the end of an interrupt: libvmm's acknowledge callback does not tell. */
static bool ending;
/* Since the vCPU was last let run; a WFI that it trapped on before does not know of it. */
static bool injected;

bool vmm_guest_create(uint64_t ram_gpa, uint64_t ram_size_bytes, uintptr_t ram_vaddr)
{
    const arch_guest_init_t arguments = {
        .num_vcpus = 1,
        .num_guest_ram_regions = 1,
        .guest_ram_regions = {
            { .gpa_start = ram_gpa, .size = ram_size_bytes, .vmm_vaddr = (void *)ram_vaddr },
        },
    };
    return guest_init(arguments);
}

static irq_routing_info_t route_of(uint32_t intid)
{
    return ARM_GIC_IRQ_ROUTE((int)GUEST_BOOT_VCPU_ID, intid);
}

/* An interrupt and who wants to know of it, as libvmm's cookie. */
struct virq {
    uint32_t intid;
    vmm_virq_event event;
    void *irq;
};

static struct virq virqs[MICROKIT_MAX_CHANNELS];
static uint32_t virq_count;

static void acknowledged(irq_routing_info_t route, void *cookie)
{
    const struct virq *virq = cookie;
    (void)route;
    virq->event(virq->irq, ending ? VMM_VIRQ_ENDED : VMM_VIRQ_ENABLED);
}

bool vmm_virq_register(uint32_t intid, vmm_virq_event event, void *irq)
{
    if (virq_count == sizeof(virqs) / sizeof(virqs[0])) {
        return false;
    }
    struct virq *virq = &virqs[virq_count++];
    *virq = (struct virq){ .intid = intid, .event = event, .irq = irq };
    return virq_register(route_of(intid), acknowledged, virq);
}

static bool register_again(void)
{
    bool done = true;
    for (uint32_t i = 0; i < virq_count; i++) {
        done = done && virq_register(route_of(virqs[i].intid), acknowledged, &virqs[i]);
    }
    return done;
}

bool vmm_virq_inject(uint32_t intid)
{
    const bool done = virq_inject(route_of(intid));
    if (done) {
        injected = true;
        vmm_rest_end();
    }
    return done;
}

/* What an instruction loads: extended to the register's width, and from there with zeroes. */
static uint64_t extended(uint64_t value, uint32_t width_bytes, uint64_t syndrome)
{
    const uint32_t unused_bits = DOUBLEWORD_BITS - 8 * width_bytes;
    uint64_t loaded = value << unused_bits >> unused_bits;
    if ((syndrome & ISS_SIGN_EXTEND) != 0 && loaded >> (8 * width_bytes - 1) != 0) {
        loaded |= ~(UINT64_MAX << unused_bits >> unused_bits);
    }
    return (syndrome & ISS_REGISTER_64) != 0 ? loaded : loaded << WORD_BITS >> WORD_BITS;
}

static bool trap_read(const struct vmm_trap *trap, uint64_t offset, uint64_t syndrome, uint32_t width_bytes,
                      seL4_UserContext *registers)
{
    uint64_t value = 0;
    if (!trap->read(offset, width_bytes, &value)) {
        return false;
    }
    if ((syndrome >> ISS_REGISTER_SHIFT & ISS_REGISTER_MASK) != ZERO_REGISTER) {
        /*
         * libvmm would keep the register's other bits, and asserts that the address is aligned. So it is told of a
         * doubleword at an aligned address, whatever the guest loads.
         */
        const uint64_t whole_register = syndrome | (uint64_t)ISS_SIZE_MASK << ISS_SIZE_SHIFT;
        fault_emulate_write(registers, 0, whole_register, extended(value, width_bytes, syndrome));
    }
    return true;
}

static bool trap_write(const struct vmm_trap *trap, uint64_t offset, uint64_t syndrome, uint32_t width_bytes,
                       seL4_UserContext *registers)
{
    const uint32_t unused_bits = DOUBLEWORD_BITS - 8 * width_bytes;
    const bool zero = (syndrome >> ISS_REGISTER_SHIFT & ISS_REGISTER_MASK) == ZERO_REGISTER;
    const uint64_t value = zero ? 0 : fault_get_data(registers, syndrome);
    return trap->write(offset, width_bytes, value << unused_bits >> unused_bits);
}

static bool trapped(size_t vcpu_id, size_t offset, size_t syndrome, seL4_UserContext *registers, void *cookie)
{
    const struct vmm_trap *trap = cookie;
    (void)vcpu_id;
    if ((syndrome & ISS_VALID) == 0) {
        pd_say("the guest accessed a device with an instruction that can't be emulated", NULL);
        return false;
    }
    const uint32_t width_bytes = 1u << (syndrome >> ISS_SIZE_SHIFT & ISS_SIZE_MASK);
    return fault_is_read(syndrome) ? trap_read(trap, offset, syndrome, width_bytes, registers)
                                   : trap_write(trap, offset, syndrome, width_bytes, registers);
}

bool vmm_trap_register(uint64_t gpa, uint64_t size_bytes, const struct vmm_trap *trap)
{
    /* The cookie is only read, by trapped(). */
    return fault_register_vm_exception_handler(gpa, size_bytes, trapped, (void *)(uintptr_t)trap);
}

static size_t image_bytes(const char *image, const char *end)
{
    return (size_t)((uintptr_t)end - (uintptr_t)image);
}

/* Where the images belong, and who resets the devices, for the guest's next start. */
static struct {
    uint64_t kernel_gpa;
    uint64_t dtb_gpa;
    uint64_t initrd_gpa;
    vmm_reset_devices reset_devices;
} next_boot;

void vmm_guest_may_reset(vmm_reset_devices reset_devices)
{
    next_boot.reset_devices = reset_devices;
}

bool vmm_guest_boot(uint64_t kernel_gpa, uint64_t dtb_gpa, uint64_t initrd_gpa)
{
    next_boot.kernel_gpa = kernel_gpa;
    next_boot.dtb_gpa = dtb_gpa;
    next_boot.initrd_gpa = initrd_gpa;
    const uint64_t entry_gpa = linux_setup_images(
        kernel_gpa, (uintptr_t)_guest_kernel_image, image_bytes(_guest_kernel_image, _guest_kernel_image_end),
        (uintptr_t)_guest_dtb_image, dtb_gpa, image_bytes(_guest_dtb_image, _guest_dtb_image_end),
        (uintptr_t)_guest_initrd_image, initrd_gpa, image_bytes(_guest_initrd_image, _guest_initrd_image_end));
    return entry_gpa != 0 && guest_start(entry_gpa, dtb_gpa, initrd_gpa);
}

/* Exception class 1 is WFI or WFE; the lowest bit tells which (Arm ARM, ESR_ELx). */
static bool is_wfi(seL4_Word label)
{
    const seL4_Word syndrome = label == seL4_Fault_VCPUFault ? microkit_mr_get(seL4_VCPUFault_HSR) : 0;
    return syndrome >> VMM_EXCEPTION_CLASS_SHIFT == EXCEPTION_CLASS_WFX && (syndrome & WFX_IS_WFE) == 0;
}

/* The guest's call never returns. */
static bool restart(void)
{
    if (next_boot.reset_devices == NULL) {
        pd_say("the guest asked for a reset, which its devices do not take", NULL);
        return false;
    }
    if (!vmm_reboot() || !register_again()) {
        pd_say("the guest asked for a reset in the middle of an interrupt", NULL);
        return false;
    }
    vmm_irq_reset();
    next_boot.reset_devices();
    pd_say("the guest starts again", NULL);
    return vmm_guest_boot(next_boot.kernel_gpa, next_boot.dtb_gpa, next_boot.initrd_gpa);
}

/*
 * A store to the distributor that disables interrupts, of which libvmm tells nobody. Bit 0 of the registers is INTID 0.
 */
static void note_disabled(uint64_t gpa, uint64_t syndrome)
{
    const uint64_t first_intid = 8 * (gpa - GIC_DIST_PADDR - GIC_DIST_ICENABLER0);
    seL4_UserContext registers;
    if (gpa < GIC_DIST_PADDR + GIC_DIST_ICENABLER0 || gpa > GIC_DIST_PADDR + GIC_DIST_ICENABLERN ||
        (syndrome & ISS_VALID) == 0 || fault_is_read(syndrome) ||
        seL4_TCB_ReadRegisters(BASE_VM_TCB_CAP + GUEST_BOOT_VCPU_ID, false, 0, SEL4_USER_CONTEXT_SIZE, &registers) !=
            seL4_NoError) {
        return;
    }
    const uint64_t disabled = fault_get_data(&registers, syndrome);
    for (uint32_t i = 0; i < virq_count; i++) {
        const uint64_t bit = virqs[i].intid - first_intid;
        if (bit < WORD_BITS && (disabled >> bit & 1) != 0) {
            virqs[i].event(virqs[i].irq, VMM_VIRQ_DISABLED);
        }
    }
}

static bool handle(microkit_child vcpu, microkit_msginfo msginfo)
{
    const seL4_Word label = microkit_msginfo_get_label(msginfo);
    if (vmm_reboot_asked(label)) {
        return restart();
    }
    if (label == seL4_Fault_VPPIEvent) {
        /* Not enabled: it stays masked until it is, and then fires again. */
        (void)vmm_virq_inject((uint32_t)microkit_mr_get(seL4_VPPIEvent_IRQ));
        return true;
    }
    const bool accesses = label == seL4_Fault_VMFault;
    const uint64_t gpa = accesses ? microkit_mr_get(seL4_VMFault_Addr) : 0;
    const uint64_t syndrome = accesses ? microkit_mr_get(seL4_VMFault_FSR) : 0;
    ending = label == seL4_Fault_VGICMaintenance;
    const bool handled = fault_handle(vcpu, msginfo);
    ending = false;
    if (handled && accesses) {
        note_disabled(gpa, syndrome);
    }
    return handled;
}

/* Whether the vCPU is to run on. */
static bool follow(bool waits, bool handled)
{
    vmm_irq_settle();
    const bool interrupted = injected;
    injected = false;
    if (!handled) {
        pd_say("the guest is stopped", NULL);
    }
    return handled && (!waits || interrupted || !vmm_rest_begin());
}

seL4_Bool fault(microkit_child child, microkit_msginfo msginfo, microkit_msginfo *reply_msginfo)
{
    const bool waits = is_wfi(microkit_msginfo_get_label(msginfo));
    if (!follow(waits, waits || handle(child, msginfo))) {
        return seL4_False;
    }
    *reply_msginfo = microkit_msginfo_new(0, 0);
    return seL4_True;
}
