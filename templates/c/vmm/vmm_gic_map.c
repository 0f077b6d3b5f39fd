/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_gic_map.h"

/* Widths are a mask of themselves. */
#define NARROW (1u | 2u)
#define WORD 4u
#define DOUBLEWORD 8u
#define ANY (NARROW | WORD | DOUBLEWORD)

struct range {
    uint32_t first;
    uint32_t end;
    uint32_t widths_bytes;
    enum vmm_gic_owner owner;
};

/* Of the enable and pending registers, the last are of INTIDs from 992 on, which libvmm has no room for. */
static const struct range distributor_stores[] = {
    { 0x0000, 0x0004, WORD, VMM_GIC_LIBVMM }, /* CTLR */
    { 0x0080, 0x0100, WORD, VMM_GIC_LIBVMM }, /* IGROUPR */
    { 0x0100, 0x017c, WORD, VMM_GIC_LIBVMM }, /* ISENABLER */
    { 0x0180, 0x01fc, WORD, VMM_GIC_LIBVMM }, /* ICENABLER */
    { 0x0180, 0x0200, NARROW, VMM_GIC_DISABLES },
    { 0x0200, 0x0280, ANY, VMM_GIC_PENDS },   /* ISPENDR */
    { 0x0280, 0x02fc, WORD, VMM_GIC_LIBVMM }, /* ICPENDR */
    { 0x0300, 0x0400, WORD, VMM_GIC_LIBVMM }, /* ISACTIVER, ICACTIVER */
    { 0x0c00, 0x0d00, WORD, VMM_GIC_LIBVMM }, /* ICFGR */
    { 0x0f00, 0x0f04, ANY, VMM_GIC_SENDS },   /* SGIR */
    { 0 },
};

static const struct range distributor_loads[] = {
    { 0x0000, 0x0400, WORD, VMM_GIC_LIBVMM },
    { 0x0400, 0x0c00, NARROW | WORD, VMM_GIC_LIBVMM }, /* IPRIORITYR, ITARGETSR */
    { 0x0c00, 0x1000, WORD, VMM_GIC_LIBVMM },
    { 0x6100, 0x7f00, WORD | DOUBLEWORD, VMM_GIC_LIBVMM }, /* IROUTER */
    { 0xffd0, 0x10000, WORD, VMM_GIC_LIBVMM },             /* PIDR, CIDR */
    { 0 },
};

static const struct range redistributor_stores[] = {
    { 0x00014, 0x00018, WORD, VMM_GIC_LIBVMM },          /* WAKER */
    { 0x10080, 0x10084, WORD, VMM_GIC_LIBVMM },          /* IGROUPR0 */
    { 0x10100, 0x10104, WORD, VMM_GIC_LIBVMM },          /* ISENABLER0 */
    { 0x10180, 0x10184, WORD, VMM_GIC_LIBVMM },          /* ICENABLER0 */
    { 0x10380, 0x10384, WORD, VMM_GIC_LIBVMM },          /* ICACTIVER0 */
    { 0x10400, 0x10420, NARROW | WORD, VMM_GIC_LIBVMM }, /* IPRIORITYR */
    { 0 },
};

static const struct range redistributor_loads[] = {
    { 0x00000, 0x00008, WORD, VMM_GIC_LIBVMM },              /* CTLR, IIDR */
    { 0x00008, 0x00010, DOUBLEWORD, VMM_GIC_LIBVMM },        /* TYPER */
    { 0x00008, 0x0000c, WORD, VMM_GIC_LIBVMM },
    { 0x00014, 0x00018, WORD, VMM_GIC_LIBVMM },              /* WAKER */
    { 0x0ffe8, 0x0ffec, WORD, VMM_GIC_LIBVMM },              /* PIDR2 */
    { 0x10080, 0x10084, WORD, VMM_GIC_LIBVMM },              /* IGROUPR0 */
    { 0x10c04, 0x10c08, WORD, VMM_GIC_LIBVMM },              /* ICFGR1 */
    { 0 },
};

static enum vmm_gic_owner owner_in(const struct range *ranges, uint64_t offset, uint32_t width_bytes)
{
    for (const struct range *range = ranges; range->end != 0; range++) {
        if (offset >= range->first && offset < range->end && (range->widths_bytes & width_bytes) != 0) {
            return range->owner;
        }
    }
    return VMM_GIC_NOBODY;
}

enum vmm_gic_owner vmm_gic_distributor_owner(uint64_t offset, uint32_t width_bytes, bool is_load)
{
    return owner_in(is_load ? distributor_loads : distributor_stores, offset, width_bytes);
}

enum vmm_gic_owner vmm_gic_redistributor_owner(uint64_t offset, uint32_t width_bytes, bool is_load)
{
    return owner_in(is_load ? redistributor_loads : redistributor_stores, offset, width_bytes);
}
