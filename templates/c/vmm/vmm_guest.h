/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest as libvmm runs it: creation, images, traps, virtual interrupts. Only vmm_guest.c includes libvmm, whose
 * headers and sDDF's use names of ours for other things (struct guest_ram_region, struct virtq), so nothing of theirs
 * appears here, nor anything of the generated tables.
 *
 * fault() of the Microkit interface is defined by vmm_guest.c:
 *   - A timer interrupt (seL4_Fault_VPPIEvent) that the guest has not enabled stays unacknowledged, and so masked,
 *     until the guest enables it: libvmm then acknowledges it, and the timer, if it is still due, raises it again.
 *     (libvmm's own handler acknowledges what it drops, so that it fires for ever.)
 *   - A guest that executes WFI, and was not interrupted meanwhile, rests (vmm_rest.h).
 *   - Everything else is libvmm's. Interrupts that waited (vmm_irq.h) are injected afterwards.
 *   - A fault that can't be handled stops the guest, with one message.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* An emulated range of guest-physical addresses. `width_bytes` is 1, 2, 4 or 8, `offset` may be any in the range. */
struct vmm_trap {
    /* The value, zero-extended. False stops the guest. */
    bool (*read)(uint64_t offset, uint32_t width_bytes, uint64_t *value);
    bool (*write)(uint64_t offset, uint32_t width_bytes, uint64_t value);
};

/* What the guest did with an interrupt. */
enum vmm_virq_change {
    VMM_VIRQ_ENDED,
    VMM_VIRQ_ENABLED,
    VMM_VIRQ_DISABLED,
};

/* Nothing may be injected from here. */
typedef void (*vmm_virq_event)(void *irq, enum vmm_virq_change change);

/* First of all: one vCPU, one region of RAM, the interrupt controller. False after a message of libvmm's. */
bool vmm_guest_create(uint64_t ram_gpa, uint64_t ram_size_bytes, uintptr_t ram_vaddr);

/* Emulates [gpa, gpa + size_bytes). `trap` must stay. False when libvmm has no room, or the range is taken. */
bool vmm_trap_register(uint64_t gpa, uint64_t size_bytes, const struct vmm_trap *trap);

/* Before the first injection. */
bool vmm_virq_register(uint32_t intid, vmm_virq_event event, void *irq);

/* Brings the VMM's devices into the state that a guest expects at its start. */
typedef void (*vmm_reset_devices)(void);

/*
 * From now on a guest that resets itself is started again from the images, behind `reset_devices`; without this, or in
 * the middle of an interrupt, it is stopped. Not for a guest with a device that may still write into its RAM.
 */
void vmm_guest_may_reset(vmm_reset_devices reset_devices);

/* False when the guest has the interrupt, or the interrupt controller, disabled. */
bool vmm_virq_inject(uint32_t intid);

/*
 * Copies the three images that are linked in (_guest_kernel_image, _guest_dtb_image, _guest_initrd_image, each with
 * its _end) to where they belong, and starts the guest. False when one does not fit, after a message of libvmm's.
 */
bool vmm_guest_boot(uint64_t kernel_gpa, uint64_t dtb_gpa, uint64_t initrd_gpa);
