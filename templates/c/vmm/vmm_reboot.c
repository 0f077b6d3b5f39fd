/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_reboot.h"

#include <microkit.h>

#include <libvmm/libvmm.h>
#include <libvmm/arch/aarch64/vgic/vgic.h>
#include <libvmm/arch/aarch64/vgic/virq.h>

#include <sdfgen/cache.h>
#include <sdfgen/vmm_limits.h>

#include "vmm_inject.h"
#include "vmm_local.h"
#include "vmm_vcpu.h"

/* Interrupts that are never raised: the last of the shared ones. */
#define PARKED_INTID 1016u
#define LOWEST_PRIORITY 31u
/* That of no interrupt: ending it does nothing. */
#define SPURIOUS_INTID 1023u

/* The group that Linux leaves disabled. */
#if defined(GIC_V3)
#define PARKED_GROUP 0u
#else
#define PARKED_GROUP 1u
#endif

/* Where a GICv2's guest has the CPU interface, as libvmm has the distributor; a GICv3's is system registers. */
#if defined(GIC_V3)
#define CPU_INTERFACE_GPA 0u
#elif defined(CONFIG_PLAT_ODROIDC4)
#define CPU_INTERFACE_GPA (GIC_DIST_PADDR + 0x1000)
#else
#define CPU_INTERFACE_GPA (GIC_DIST_PADDR + 0x10000)
#endif

/* libvmm's. */
extern vgic_t vgic;

/*
 * The call may come before the kernel has heard of the ends, which it does when the vCPU runs again: a round for each
 * list register, one for the call, and as many again.
 */
#define ROUNDS (2 * (NUM_LIST_REGS + 1))

/* Ends the interrupts in w1 to w4, and calls; x0 is the CPU interface. (A64: Arm ARM, C6.) */
static const uint32_t instructions[] = {
#if defined(GIC_V3)
    0xd518cc21, /* msr icc_eoir1_el1, x1 */
    0xd518cc22, 0xd518cc23, 0xd518cc24,
#else
    0xb900001f, /* str wzr, [x0]: GICC_CTLR, so that an end is the end */
    0xb9001001, /* str w1, [x0, #16]: GICC_EOIR */
    0xb9001002, 0xb9001003, 0xb9001004,
#endif
    0xd5033f9f, /* dsb sy */
    0xd4000003, /* smc #0, again and again: its fault is answered as it is */
};

/* Of each vCPU that ends its interrupts; others have 0. */
static uint32_t rounds_left[VMM_MOST_VCPUS];

/*
 * What is pending would be delivered to the next kernel, which knows no such interrupt yet and never ends it. A list
 * register can't be emptied, but can be filled with what is never delivered, and filled again later. False when the
 * kernel has one of them down as taken.
 */
static bool park_list_registers(uint32_t vcpu)
{
    bool done = true;
    for (uint8_t i = 0; i < NUM_LIST_REGS; i++) {
        const bool used = vgic.vgic_vcpu[vcpu].lr_shadow[i].virq != VIRQ_INVALID;
        done &= !used || seL4_ARM_VCPU_InjectIRQ(BASE_VCPU_CAP + vcpu, (seL4_Uint16)(PARKED_INTID + i), LOWEST_PRIORITY,
                                                 PARKED_GROUP, i) == seL4_NoError;
    }
    return done;
}

static seL4_Word intid_in(uint32_t vcpu, uint32_t list_register)
{
    const int virq = vgic.vgic_vcpu[vcpu].lr_shadow[list_register].virq;
    return virq == VIRQ_INVALID ? SPURIOUS_INTID : (seL4_Word)virq;
}

static bool let_end(uint32_t vcpu, const struct vmm_reboot_place *place)
{
    volatile uint32_t *memory = (volatile uint32_t *)place->vaddr;
    for (uint32_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
        memory[i] = instructions[i];
    }
    cache_clean_range(place->vaddr, sizeof(instructions));
    seL4_UserContext registers = {
        .x0 = CPU_INTERFACE_GPA,
        .x1 = intid_in(vcpu, 0),
        .x2 = intid_in(vcpu, 1),
        .x3 = intid_in(vcpu, 2),
        .x4 = intid_in(vcpu, 3),
    };
    rounds_left[vcpu] = ROUNDS;
    return vmm_vcpu_run(vcpu, place->gpa, &registers);
}

bool vmm_reboot_is_under_way(void)
{
    for (uint32_t vcpu = 0; vcpu < vmm_vcpus_count(); vcpu++) {
        if (rounds_left[vcpu] > 0) {
            return true;
        }
    }
    return false;
}

static enum vmm_reboot finish(void)
{
    if (vmm_reboot_is_under_way()) {
        return VMM_REBOOT_GOES_ON;
    }
    vgic_init();
    vmm_inject_reset();
    return vmm_local_register_again() ? VMM_REBOOT_DONE : VMM_REBOOT_FAILED;
}

enum vmm_reboot vmm_reboot_begin(const struct vmm_reboot_place *place)
{
    for (uint32_t vcpu = 0; vcpu < vmm_vcpus_count(); vcpu++) {
        vmm_vcpu_reset(vcpu);
        if (!park_list_registers(vcpu) && !let_end(vcpu, place)) {
            return VMM_REBOOT_FAILED;
        }
    }
    return finish();
}

/* Its call, or one of the ends, which libvmm is not told of. */
enum vmm_reboot vmm_reboot_fault(uint32_t vcpu, uint64_t label, bool *runs)
{
    const bool is_expected = label == seL4_Fault_VGICMaintenance || label == seL4_Fault_VCPUFault;
    if (rounds_left[vcpu] == 0 || !is_expected) {
        return VMM_REBOOT_FAILED;
    }
    rounds_left[vcpu]--;
    if (!park_list_registers(vcpu)) {
        *runs = rounds_left[vcpu] > 0;
        return *runs ? VMM_REBOOT_GOES_ON : VMM_REBOOT_FAILED;
    }
    vmm_vcpu_stop(vcpu);
    rounds_left[vcpu] = 0;
    return finish();
}
