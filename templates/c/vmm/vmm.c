/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm.h"

#include <stddef.h>

#include <microkit.h>

#include <sdfgen/counters.h>
#include <sdfgen/pd_say.h>
#include <sdfgen/vmm_config.h>

#include "vmm_charge.h"
#include "vmm_devices.h"
#include "vmm_guest.h"
#include "vmm_passthrough.h"
#include "vmm_psci.h"
#include "vmm_rest.h"
#include "vmm_restart.h"

enum vmm_state {
    VMM_STOPPED, /* something could not be set up */
    VMM_WAITING, /* for a device */
    VMM_RUNNING,
};

static enum vmm_state state;
static uint64_t unknown_notifications;

static bool fits(const struct vmm_config *config)
{
    const bool vcpus = config->guest.vcpu_count <= VMM_MOST_VCPUS;
    const bool room = config->device_count <= VMM_MAX_DEVICES && config->irq_count <= VMM_MAX_INTERRUPTS &&
                      config->device_count + config->irq_count <= VMM_MAX_INTERRUPTS;
    if (!room) {
        pd_say("more devices and interrupts than libvmm has room for", NULL);
    }
    if (!vcpus) {
        pd_say("more virtual CPUs than libvmm has room for", NULL);
    }
    return room && vcpus;
}

static bool set_up(const struct vmm_config *config)
{
    const struct vmm_guest *guest = &config->guest;
    vmm_rest_init(&guest->timer);
    vmm_charge_init(guest);
    vmm_psci_init(guest->ram_gpa, guest->ram_size_bytes);
    return fits(config) &&
           vmm_guest_create(guest->vcpu_count, guest->ram_gpa, guest->ram_size_bytes, guest->ram_vaddr) &&
           vmm_passthrough_create(config->irqs, config->irq_count) && vmm_devices_create(config);
}

static void advance(enum vmm_state next, bool done)
{
    state = done ? next : VMM_STOPPED;
    if (!done) {
        pd_say("the guest is not started", NULL);
    }
}

static void start_when_ready(void)
{
    const struct vmm_guest *guest = &vmm_config.guest;
    if (state == VMM_WAITING && vmm_devices_ready()) {
        advance(VMM_RUNNING, vmm_guest_boot(guest->kernel_gpa, guest->dtb_gpa, guest->initrd_gpa));
    }
}

void init(void)
{
    counters_begin();
    advance(VMM_WAITING, set_up(&vmm_config));
    start_when_ready();
}

static void hand_on(microkit_channel channel)
{
    if (vmm_devices_notified(channel)) {
        start_when_ready();
    } else if (!vmm_passthrough_notified(channel)) {
        unknown_notifications++;
    }
}

/* What was left to do. */
static void go_on(void)
{
    vmm_devices_go_on();
    vmm_devices_exited(false);
    if (!vmm_restart_go_on()) {
        vmm_guest_stop();
    }
}

static void handle(microkit_channel channel)
{
    if (channel != vmm_config.guest.timer.channel) {
        hand_on(channel);
    } else if (vmm_rest_timer_notified()) {
        go_on();
    }
}

void notified(microkit_channel channel)
{
    if (state != VMM_STOPPED) {
        vmm_charge_begin(false);
        handle(channel);
        vmm_charge_end();
    }
}

uint64_t vmm_unknown_notifications(void)
{
    return unknown_notifications;
}
