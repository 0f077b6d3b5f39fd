/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_gic.h"

#include <stddef.h>

#include <microkit.h>

#include <libvmm/libvmm.h>
#include <libvmm/arch/aarch64/vgic/vgic.h>

#include <sdfgen/pd_say.h>
#include <sdfgen/vmm_limits.h>

#include "vmm_gic_map.h"
#include "vmm_gic_target.h"
#include "vmm_local.h"
#include "vmm_syndrome.h"
#include "vmm_trap.h"
#include "vmm_vcpu.h"
#include "vmm_virq.h"

/* Of the distributor (Arm IHI 0048, chapter 4): registers of a bit for each interrupt. */
#define ISPENDR 0x200u
#define ICENABLER 0x180u
#define ICENABLER_END 0x200u

#define SGIR_INTID_MASK 0xfu
#define SGIR_LIST_SHIFT 16u
#define SGIR_LIST_MASK 0xffu
#define SGIR_FILTER_SHIFT 24u
#define SGIR_FILTER_MASK 3u
enum { SGIR_TO_LIST, SGIR_TO_OTHERS, SGIR_TO_SELF };

/* ICC_SGI1R_EL1 of a GICv3 (Arm IHI 0069, 12.2), and the syndrome of a move to it, but for the register. */
#define SGI1R_LIST_MASK 0xffffu
#define SGI1R_INTID_SHIFT 24u
#define SGI1R_OTHERS (UINT64_C(1) << 40)
#define SGI1R_AFFINITY (UINT64_C(0xff) << 16 | UINT64_C(0xff) << 32 | UINT64_C(0xff) << 48)
#define MOVE_MASK 0xfffc1fu
#define MOVE_TO_SGI1R 0x3a3016u
#define MOVE_REGISTER_SHIFT 5u

#define BYTE_BITS 8u

struct access {
    uint32_t vcpu;
    uint64_t offset;
    uint32_t width_bytes;
    uint64_t value; /* of a store, zero-extended */
};

static void send(uint32_t vcpus, uint32_t intid)
{
    for (uint32_t vcpu = 0; vcpu < vmm_vcpus_count(); vcpu++) {
        if ((vcpus >> vcpu & 1) != 0) {
            vmm_local_raise(vcpu, intid);
        }
    }
}

static void send_sgi(const struct access *access)
{
    const uint32_t value = (uint32_t)access->value;
    const uint32_t self = UINT32_C(1) << access->vcpu;
    const uint32_t vcpus[] = {
        [SGIR_TO_LIST] = value >> SGIR_LIST_SHIFT & SGIR_LIST_MASK,
        [SGIR_TO_OTHERS] = ~self,
        [SGIR_TO_SELF] = self,
        [SGIR_FILTER_MASK] = 0, /* reserved */
    };
    send(vcpus[value >> SGIR_FILTER_SHIFT & SGIR_FILTER_MASK], value & SGIR_INTID_MASK);
}

static void make_pending(const struct access *access)
{
    vmm_virq_note_raised((uint32_t)(BYTE_BITS * (access->offset - ISPENDR)), (uint32_t)access->value);
}

static void choose_target(const struct access *access)
{
    vmm_gic_target_store(access->offset, access->width_bytes, access->value);
}

static void disable(const struct access *access)
{
    vmm_virq_note_disabled((uint32_t)(BYTE_BITS * (access->offset - ICENABLER)), (uint32_t)access->value);
}

static void ignore(const struct access *access)
{
    (void)access;
}

typedef void (*store_function)(const struct access *access);

static enum vmm_gic_owner owner_of(uint64_t gpa, uint32_t width_bytes, bool is_load)
{
#if defined(GIC_V3)
    const uint64_t offset = gpa - GIC_REDIST_PADDR;
    if (offset < GIC_REDIST_TOTAL_SIZE) {
        const bool exists = offset / GIC_REDIST_INDIVIDUAL_SIZE < vmm_vcpus_count();
        const uint64_t within = offset % GIC_REDIST_INDIVIDUAL_SIZE;
        return exists ? vmm_gic_redistributor_owner(within, width_bytes, is_load) : VMM_GIC_NOBODY;
    }
#endif
    return vmm_gic_distributor_owner(gpa - GIC_DIST_PADDR, width_bytes, is_load);
}

/* What does a store, or NULL when that is libvmm. */
static store_function store_of(uint64_t gpa, uint32_t width_bytes)
{
    static const store_function stores[] = {
        [VMM_GIC_NOBODY] = ignore,      [VMM_GIC_LIBVMM] = NULL,      [VMM_GIC_SENDS] = send_sgi,
        [VMM_GIC_PENDS] = make_pending, [VMM_GIC_DISABLES] = disable,
    };
    return vmm_gic_target_has(gpa - GIC_DIST_PADDR) ? choose_target : stores[owner_of(gpa, width_bytes, false)];
}

