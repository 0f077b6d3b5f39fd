/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <microkit.h>

#include <libvmm/libvmm.h>

#include <sdfgen/vmm_limits.h>

#include "vmm_inject.h"
#include "vmm_local.h"
#include "vmm_vcpu.h"

#define WORD_BITS 32u

/* A bit for each INTID. */
struct local {
    uint32_t wanted;
    uint32_t held; /* injected, and not ended */
};

static struct local locals[VMM_MOST_VCPUS];

static void try_to_inject(uint32_t vcpu, uint32_t intid)
{
    struct local *local = &locals[vcpu];
    const uint32_t bit = UINT32_C(1) << intid;
    const enum vmm_injection done = vmm_inject(vcpu, intid);
    if (done == VMM_INJECTED) {
        local->held |= bit;
    }
    if (done != VMM_LATER) {
        local->wanted &= ~bit;
    }
}

void vmm_local_raise(uint32_t vcpu, uint32_t intid)
{
    if (vmm_vcpu_is_on(vcpu)) {
        locals[vcpu].wanted |= UINT32_C(1) << intid;
    }
}

void vmm_local_note_end(uint32_t vcpu, uint32_t intid)
{
    if (intid < WORD_BITS) {
        locals[vcpu].held &= ~(UINT32_C(1) << intid);
    }
}

void vmm_local_settle(void)
{
    for (uint32_t vcpu = 0; vcpu < vmm_vcpus_count(); vcpu++) {
        uint32_t possible = locals[vcpu].wanted & ~locals[vcpu].held;
        for (uint32_t intid = 0; possible != 0; intid++, possible >>= 1) {
            if ((possible & 1) != 0) {
                try_to_inject(vcpu, intid);
            }
        }
    }
}

void vmm_local_drop(uint32_t vcpu)
{
    locals[vcpu].wanted = 0;
}

/* As libvmm's own: the kernel keeps the timer's interrupt masked from when it fired until here. */
static void timer_ended(irq_routing_info_t route, void *cookie)
{
    (void)cookie;
    microkit_vcpu_arm_ack_vppi((microkit_child)route.hw.arm_gic.vcpu_id, VMM_TIMER_INTID);
}

bool vmm_local_register_again(void)
{
    bool done = true;
    for (uint32_t vcpu = 0; vcpu < vmm_vcpus_count(); vcpu++) {
        locals[vcpu] = (struct local){ 0 };
        done = done && virq_register(ARM_GIC_IRQ_ROUTE((int)vcpu, VMM_TIMER_INTID), timer_ended, NULL);
        for (uint32_t intid = 0; intid < VMM_SGIS; intid++) {
            done = done && virq_register(ARM_GIC_IRQ_ROUTE((int)vcpu, intid), NULL, NULL);
        }
    }
    return done;
}
