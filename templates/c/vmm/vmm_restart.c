/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_restart.h"

#include <stddef.h>

#include <sdfgen/pd_say.h>
#include <sdfgen/vmm_config.h>

#include "vmm_devices.h"
#include "vmm_guest.h"
#include "vmm_irq.h"
#include "vmm_reboot.h"
#include "vmm_virq.h"

bool vmm_restart(void)
{
    const struct vmm_guest *guest = &vmm_config.guest;
    if (!vmm_config.may_restart) {
        pd_say("the guest asked for a reset, which its devices do not take", NULL);
        return false;
    }
    if (!vmm_reboot() || !vmm_virq_register_again()) {
        pd_say("the guest asked for a reset in the middle of an interrupt", NULL);
        return false;
    }
    vmm_irq_reset();
    vmm_devices_reset();
    pd_say("the guest starts again", NULL);
    return vmm_guest_boot(guest->kernel_gpa, guest->dtb_gpa, guest->initrd_gpa);
}
