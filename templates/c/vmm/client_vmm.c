/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client's VMM: a Linux guest with a virtio block device that is backed by the virtualiser.
 *
 * The guest starts when the virtualiser has published the disk; until then the PD sleeps, and looks at each
 * notification. Whatever then goes wrong is the guest's to see: a failed request, or DEVICE_NEEDS_RESET.
 */
#include <microkit.h>

#include <sdfgen/guest_ram.h>
#include <sdfgen/virtio_blk.h>
#include <sdfgen/virtio_mmio.h>

#include "vmm_common.h"
#include "vmm_idle.h"

/*
 * Steps in one go. A ring that is filled while the device empties it needs a guest that runs meanwhile, on another
 * core; it then waits for the next notification.
 */
#define MAX_STEPS 16u

enum client_state {
    CLIENT_STOPPED, /* something could not be set up */
    CLIENT_WAITING, /* for the virtualiser */
    CLIENT_RUNNING,
};

static enum client_state state;
static struct guest_ram ram;
static struct virtio_blk blk;
static struct virtio_mmio mmio;
static struct vmm_irq irq;

/* Does what an access or a notification asks for, and what is left to do after it. */
static void follow(struct virtio_effects effects)
{
    bool notify = effects.notify;
    for (uint32_t i = 0; effects.again && i < MAX_STEPS; i++) {
        effects = virtio_mmio_step(&mmio);
        notify |= effects.notify;
    }
    if (notify) {
        microkit_notify(client_vmm_config.blk.connection.channel);
    }
    vmm_irq_set_level(&irq, virtio_mmio_interrupt(&mmio));
    vmm_idle_allow(blk.queue.in_flight_count != 0);
}

static bool read_register(uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    *value = virtio_mmio_read(&mmio, offset, width_bytes);
    return true;
}

static bool write_register(uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    follow(virtio_mmio_write(&mmio, offset, width_bytes, value));
    return true;
}

static const struct vmm_trap registers = { .read = read_register, .write = write_register };

static bool set_up(const struct client_vmm_config *config)
{
    const struct vmm_guest *guest = &config->guest;
    irq = (struct vmm_irq){ .kind = VMM_IRQ_LEVEL, .intid = config->virtio_blk.intid };
    if (!vmm_create(guest, config->irqs, config->irq_count) || !vmm_add_irq(&irq) ||
        !vmm_add_trap(config->virtio_blk.gpa, config->virtio_blk.size_bytes, &registers)) {
        return false;
    }
    virtio_blk_init(&blk, &config->blk, &ram);
    virtio_mmio_init(&mmio, &virtio_blk_ops, &blk);
    return guest_ram_add(&ram, guest->ram_gpa, guest->ram_size_bytes, (uint8_t *)guest->ram_vaddr);
}

static void start_when_ready(void)
{
    if (virtio_blk_ready(&blk)) {
        state = vmm_boot(&client_vmm_config.guest) ? CLIENT_RUNNING : CLIENT_STOPPED;
    }
}

void init(void)
{
    if (set_up(&client_vmm_config)) {
        state = CLIENT_WAITING;
        start_when_ready();
    }
}

static void virtualiser_notified(void)
{
    if (state == CLIENT_WAITING) {
        start_when_ready();
    } else if (state == CLIENT_RUNNING) {
        follow(virtio_mmio_step(&mmio));
    }
}

void notified(microkit_channel channel)
{
    if (channel == client_vmm_config.blk.connection.channel) {
        virtualiser_notified();
    } else {
        vmm_hardware_notified(channel);
    }
}
