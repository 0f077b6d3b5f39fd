/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm_devices.h"

#include <stddef.h>

#include <sdfgen/pd_say.h>
#include <sdfgen/vmm_config.h>

#include "vmm_charge.h"
#include "vmm_irq.h"
#include "vmm_rest.h"
#include "vmm_trap.h"

/* A device, and what is registered for it. */
struct attached {
    const struct vmm_device *device;
    struct vmm_irq irq;
    struct vmm_trap trap;
    bool again;
};

static struct attached all[VMM_MAX_DEVICES];
static uint32_t count;

static void show_level(struct attached *attached)
{
    const struct vmm_device *device = attached->device;
    if (device->kind->interrupt == VMM_INTERRUPT_LEVEL) {
        vmm_irq_set_level(&attached->irq, device->kind->level(device));
    }
}

/* After each operation. */
static void settle(struct attached *attached)
{
    const struct vmm_device *device = attached->device;
    show_level(attached);
    if (device->kind->served != NULL && device->kind->served(device)) {
        vmm_charge_note_service();
    }
    attached->again = device->kind->has_more != NULL && device->kind->has_more(device);
    if (attached->again) {
        vmm_rest_ask(vmm_charge_next_turn_ticks());
    }
}

static bool read_registers(void *owner, uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    struct attached *attached = owner;
    const bool done = attached->device->kind->read(attached->device, offset, width_bytes, value);
    settle(attached);
    return done;
}

static bool write_registers(void *owner, uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    struct attached *attached = owner;
    const bool done = attached->device->kind->write(attached->device, offset, width_bytes, value);
    settle(attached);
    return done;
}

static bool said(const struct vmm_device *device, bool done, const char *failure)
{
    if (!done) {
        pd_say(device->name, failure);
    }
    return done;
}

static bool attach(struct attached *attached)
{
    const struct vmm_device *device = attached->device;
    const bool by_level = device->kind->interrupt == VMM_INTERRUPT_LEVEL;
    attached->irq = (struct vmm_irq){ .kind = by_level ? VMM_IRQ_LEVEL : VMM_IRQ_EDGE, .intid = device->intid };
    attached->trap = (struct vmm_trap){ .read = read_registers, .write = write_registers, .owner = attached };
    return said(device, vmm_irq_register(&attached->irq), "its interrupt could not be registered") &&
           said(device, vmm_trap_register(device->gpa, device->size_bytes, &attached->trap),
                "the addresses of its registers could not be registered");
}

bool vmm_devices_create(const struct vmm_config *config)
{
    for (count = 0; count < config->device_count && count < VMM_MAX_DEVICES; count++) {
        const struct vmm_device *device = &config->devices[count];
        all[count].device = device;
        if (!device->kind->create(device, &config->guest) || !attach(&all[count])) {
            return false;
        }
    }
    return true;
}

/* Each is asked, so that one that waits does not keep the others from being set up. */
bool vmm_devices_ready(void)
{
    bool ready = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct vmm_device *device = all[i].device;
        ready &= device->kind->ready == NULL || device->kind->ready(device);
    }
    return ready;
}

static void go_on(struct attached *attached)
{
    const struct vmm_device *device = attached->device;
    if (device->kind->notified != NULL) {
        device->kind->notified(device, vmm_charge_owes());
    }
    settle(attached);
}

static void notify(struct attached *attached)
{
    const struct vmm_device *device = attached->device;
    go_on(attached);
    if (device->kind->interrupt == VMM_INTERRUPT_BY_NOTIFICATION) {
        vmm_irq_raise(&attached->irq);
    }
}

bool vmm_devices_notified(uint32_t channel)
{
    bool known = false;
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].device->channel == channel) {
            notify(&all[i]);
            known = true;
        }
    }
    return known;
}

void vmm_devices_go_on(void)
{
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].again) {
            go_on(&all[i]);
        }
    }
}

/* What is to go on later does so then. */
void vmm_devices_exited(bool waits)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct vmm_device *device = all[i].device;
        if (device->kind->exited != NULL && !all[i].again) {
            device->kind->exited(device, waits);
            settle(&all[i]);
        }
    }
}

void vmm_devices_reset(void)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct vmm_device *device = all[i].device;
        if (device->kind->reset != NULL) {
            device->kind->reset(device);
        }
        show_level(&all[i]);
    }
}
