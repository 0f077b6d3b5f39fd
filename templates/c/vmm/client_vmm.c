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
#include <sdfgen/virtio_mmio_page.h>

#include "vmm_common.h"
#include "vmm_console.h"

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
static volatile uint32_t *page; /* the registers as the guest reads them */

/* Does what an access or a notification asks for, and what is left to do after it. */
static void follow(struct virtio_effects effects, enum virtio_mmio_extent changed)
{
    bool notify = effects.notify;
    bool configured = effects.config_interrupt;
    for (uint32_t i = 0; effects.again && i < MAX_STEPS; i++) {
        effects = virtio_mmio_step(&mmio);
        notify |= effects.notify;
        configured |= effects.config_interrupt;
    }
    if (notify) {
        microkit_notify(client_vmm_config.blk.connection.channel);
    }
    virtio_mmio_show(&mmio, page, configured ? VIRTIO_MMIO_ALL : changed);
    vmm_irq_set_level(&irq, virtio_mmio_interrupt(&mmio));
}

/* They are read from the page. */
static bool read_register(uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    (void)offset;
    (void)width_bytes;
    (void)value;
    return false;
}

static bool write_register(uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    const bool frequent = offset == VIRTIO_MMIO_QUEUE_NOTIFY || offset == VIRTIO_MMIO_INTERRUPT_ACK;
    follow(virtio_mmio_write(&mmio, offset, width_bytes, value), frequent ? VIRTIO_MMIO_STATE : VIRTIO_MMIO_ALL);
    return true;
}

static const struct vmm_trap registers = { .read = read_register, .write = write_register };

/* Requests that are under way end without touching the guest's RAM (virtio_mmio.h). */
static void reset_devices(void)
{
    follow(virtio_mmio_write(&mmio, VIRTIO_MMIO_STATUS, sizeof(uint32_t), 0), VIRTIO_MMIO_ALL);
    vmm_console_reset();
}

static bool set_up(const struct client_vmm_config *config)
{
    const struct vmm_guest *guest = &config->guest;
    irq = (struct vmm_irq){ .kind = VMM_IRQ_LEVEL, .intid = config->virtio_blk.intid };
    if (!vmm_create(guest, config->irqs, config->irq_count) || !vmm_add_irq(&irq) ||
        !vmm_add_trap(config->virtio_blk.gpa, config->virtio_blk.size_bytes, &registers)) {
        return false;
    }
    vmm_guest_may_reset(reset_devices);
    virtio_blk_init(&blk, &config->blk, &ram);
    virtio_mmio_init(&mmio, &virtio_blk_ops, &blk);
    page = (volatile uint32_t *)config->virtio_blk_vaddr;
    return guest_ram_add(&ram, guest->ram_gpa, guest->ram_size_bytes, (uint8_t *)guest->ram_vaddr);
}

static void start_when_ready(void)
{
    if (virtio_blk_ready(&blk)) {
        virtio_mmio_show(&mmio, page, VIRTIO_MMIO_ALL);
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
        follow(virtio_mmio_step(&mmio), VIRTIO_MMIO_STATE);
    }
}

void notified(microkit_channel channel)
{
    if (channel == client_vmm_config.blk.connection.channel) {
        virtualiser_notified();
    } else {
        vmm_notified(channel);
    }
}
