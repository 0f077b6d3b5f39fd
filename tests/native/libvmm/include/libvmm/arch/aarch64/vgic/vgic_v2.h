/* SPDX-License-Identifier: BSD-2-Clause */
/* As libvmm.h: registers of the distributor. */
#pragma once

struct gic_dist_map {
    uint32_t ctlr;
    uint32_t targets[247];
};

static inline struct gic_dist_map *vgic_get_dist(void *registers)
{
    return registers;
}

static inline bool vgic_dist_is_enabled(struct gic_dist_map *gic_dist)
{
    return (gic_dist->ctlr & 1) != 0;
}
