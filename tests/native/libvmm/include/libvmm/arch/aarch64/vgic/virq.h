/* SPDX-License-Identifier: BSD-2-Clause */
/* As libvmm.h: sizes of libvmm's interrupt controller. */
#pragma once

#define NUM_SGI_VIRQS 16
#define NUM_LIST_REGS 4
