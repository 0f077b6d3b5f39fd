/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <microkit.h>

#include <sdfgen/pd_say.h>

void pd_say(const char *what, const char *detail)
{
    microkit_dbg_puts(microkit_name);
    microkit_dbg_puts(": ");
    microkit_dbg_puts(what);
    if (detail != NULL) {
        microkit_dbg_puts(": ");
        microkit_dbg_puts(detail);
    }
    microkit_dbg_puts("\n");
}
