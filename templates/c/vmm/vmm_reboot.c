/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <libvmm/libvmm.h>
#include <libvmm/arch/aarch64/vgic/vgic.h>
#include <libvmm/arch/aarch64/vgic/virq.h>

#include "vmm_reboot.h"
#include "vmm_syndrome.h"

/* Exception class of SMC in AArch64 state (Arm ARM, ESR_ELx). */
#define EXCEPTION_CLASS_SMC64 0x17u

#define PSCI_SYSTEM_RESET_CALL 0x84000009u
/* Of the function's identifier only 32 bits count (Arm DEN0028). */
#define CALL_MASK UINT32_MAX

#define TIMER_INTID 27u
/* Interrupts that are never raised: the last of the shared ones. */
#define PARKED_INTID 1016u
#define LOWEST_PRIORITY 31u

/* The group that Linux leaves disabled. */
#if defined(GIC_V3)
#define PARKED_GROUP 0u
#else
#define PARKED_GROUP 1u
#endif

bool vmm_reboot_asked(uint64_t label)
{
    seL4_UserContext registers;
    if (label != seL4_Fault_VCPUFault ||
        microkit_mr_get(seL4_VCPUFault_HSR) >> VMM_EXCEPTION_CLASS_SHIFT != EXCEPTION_CLASS_SMC64) {
        return false;
    }
    return seL4_TCB_ReadRegisters(BASE_VM_TCB_CAP + GUEST_BOOT_VCPU_ID, false, 0, SEL4_USER_CONTEXT_SIZE, &registers) ==
               seL4_NoError &&
           (registers.x0 & CALL_MASK) == PSCI_SYSTEM_RESET_CALL;
}

/*
 * What was pending would be delivered to the next kernel, which knows no such interrupt yet and never ends it. A list
 * register can't be emptied, but can be filled with what is never delivered, and filled again later.
 */
static bool park_list_registers(void)
{
    for (uint8_t i = 0; i < NUM_LIST_REGS; i++) {
        if (seL4_ARM_VCPU_InjectIRQ(BASE_VCPU_CAP + GUEST_BOOT_VCPU_ID, (seL4_Uint16)(PARKED_INTID + i),
                                    LOWEST_PRIORITY, PARKED_GROUP, i) != seL4_NoError) {
            return false;
        }
    }
    return true;
}

static void timer_ended(irq_routing_info_t route, void *cookie)
{
    (void)route;
    (void)cookie;
    microkit_vcpu_arm_ack_vppi(GUEST_BOOT_VCPU_ID, TIMER_INTID);
}

/* libvmm's own, which its initialisation can't register twice. */
static bool register_local_interrupts(void)
{
    bool done = virq_register(ARM_GIC_IRQ_ROUTE(GUEST_BOOT_VCPU_ID, TIMER_INTID), timer_ended, NULL);
    for (uint32_t intid = 0; intid < NUM_SGI_VIRQS; intid++) {
        done = done && virq_register(ARM_GIC_IRQ_ROUTE(GUEST_BOOT_VCPU_ID, intid), NULL, NULL);
    }
    return done;
}

bool vmm_reboot(void)
{
    microkit_vcpu_stop(GUEST_BOOT_VCPU_ID);
    if (!park_list_registers()) {
        return false;
    }
    vcpu_reset(GUEST_BOOT_VCPU_ID);
    vgic_init();
    return register_local_interrupts();
}
