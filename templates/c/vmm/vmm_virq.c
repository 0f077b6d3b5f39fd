/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <microkit.h>

#include <libvmm/libvmm.h>

#include <sdfgen/vmm_limits.h>

#include "vmm_gic_target.h"
#include "vmm_vcpu.h"
#include "vmm_virq.h"

#define WORD_BITS 32u

/* An interrupt and who wants to know of it, as libvmm's cookie. */
struct virq {
    uint32_t intid;
    vmm_virq_event event;
    void *irq;
    bool held; /* by that vCPU */
    uint32_t vcpu;
};

static struct virq virqs[VMM_MAX_INTERRUPTS];
static uint32_t virq_count;
/* One that is being ended, and by whom. */
static bool ending;
static uint32_t ending_vcpu;

/* libvmm tells with the same callback that one was enabled. What a vCPU ends that was off meanwhile was lost before. */
static void acknowledged(irq_routing_info_t route, void *cookie)
{
    struct virq *virq = cookie;
    (void)route;
    if (!ending) {
        virq->event(virq->irq, VMM_VIRQ_ENABLED);
    } else if (virq->held && virq->vcpu == ending_vcpu) {
        virq->held = false;
        virq->event(virq->irq, VMM_VIRQ_ENDED);
    }
}

static struct virq *find(uint32_t intid)
{
    for (uint32_t i = 0; i < virq_count; i++) {
        if (virqs[i].intid == intid) {
            return &virqs[i];
        }
    }
    return NULL;
}

/* libvmm files shared ones under no vCPU. */
static bool register_at_libvmm(struct virq *virq)
{
    return virq_register(ARM_GIC_IRQ_ROUTE((int)GUEST_BOOT_VCPU_ID, virq->intid), acknowledged, virq);
}

/* libvmm would take a number twice, and serve the first. */
bool vmm_virq_register(uint32_t intid, vmm_virq_event event, void *irq)
{
    if (virq_count == VMM_MAX_INTERRUPTS || find(intid) != NULL) {
        return false;
    }
    struct virq *virq = &virqs[virq_count++];
    *virq = (struct virq){ .intid = intid, .event = event, .irq = irq };
    return register_at_libvmm(virq);
}

bool vmm_virq_register_again(void)
{
    bool done = true;
    for (uint32_t i = 0; i < virq_count; i++) {
        virqs[i].held = false;
        done = done && register_at_libvmm(&virqs[i]);
    }
    return done;
}

/* VMM_MOST_VCPUS when none is on. */
static uint32_t vcpu_for(uint32_t intid)
{
    const uint32_t chosen = vmm_gic_target(intid);
    uint32_t vcpu = 0;
    while (vcpu < VMM_MOST_VCPUS && !vmm_vcpu_is_on(vcpu)) {
        vcpu++;
    }
    return vmm_vcpu_is_on(chosen) ? chosen : vcpu;
}

enum vmm_injection vmm_virq_inject(uint32_t intid)
{
    const uint32_t vcpu = vcpu_for(intid);
    struct virq *virq = find(intid);
    if (vcpu == VMM_MOST_VCPUS || virq == NULL) {
        return VMM_LATER;
    }
    const enum vmm_injection done = vmm_inject(vcpu, intid);
    if (done == VMM_INJECTED) {
        virq->held = true;
        virq->vcpu = vcpu;
    }
    return done;
}

void vmm_virq_begin_end(uint32_t vcpu)
{
    ending = true;
    ending_vcpu = vcpu;
}

void vmm_virq_finish_end(void)
{
    ending = false;
}

static void note(uint32_t first_intid, uint32_t bits, enum vmm_virq_change change)
{
    for (uint32_t i = 0; i < virq_count; i++) {
        const uint32_t bit = virqs[i].intid - first_intid;
        if (bit < WORD_BITS && (bits >> bit & 1) != 0) {
            virqs[i].event(virqs[i].irq, change);
        }
    }
}

void vmm_virq_note_raised(uint32_t first_intid, uint32_t bits)
{
    note(first_intid, bits, VMM_VIRQ_RAISED);
}

void vmm_virq_note_disabled(uint32_t first_intid, uint32_t bits)
{
    note(first_intid, bits, VMM_VIRQ_DISABLED);
}

void vmm_virq_note_off(uint32_t vcpu)
{
    for (uint32_t i = 0; i < virq_count; i++) {
        if (virqs[i].held && virqs[i].vcpu == vcpu) {
            virqs[i].held = false;
            virqs[i].event(virqs[i].irq, VMM_VIRQ_LOST);
        }
    }
}
