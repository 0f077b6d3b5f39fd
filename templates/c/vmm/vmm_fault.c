/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault() of the Microkit interface:
 *   - A timer interrupt (seL4_Fault_VPPIEvent) that the guest has not enabled stays unacknowledged, and so masked,
 *     until the guest enables it: libvmm then acknowledges it, and the timer, if it is still due, raises it again.
 *     (libvmm's own handler acknowledges what it drops, so that it fires for ever.)
 *   - A guest that executes WFI, and was not interrupted meanwhile, rests (vmm_rest.h).
 *   - A guest that resets itself starts again, if it may (vmm_restart.h).
 *   - Everything else is libvmm's. Interrupts that waited (vmm_irq.h) are injected afterwards.
 *   - A fault that can't be handled stops the guest, with one message.
 */
#include <stddef.h>

#include <microkit.h>

#include <libvmm/libvmm.h>

#include <sdfgen/pd_say.h>

#include "vmm_irq.h"
#include "vmm_reboot.h"
#include "vmm_rest.h"
#include "vmm_restart.h"
#include "vmm_syndrome.h"
#include "vmm_virq.h"

#define EXCEPTION_CLASS_WFX 1u
#define WFX_IS_WFE 1u

/* Exception class 1 is WFI or WFE; the lowest bit tells which (Arm ARM, ESR_ELx). */
static bool is_wfi(seL4_Word label)
{
    const seL4_Word syndrome = label == seL4_Fault_VCPUFault ? microkit_mr_get(seL4_VCPUFault_HSR) : 0;
    return syndrome >> VMM_EXCEPTION_CLASS_SHIFT == EXCEPTION_CLASS_WFX && (syndrome & WFX_IS_WFE) == 0;
}

static bool handle_by_libvmm(microkit_child vcpu, microkit_msginfo msginfo, seL4_Word label)
{
    const bool accesses = label == seL4_Fault_VMFault;
    const uint64_t gpa = accesses ? microkit_mr_get(seL4_VMFault_Addr) : 0;
    const uint64_t syndrome = accesses ? microkit_mr_get(seL4_VMFault_FSR) : 0;
    vmm_virq_set_ending(label == seL4_Fault_VGICMaintenance);
    const bool handled = fault_handle(vcpu, msginfo);
    vmm_virq_set_ending(false);
    if (handled && accesses) {
        vmm_virq_note_disabled(gpa, syndrome);
    }
    return handled;
}

static bool handle(microkit_child vcpu, microkit_msginfo msginfo)
{
    const seL4_Word label = microkit_msginfo_get_label(msginfo);
    if (vmm_reboot_asked(label)) {
        /* The guest's call never returns. */
        return vmm_restart();
    }
    if (label == seL4_Fault_VPPIEvent) {
        /* Not enabled: it stays masked until it is, and then fires again. */
        (void)vmm_virq_inject((uint32_t)microkit_mr_get(seL4_VPPIEvent_IRQ));
        return true;
    }
    return handle_by_libvmm(vcpu, msginfo, label);
}

/* Whether the vCPU is to run on. */
static bool follow(bool waits, bool handled)
{
    vmm_irq_settle();
    const bool interrupted = vmm_virq_was_injected();
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
