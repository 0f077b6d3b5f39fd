/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <sdfgen/pd_say.h>
#include <sdfgen/vmm_config.h>
#include <sdfgen/vmm_virtio.h>

bool vmm_virtio_create(const struct vmm_device *device, const struct vmm_guest *guest,
                       const struct virtio_device_ops *ops, void *virtio_device, uintptr_t page_vaddr)
{
    struct vmm_virtio *state = device->state;
    state->page = (volatile uint32_t *)page_vaddr;
    virtio_mmio_init(&state->registers, ops, virtio_device);
    vmm_virtio_show_all(device);
    const bool reached = guest_ram_add(&state->ram, guest->ram_gpa, guest->ram_size_bytes, (uint8_t *)guest->ram_vaddr);
    if (!reached) {
        pd_say(device->name, "the guest's RAM can't be where the table says");
    }
    return reached;
}

/* Does what an access or a step asks for, and what is left to do after it. */
static void follow(const struct vmm_device *device, struct virtio_effects effects, enum virtio_mmio_extent changed)
{
    struct vmm_virtio *state = device->state;
    state->has_more = effects.again;
    state->served |= effects.notify;
    if (effects.notify) {
        microkit_notify(device->channel);
    }
    virtio_mmio_show(&state->registers, state->page, effects.config_interrupt ? VIRTIO_MMIO_ALL : changed);
    if (state->followed != NULL) {
        state->followed(device);
    }
}

void vmm_virtio_show_all(const struct vmm_device *device)
{
    const struct vmm_virtio *state = device->state;
    virtio_mmio_show(&state->registers, state->page, VIRTIO_MMIO_ALL);
}

void vmm_virtio_step(const struct vmm_device *device)
{
    struct vmm_virtio *state = device->state;
    follow(device, virtio_mmio_step(&state->registers), VIRTIO_MMIO_STATE);
}

/* They are read from the page. */
bool vmm_virtio_read(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    (void)device;
    (void)offset;
    (void)width_bytes;
    (void)value;
    return false;
}

bool vmm_virtio_write(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    struct vmm_virtio *state = device->state;
    const bool frequent = offset == VIRTIO_MMIO_QUEUE_NOTIFY || offset == VIRTIO_MMIO_INTERRUPT_ACK;
    follow(device, virtio_mmio_write(&state->registers, offset, width_bytes, value),
           frequent ? VIRTIO_MMIO_STATE : VIRTIO_MMIO_ALL);
    return true;
}

bool vmm_virtio_level(const struct vmm_device *device)
{
    const struct vmm_virtio *state = device->state;
    return virtio_mmio_interrupt(&state->registers);
}

bool vmm_virtio_has_more(const struct vmm_device *device)
{
    const struct vmm_virtio *state = device->state;
    return state->has_more;
}

bool vmm_virtio_served(const struct vmm_device *device, uint32_t *request_count)
{
    (void)request_count;
    struct vmm_virtio *state = device->state;
    const bool served = state->served;
    state->served = false;
    return served;
}

void vmm_virtio_reset(const struct vmm_device *device)
{
    (void)vmm_virtio_write(device, VIRTIO_MMIO_STATUS, sizeof(uint32_t), 0);
}
