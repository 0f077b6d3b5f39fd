/* SPDX-License-Identifier: BSD-2-Clause */
/* As libvmm.h: sizes of libvmm's interrupt controller. */
#pragma once

#define NUM_SGI_VIRQS 16
#define NUM_LIST_REGS 4
#define VIRQ_INVALID -1

struct virq_handle {
    int virq;
};

typedef struct vgic_vcpu {
    struct virq_handle lr_shadow[NUM_LIST_REGS];
} vgic_vcpu_t;

typedef struct vgic {
    void *registers;
    vgic_vcpu_t vgic_vcpu[GUEST_MAX_NUM_VCPUS];
} vgic_t;
