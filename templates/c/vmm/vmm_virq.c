/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <libvmm/libvmm.h>
#include <libvmm/arch/aarch64/vgic/vgic.h>
#if defined(GIC_V3)
#include <libvmm/arch/aarch64/vgic/vgic_v3.h>
#else
#include <libvmm/arch/aarch64/vgic/vgic_v2.h>
#endif

#include <sdfgen/vmm_limits.h>

#include "vmm_rest.h"
#include "vmm_syndrome.h"
#include "vmm_virq.h"

#define WORD_BITS 32u

/* An interrupt and who wants to know of it, as libvmm's cookie. */
struct virq {
    uint32_t intid;
    vmm_virq_event event;
    void *irq;
};

static struct virq virqs[VMM_MAX_INTERRUPTS];
static uint32_t virq_count;
static bool ending;
static bool injected;

static irq_routing_info_t route_of(uint32_t intid)
{
    return ARM_GIC_IRQ_ROUTE((int)GUEST_BOOT_VCPU_ID, intid);
}

static void acknowledged(irq_routing_info_t route, void *cookie)
{
    const struct virq *virq = cookie;
    (void)route;
    virq->event(virq->irq, ending ? VMM_VIRQ_ENDED : VMM_VIRQ_ENABLED);
}

/* libvmm would take a number twice, and serve the first. */
static bool is_known(uint32_t intid)
{
    for (uint32_t i = 0; i < virq_count; i++) {
        if (virqs[i].intid == intid) {
            return true;
        }
    }
    return false;
}

bool vmm_virq_register(uint32_t intid, vmm_virq_event event, void *irq)
{
    if (virq_count == VMM_MAX_INTERRUPTS || is_known(intid)) {
        return false;
    }
    struct virq *virq = &virqs[virq_count++];
    *virq = (struct virq){ .intid = intid, .event = event, .irq = irq };
    return virq_register(route_of(intid), acknowledged, virq);
}

bool vmm_virq_register_again(void)
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

bool vmm_virq_was_injected(void)
{
    const bool was = injected;
    injected = false;
    return was;
}

void vmm_virq_set_ending(bool is_ending)
{
    ending = is_ending;
}

/* Bit 0 of the registers is INTID 0. */
void vmm_virq_note_disabled(uint64_t gpa, uint64_t syndrome)
{
    const uint64_t first_intid = 8 * (gpa - GIC_DIST_PADDR - GIC_DIST_ICENABLER0);
    seL4_UserContext registers;
    if (gpa < GIC_DIST_PADDR + GIC_DIST_ICENABLER0 || gpa > GIC_DIST_PADDR + GIC_DIST_ICENABLERN ||
        (syndrome & VMM_ISS_VALID) == 0 || fault_is_read(syndrome) ||
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
