/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <libvmm/libvmm.h>
#include <libvmm/arch/aarch64/vgic/virq.h>

#include <sdfgen/counters.h>
#include <sdfgen/vmm_limits.h>

#include "vmm_gic_target.h"
#include "vmm_inject.h"
#include "vmm_rest.h"

static uint32_t used[VMM_MOST_VCPUS]; /* list registers */
static bool injected[VMM_MOST_VCPUS];

enum vmm_injection vmm_inject(uint32_t vcpu, uint32_t intid)
{
    if (used[vcpu] == NUM_LIST_REGS || !vmm_gic_is_on()) {
        return VMM_LATER;
    }
    if (!virq_inject(ARM_GIC_IRQ_ROUTE((int)vcpu, intid))) {
        return VMM_REFUSED;
    }
    counters_add(0, COUNTERS_VMM_INJECTIONS, 1);
    used[vcpu]++;
    injected[vcpu] = true;
    vmm_rest_end(vcpu);
    return VMM_INJECTED;
}

void vmm_inject_note_end(uint32_t vcpu)
{
    used[vcpu]--;
}

bool vmm_inject_was(uint32_t vcpu)
{
    const bool was = injected[vcpu];
    injected[vcpu] = false;
    return was;
}

void vmm_inject_reset(void)
{
    for (uint32_t vcpu = 0; vcpu < VMM_MOST_VCPUS; vcpu++) {
        used[vcpu] = 0;
        injected[vcpu] = false;
    }
}
