/* SPDX-License-Identifier: BSD-2-Clause */
/* Without glue_table.h, which declares the table as the VMM sees it: a constant. */
#define vmm_config writable
#include <sdfgen/vmm_config.h>
#undef vmm_config

struct writable vmm_config;

void *writable_table(void);

void *writable_table(void)
{
    return &vmm_config;
}
