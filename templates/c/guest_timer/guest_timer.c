/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <sdfgen/guest_timer.h>
#include <sdfgen/shared.h>

uint64_t guest_timer_step(const struct guest_timer_config *config, uint64_t *woken, uint64_t now_ticks,
                          void (*wake)(uint32_t channel))
{
    uint64_t earliest_ticks = GUEST_TIMER_NEVER;
    for (uint32_t i = 0; i < config->vmm_count; i++) {
        const struct guest_timer_connection *vmm = &config->vmms[i];
        const struct guest_timer_page *page = (const struct guest_timer_page *)vmm->page_vaddr;
        const uint64_t wake_ticks = shared_load_acquire_u64(&page->wake_ticks);
        if (wake_ticks == woken[i]) {
            continue;
        }
        if (wake_ticks <= now_ticks) {
            woken[i] = wake_ticks;
            wake(vmm->channel);
        } else if (wake_ticks < earliest_ticks) {
            earliest_ticks = wake_ticks;
        }
    }
    return earliest_ticks;
}
