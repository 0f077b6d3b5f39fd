/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <sdfgen/pd_say.h>
#include <sdfgen/virtio_mmio_page.h>
#include <sdfgen/vmm_config.h>
#include <sdfgen/vmm_virtio_console.h>

/* Does what an access or a notification asks for, and what is left to do after it. */
static void follow(const struct vmm_device *device, struct virtio_effects effects, enum virtio_mmio_extent changed)
{
    const struct vmm_virtio_console_config *config = device->config;
    struct vmm_virtio_console *state = device->state;
    state->has_more = effects.again;
    state->console->virtio = virtio_console_listens(&state->device);
    if (effects.notify) {
        microkit_notify(device->channel);
    }
    virtio_mmio_show(&state->registers, (volatile uint32_t *)config->registers_vaddr,
                     effects.config_interrupt ? VIRTIO_MMIO_ALL : changed);
}

/* They are read from the page. */
static bool read_register(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    (void)device;
    (void)offset;
    (void)width_bytes;
    (void)value;
    return false;
}

static bool write_register(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    struct vmm_virtio_console *state = device->state;
    const bool frequent = offset == VIRTIO_MMIO_QUEUE_NOTIFY || offset == VIRTIO_MMIO_INTERRUPT_ACK;
    state->wrote = true;
    follow(device, virtio_mmio_write(&state->registers, offset, width_bytes, value),
           frequent ? VIRTIO_MMIO_STATE : VIRTIO_MMIO_ALL);
    return true;
}

static void go_on(const struct vmm_device *device)
{
    struct vmm_virtio_console *state = device->state;
    follow(device, virtio_mmio_step(&state->registers), VIRTIO_MMIO_STATE);
}

/* The guest has had no time yet to look at what its own store brought about. */
static void exited(const struct vmm_device *device, bool waits)
{
    struct vmm_virtio_console *state = device->state;
    const bool wrote = state->wrote;
    state->wrote = false;
    (void)waits;
    if (!wrote && virtio_console_owes(&state->device)) {
        go_on(device);
    }
}

static bool level(const struct vmm_device *device)
{
    const struct vmm_virtio_console *state = device->state;
    return virtio_mmio_interrupt(&state->registers);
}

static bool has_more(const struct vmm_device *device)
{
    const struct vmm_virtio_console *state = device->state;
    return state->has_more;
}

static void reset(const struct vmm_device *device)
{
    struct vmm_virtio_console *state = device->state;
    follow(device, virtio_mmio_write(&state->registers, VIRTIO_MMIO_STATUS, sizeof(uint32_t), 0), VIRTIO_MMIO_ALL);
}

static bool create(const struct vmm_device *device, const struct vmm_guest *guest)
{
    const struct vmm_virtio_console_config *config = device->config;
    struct vmm_virtio_console *state = device->state;
    state->console = vmm_console(&config->console);
    virtio_console_init(&state->device, &state->ram, &state->console->out, &state->console->in);
    virtio_mmio_init(&state->registers, &virtio_console_ops, &state->device);
    virtio_mmio_show(&state->registers, (volatile uint32_t *)config->registers_vaddr, VIRTIO_MMIO_ALL);
    const bool reached = guest_ram_add(&state->ram, guest->ram_gpa, guest->ram_size_bytes, (uint8_t *)guest->ram_vaddr);
    if (!reached) {
        pd_say(device->name, "the guest's RAM can't be where the table says");
    }
    return reached;
}

const struct vmm_device_kind vmm_virtio_console_kind = {
    .interrupt = VMM_INTERRUPT_LEVEL,
    .create = create,
    .exited = exited,
    .notified = go_on,
    .read = read_register,
    .write = write_register,
    .level = level,
    .has_more = has_more,
    .reset = reset,
};
