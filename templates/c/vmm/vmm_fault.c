/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault() of the Microkit interface, for every vCPU of the guest, on whatever core:
 *   - A timer interrupt (seL4_Fault_VPPIEvent) that the guest has not enabled stays unacknowledged, and so masked,
 *     until the guest enables it: libvmm then acknowledges it, and the timer, if it is still due, raises it again.
 *     (libvmm's own handler acknowledges what it drops, so that it fires for ever.)
 *   - A vCPU that executes WFI, and was not interrupted meanwhile, rests (vmm_rest.h).
 *   - Calls of the firmware start and stop vCPUs, and the guest (vmm_psci.h).
 *   - SGIs, and what else libvmm must not see of the interrupt controller (vmm_gic.h).
 *   - Everything else is libvmm's. Afterwards devices look whether the guest left them something (vmm_devices.h), and
 *     interrupts that waited (vmm_local.h, vmm_irq.h) are injected.
 *   - A fault that can't be handled stops the guest, all its vCPUs, with one message.
 */
#include <stddef.h>

#include <microkit.h>

#include <libvmm/libvmm.h>
#include <libvmm/arch/aarch64/vgic/vgic.h>
#include <libvmm/arch/aarch64/vgic/virq.h>

#include <sdfgen/counters.h>
#include <sdfgen/pd_say.h>

#include "vmm_charge.h"
#include "vmm_devices.h"
#include "vmm_gic.h"
#include "vmm_guest.h"
#include "vmm_inject.h"
#include "vmm_irq.h"
#include "vmm_local.h"
#include "vmm_outcome.h"
#include "vmm_psci.h"
#include "vmm_rest.h"
#include "vmm_restart.h"
#include "vmm_syndrome.h"
#include "vmm_vcpu.h"
#include "vmm_virq.h"

/* Classes of exceptions (Arm ARM, ESR_ELx). */
#define CLASS_WFX 0x01u
#define CLASS_SMC64 0x17u
#define CLASS_MOVE64 0x18u
#define WFX_IS_WFE 1u

/* libvmm's. */
extern vgic_t vgic;

static enum vmm_outcome by_libvmm(uint32_t vcpu, microkit_msginfo msginfo)
{
    return fault_handle(vcpu, msginfo) ? VMM_RUNS : VMM_FAILED;
}

static enum vmm_outcome memory(uint32_t vcpu, microkit_msginfo msginfo)
{
    const uint64_t gpa = microkit_mr_get(seL4_VMFault_Addr);
    const uint64_t syndrome = microkit_mr_get(seL4_VMFault_FSR);
    enum vmm_outcome outcome = VMM_FAILED;
    if (!vmm_gic_takes(vcpu, gpa, syndrome, &outcome)) {
        outcome = by_libvmm(vcpu, msginfo);
        vmm_gic_note(vcpu, gpa, syndrome);
    }
    return outcome;
}

static enum vmm_outcome instruction(uint32_t vcpu, microkit_msginfo msginfo)
{
    const uint64_t syndrome = microkit_mr_get(seL4_VCPUFault_HSR);
    enum vmm_outcome outcome = VMM_FAILED;
    switch (syndrome >> VMM_EXCEPTION_CLASS_SHIFT) {
    case CLASS_WFX:
        return (syndrome & WFX_IS_WFE) == 0 ? VMM_WAITS : VMM_RUNS;
    case CLASS_SMC64:
        return vmm_psci_call(vcpu);
    case CLASS_MOVE64:
        return vmm_gic_takes_move(vcpu, syndrome, &outcome) ? outcome : by_libvmm(vcpu, msginfo);
    default:
        return by_libvmm(vcpu, msginfo);
    }
}

static enum vmm_outcome timer(uint32_t vcpu)
{
    vmm_local_raise(vcpu, VMM_TIMER_INTID);
    return VMM_RUNS;
}

/* libvmm asserts that it knows what was in the list register; of what a reboot parked there it does not. */
static enum vmm_outcome end(uint32_t vcpu, microkit_msginfo msginfo)
{
    const uint64_t list_register = microkit_mr_get(seL4_VGICMaintenance_IDX);
    if (list_register >= NUM_LIST_REGS || vgic.vgic_vcpu[vcpu].lr_shadow[list_register].virq == VIRQ_INVALID) {
        return VMM_RUNS;
    }
    const uint32_t intid = (uint32_t)vgic.vgic_vcpu[vcpu].lr_shadow[list_register].virq;
    vmm_inject_note_end(vcpu);
    vmm_local_note_end(vcpu, intid);
    vmm_virq_begin_end(vcpu);
    const enum vmm_outcome outcome = by_libvmm(vcpu, msginfo);
    vmm_virq_finish_end();
    return outcome;
}

static enum vmm_outcome handle(uint32_t vcpu, microkit_msginfo msginfo)
{
    const seL4_Word label = microkit_msginfo_get_label(msginfo);
    enum vmm_outcome outcome = VMM_FAILED;
    if (vmm_restart_takes(vcpu, label, &outcome)) {
        return outcome;
    }
    switch (label) {
    case seL4_Fault_VMFault:
        return memory(vcpu, msginfo);
    case seL4_Fault_VCPUFault:
        return instruction(vcpu, msginfo);
    case seL4_Fault_VPPIEvent:
        return timer(vcpu);
    case seL4_Fault_VGICMaintenance:
        return end(vcpu, msginfo);
    default:
        return by_libvmm(vcpu, msginfo);
    }
}

static bool pauses(uint32_t vcpu, enum vmm_outcome outcome)
{
    uint64_t until_ticks;
    return outcome != VMM_STAYS && vmm_charge_is_due(vcpu, &until_ticks) && vmm_rest_pause(vcpu, until_ticks);
}

/* Whether the vCPU is to run on. */
static bool follow(uint32_t vcpu, enum vmm_outcome outcome)
{
    if (outcome == VMM_FAILED) {
        vmm_guest_stop();
        return false;
    }
    vmm_devices_exited(outcome == VMM_WAITS);
    vmm_local_settle();
    vmm_irq_settle();
    const bool interrupted = vmm_inject_was(vcpu);
    if (pauses(vcpu, outcome)) {
        return false;
    }
    return outcome == VMM_RUNS || (outcome == VMM_WAITS && (interrupted || !vmm_rest_begin(vcpu)));
}

seL4_Bool fault(microkit_child child, microkit_msginfo msginfo, microkit_msginfo *reply_msginfo)
{
    vmm_charge_begin(true);
    vmm_charge_note_ran(child);
    const bool runs = child < vmm_vcpus_count() && follow(child, handle(child, msginfo));
    vmm_charge_end();
    if (!runs) {
        return seL4_False;
    }
    *reply_msginfo = microkit_msginfo_new(0, 0);
    return seL4_True;
}