static bool do_store(store_function store, struct access *access, uint64_t syndrome)
{
    seL4_UserContext registers;
    if (!vmm_vcpu_read(access->vcpu, &registers)) {
        return false;
    }
    access->value = vmm_trap_stored(&registers, syndrome);
    store(access);
    return vmm_vcpu_skip(access->vcpu, &registers);
}

/* Or loads nothing, which libvmm would keep as the zero register's value. */
static bool load_zero(uint32_t vcpu, uint64_t syndrome)
{
    seL4_UserContext registers;
    if (!vmm_vcpu_read(vcpu, &registers)) {
        return false;
    }
    vmm_trap_loaded(&registers, syndrome, 0);
    return vmm_vcpu_skip_load(vcpu, &registers);
}

static bool is_the_controllers(uint64_t gpa)
{
#if defined(GIC_V3)
    if (gpa - GIC_REDIST_PADDR < GIC_REDIST_TOTAL_SIZE) {
        return true;
    }
#endif
    return gpa - GIC_DIST_PADDR < GIC_DIST_SIZE;
}

/* On what it can't tell from the syndrome, and on an address that no core would let through, libvmm asserts. */
static bool is_sound(uint64_t gpa, uint64_t syndrome)
{
    const bool sound = (syndrome & VMM_ISS_VALID) != 0 && gpa % vmm_trap_width_bytes(syndrome) == 0;
    if (!sound) {
        pd_say("the guest accessed its interrupt controller in a way that can't be emulated", NULL);
    }
    return sound;
}

static bool takes_load(uint32_t vcpu, uint64_t gpa, uint64_t syndrome, enum vmm_outcome *outcome)
{
    const bool is_libvmms = owner_of(gpa, vmm_trap_width_bytes(syndrome), true) == VMM_GIC_LIBVMM;
    if (is_libvmms && !vmm_trap_is_zero_register(syndrome)) {
        return false;
    }
    *outcome = load_zero(vcpu, syndrome) ? VMM_RUNS : VMM_FAILED;
    return true;
}

static bool takes_store(uint32_t vcpu, uint64_t gpa, uint64_t syndrome, enum vmm_outcome *outcome)
{
    struct access access = {
        .vcpu = vcpu,
        .offset = gpa - GIC_DIST_PADDR,
        .width_bytes = vmm_trap_width_bytes(syndrome),
    };
    const store_function store = store_of(gpa, access.width_bytes);
    if (store != NULL) {
        *outcome = do_store(store, &access, syndrome) ? VMM_RUNS : VMM_FAILED;
    }
    return store != NULL;
}

bool vmm_gic_takes(uint32_t vcpu, uint64_t gpa, uint64_t syndrome, enum vmm_outcome *outcome)
{
    if (!is_the_controllers(gpa)) {
        return false;
    }
    if (!is_sound(gpa, syndrome)) {
        *outcome = VMM_FAILED;
        return true;
    }
    return fault_is_read(syndrome) ? takes_load(vcpu, gpa, syndrome, outcome)
                                   : takes_store(vcpu, gpa, syndrome, outcome);
}

static void send_sgi1(uint32_t vcpu, uint64_t value)
{
    const uint32_t list = (value & SGI1R_AFFINITY) == 0 ? value & SGI1R_LIST_MASK : 0;
    const uint32_t others = ~(UINT32_C(1) << vcpu);
    send((value & SGI1R_OTHERS) != 0 ? others : list, (uint32_t)(value >> SGI1R_INTID_SHIFT) & SGIR_INTID_MASK);
}

bool vmm_gic_takes_move(uint32_t vcpu, uint64_t syndrome, enum vmm_outcome *outcome)
{
    const uint64_t source = syndrome >> MOVE_REGISTER_SHIFT & VMM_ISS_REGISTER_MASK;
    const uint64_t as_store = source << VMM_ISS_REGISTER_SHIFT | (uint64_t)VMM_ISS_SIZE_MASK << VMM_ISS_SIZE_SHIFT;
    seL4_UserContext registers;
    if ((syndrome & MOVE_MASK) != MOVE_TO_SGI1R) {
        return false;
    }
    *outcome = VMM_FAILED;
    if (vmm_vcpu_read(vcpu, &registers)) {
        send_sgi1(vcpu, vmm_trap_stored(&registers, VMM_ISS_VALID | as_store));
        *outcome = vmm_vcpu_skip(vcpu, &registers) ? VMM_RUNS : VMM_FAILED;
    }
    return true;
}

void vmm_gic_note(uint32_t vcpu, uint64_t gpa, uint64_t syndrome)
{
    const uint64_t offset = gpa - GIC_DIST_PADDR;
    seL4_UserContext registers;
    if (offset < ICENABLER || offset >= ICENABLER_END || fault_is_read(syndrome) || !vmm_vcpu_read(vcpu, &registers)) {
        return;
    }
    vmm_virq_note_disabled((uint32_t)(BYTE_BITS * (offset - ICENABLER)), (uint32_t)vmm_trap_stored(&registers, syndrome));
}
