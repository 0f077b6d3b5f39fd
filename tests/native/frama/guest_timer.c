/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest timer's step, at any time, over pages that say anything at any time, for any number of VMMs. */
#include <sdfgen/guest_timer.h>

#include "any.h"

#define MOST_VMMS 62u

static volatile struct guest_timer_page pages[MOST_VMMS];
static struct guest_timer_connection vmms[MOST_VMMS];
static uint64_t woken[MOST_VMMS];

static void wake(uint32_t channel)
{
    /*@ assert known_channel: channel < MOST_VMMS; */
    (void)channel;
}

int main(void)
{
    const struct guest_timer_config config = {
        .vmms = vmms,
        .vmm_count = (uint32_t)any_between(0, MOST_VMMS),
    };
    for (uint32_t i = 0; i < MOST_VMMS; i++) {
        vmms[i].page_vaddr = (uintptr_t)&pages[i];
        vmms[i].channel = i;
    }
    while (any_bool()) {
        (void)guest_timer_step(&config, woken, any_u64(), wake);
    }
    return 0;
}
