/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_restart.h"

#include <stddef.h>

#include <sdfgen/counters.h>
#include <sdfgen/pd_say.h>
#include <sdfgen/vmm_config.h>

#include "vmm_charge.h"
#include "vmm_devices.h"
#include "vmm_guest.h"
#include "vmm_images.h"
#include "vmm_irq.h"
#include "vmm_passthrough.h"
#include "vmm_reboot.h"
#include "vmm_rest.h"
#include "vmm_vcpu.h"
#include "vmm_virq.h"

static bool copying;

bool vmm_restart_go_on(void)
{
    const struct vmm_guest *guest = &vmm_config.guest;
    if (!copying) {
        return true;
    }
    copying = !vmm_images_copy_piece(guest, vmm_guest_entry_gpa());
    if (copying) {
        vmm_rest_ask(vmm_charge_next_turn_ticks());
        return true;
    }
    return vmm_guest_start_again(guest->dtb_gpa, guest->initrd_gpa);
}

static bool start(void)
{
    if (!vmm_virq_register_again()) {
        return false;
    }
    vmm_irq_reset();
    vmm_devices_reset();
    counters_add(0, COUNTERS_VMM_RESTARTS, 1);
    pd_say("the guest starts again", NULL);
    vmm_images_begin();
    copying = true;
    return vmm_restart_go_on();
}

static enum vmm_outcome follow(enum vmm_reboot reboot)
{
    switch (reboot) {
    case VMM_REBOOT_DONE:
        return start() ? VMM_STAYS : VMM_FAILED;
    case VMM_REBOOT_GOES_ON:
        return VMM_STAYS;
    case VMM_REBOOT_FAILED:
        pd_say("the guest asked for a reset in the middle of an interrupt", NULL);
        return VMM_FAILED;
    }
    return VMM_FAILED;
}

static struct vmm_reboot_place place_in(const struct vmm_guest *guest)
{
    return (struct vmm_reboot_place){
        .gpa = guest->dtb_gpa,
        .vaddr = guest->ram_vaddr + (guest->dtb_gpa - guest->ram_gpa),
    };
}

enum vmm_outcome vmm_restart(void)
{
    if (!vmm_config.may_restart) {
        pd_say("the guest asked for a reset, which its devices do not take", NULL);
        return VMM_FAILED;
    }
    vmm_vcpus_stop();
    if (!vmm_passthrough_stop(vmm_config.resets, vmm_config.reset_count)) {
        return VMM_FAILED;
    }
    vmm_irq_reset();
    const struct vmm_reboot_place place = place_in(&vmm_config.guest);
    return follow(vmm_reboot_begin(&place));
}

bool vmm_restart_takes(uint32_t vcpu, uint64_t label, enum vmm_outcome *outcome)
{
    bool runs = false;
    if (!vmm_reboot_is_under_way()) {
        return false;
    }
    *outcome = follow(vmm_reboot_fault(vcpu, label, &runs));
    if (runs) {
        *outcome = VMM_RUNS;
    }
    return true;
}
