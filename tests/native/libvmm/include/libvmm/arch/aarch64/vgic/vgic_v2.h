/* SPDX-License-Identifier: BSD-2-Clause */
/* As libvmm.h: registers of the distributor. */
#pragma once

#define GIC_DIST_ICENABLER0 0x180
#define GIC_DIST_ICENABLERN 0x1fC
