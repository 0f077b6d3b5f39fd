/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the generated tables tell the VMMs: driver_vmm_table.c and, for each client VM, client_vmm_table.c.
 *
 * *_gpa are guest-physical addresses, *_vaddr virtual addresses in the VMM's PD, intids GIC interrupt ids (SPI + 32),
 * channels the PD's Microkit channel ids. The guest's device tree of the same build says the same.
 */
#pragma once

#include <sdfgen/blk_config.h>
#include <sdfgen/guest_timer.h>

/*
 * A device that the VMM emulates: its registers are mapped nowhere, so that accesses trap. One of 0 bytes is not there.
 */
struct vmm_device {
    uint64_t gpa;
    uint64_t size_bytes;
    uint32_t intid; /* injected by the VMM */
};

/*
 * The guest's memory, where its images go in it, and what every guest has. Who it is, Microkit tells its VMM
 * (microkit_name).
 */
struct vmm_guest {
    uint64_t ram_gpa; /* 2 MiB aligned (Linux's boot protocol) */
    uintptr_t ram_vaddr;
    uint64_t ram_size_bytes;
    uint64_t kernel_gpa;
    uint64_t dtb_gpa; /* 8-byte aligned */
    uint64_t initrd_gpa;
    struct guest_timer_connection timer;
    struct vmm_device console; /* a PL011; not there for a guest that is given a UART of the hardware's */
};

/* A hardware interrupt that the guest handles itself. */
struct vmm_passthrough_irq {
    uint32_t intid;   /* the same in hardware and guest */
    uint32_t channel; /* where Microkit delivers it, and acknowledges it */
};

/* The driver guest's UIO devices, as far as the VMM has to do with them. */
struct vmm_uio {
    uint64_t notify_gpa; /* the notify page: mapped nowhere, a store to it traps and notifies `virt_channel` */
    uint64_t notify_size_bytes;
    uint32_t intid;        /* injected when the virtualiser notifies */
    uint32_t virt_channel; /* the virtualiser */
};

/* driver_vmm_table.c */
struct driver_vmm_config {
    struct vmm_guest guest;
    const struct vmm_passthrough_irq *irqs;
    uint32_t irq_count;
    struct vmm_uio uio;
    uintptr_t phys_addr_vaddr; /* struct phys_addr_region, mapped uncached */
    const struct phys_addr_slot *phys_addr_slots;
    uint32_t phys_addr_slot_count;
};

extern const struct driver_vmm_config driver_vmm_config;

/* client_vmm_table.c */
struct client_vmm_config {
    struct vmm_guest guest;
    const struct vmm_passthrough_irq *irqs; /* NULL when there are none */
    uint32_t irq_count;
    struct vmm_device virtio_blk; /* virtio-mmio; the guest reads its registers from a page, and a store traps */
    uintptr_t virtio_blk_vaddr;   /* that page, mapped uncached */
    struct blk_client_config blk; /* connection.channel: the virtualiser */
};

extern const struct client_vmm_config client_vmm_config;
