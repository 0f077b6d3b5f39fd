/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/vmm_virtio_console.h>

static void followed(const struct vmm_device *device)
{
    struct vmm_virtio_console *state = device->state;
    state->console->virtio = virtio_console_listens(&state->device);
}

static bool write_register(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    struct vmm_virtio_console *state = device->state;
    state->wrote = true;
    return vmm_virtio_write(device, offset, width_bytes, value);
}

/* The guest has had no time yet to look at what its own store brought about. */
static void exited(const struct vmm_device *device, bool waits)
{
    struct vmm_virtio_console *state = device->state;
    const bool wrote = state->wrote;
    state->wrote = false;
    (void)waits;
    if (!wrote && virtio_console_owes(&state->device)) {
        vmm_virtio_step(device);
    }
}

static void take_both(const struct vmm_device *device, bool owes)
{
    (void)owes;
    vmm_virtio_step(device);
}

static bool create(const struct vmm_device *device, const struct vmm_guest *guest)
{
    const struct vmm_virtio_console_config *config = device->config;
    struct vmm_virtio_console *state = device->state;
    state->console = vmm_console(&config->console);
    virtio_console_init(&state->device, &state->virtio.ram, &state->console->out, &state->console->in);
    state->virtio.followed = followed;
    return vmm_virtio_create(device, guest, &virtio_console_ops, &state->device, config->registers_vaddr);
}

const struct vmm_device_kind vmm_virtio_console_kind = {
    .interrupt = VMM_INTERRUPT_LEVEL,
    .create = create,
    .exited = exited,
    .notified = take_both,
    .read = vmm_virtio_read,
    .write = write_register,
    .level = vmm_virtio_level,
    .has_more = vmm_virtio_has_more,
    .served = vmm_virtio_served,
    .reset = vmm_virtio_reset,
};
