/* SPDX-License-Identifier: BSD-2-Clause */
/* As libvmm.h: what is used of libvmm's interrupt controller. */
#pragma once

/* Of QEMU's virt board. */
#define GIC_DIST_PADDR 0x8000000UL
#define GIC_DIST_SIZE 0x1000

void vgic_init(void);
