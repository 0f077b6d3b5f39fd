/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's protection domain (monitor.h). Its period is its clock: a domain that yields has spent its budget, and
 * runs again when the kernel replenishes it. It waits for nobody and nobody waits for it.
 */
#include <microkit.h>

#include <sdfgen/monitor.h>

static struct monitor monitor;

static void say(const char *text)
{
    microkit_dbg_puts(text);
}

void init(void)
{
    for (;;) {
        monitor_look(&monitor, &monitor_config, say);
        seL4_Yield();
    }
}

void notified(microkit_channel channel)
{
    (void)channel;
}
