/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the VMMs use of libvmm 0.2 (au-ts/libvmm 7069ab9), declared for compiling and running them without it. Names and
 * types are libvmm's, none of its code. Some names are here only because they collide with ours, as libvmm's own do.
 */
#pragma once

#ifndef __thread
#error "microkit.h comes first, or the IPC buffer that libvmm's headers declare is another one than libmicrokit's"
#endif
#include <microkit.h>

#define GUEST_BOOT_VCPU_ID 0UL
#define GUEST_MAX_NUM_VCPUS 4UL
/* Not the number that it has room for. */
#define VMM_MAX_VCPUS 32
#define GUEST_MAX_RAM_REGIONS 3

/* Also the name of a structure of ours, which therefore can't be seen in the same file. */
struct guest_ram_region {
    uint64_t gpa_start;
    uint64_t size;
    void *vmm_vaddr;
};

struct guest_pci_init {
    uint64_t ecam_gpa;
    uint64_t ecam_size;
    uint64_t mmio_aperature_gpa;
    uint64_t mmio_aperature_size;
};

/* Also the name of a structure of ours, and of none that is used here. */
typedef struct vmm_config {
    char magic[3];
} vmm_config_t;

typedef struct arch_guest_init {
    size_t num_vcpus;
    size_t num_guest_ram_regions;
    struct guest_ram_region guest_ram_regions[GUEST_MAX_RAM_REGIONS];
    struct guest_pci_init pci_init;
} arch_guest_init_t;

/* All words of it. */
#define SEL4_USER_CONTEXT_SIZE (sizeof(seL4_UserContext) / sizeof(seL4_Word))

bool guest_init(arch_guest_init_t arguments);
bool guest_start(uintptr_t kernel_pc, uintptr_t dtb, uintptr_t initrd);
uint64_t linux_setup_images(uint64_t ram_start_gpa, uintptr_t kernel, size_t kernel_size, uintptr_t dtb_src,
                            uint64_t dtb_dest_gpa, size_t dtb_size, uintptr_t initrd_src, uint64_t initrd_dest_gpa,
                            size_t initrd_size);

enum irq_type {
    IRQ_TYPE_INVALID = 0,
    IRQ_TYPE_ARM_GIC = 1,
    IRQ_TYPE_X86_IOAPIC = 2,
};

typedef struct irq_routing_info {
    enum irq_type type;
    union {
        struct arm_gic {
            int vcpu_id;
            uint32_t intid;
        } arm_gic;
        struct x86_ioapic {
            uint8_t chip;
            uint8_t pin;
        } x86_ioapic;
    } hw;
} irq_routing_info_t;

#define ARM_GIC_IRQ_ROUTE(vcpu, id) \
    ((irq_routing_info_t){ .type = IRQ_TYPE_ARM_GIC, .hw.arm_gic = { .vcpu_id = (vcpu), .intid = (id) } })

typedef void (*virq_ack_fn_t)(irq_routing_info_t route, void *cookie);
bool virq_register(irq_routing_info_t route, virq_ack_fn_t ack_fn, void *ack_data);
bool virq_inject(irq_routing_info_t route);

typedef bool (*vm_exception_handler_t)(size_t vcpu_id, size_t offset, size_t fsr, seL4_UserContext *regs, void *data);
bool fault_register_vm_exception_handler(uintptr_t base, size_t size, vm_exception_handler_t callback, void *data);
bool fault_handle(size_t vcpu_id, microkit_msginfo msginfo);
bool fault_is_read(uint64_t fsr);
uint64_t fault_get_data(seL4_UserContext *regs, uint64_t fsr);
void fault_emulate_write(seL4_UserContext *regs, size_t addr, size_t fsr, size_t reg_val);
