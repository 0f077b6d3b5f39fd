/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <sdfgen/counter.h>
#include <sdfgen/counters.h>
#include <sdfgen/pd_say.h>
#include <sdfgen/virtio_blk_ops.h>
#include <sdfgen/virtio_mmio_page.h>
#include <sdfgen/vmm_config.h>
#include <sdfgen/vmm_virtio_blk.h>

static volatile uint32_t *page_of(const struct vmm_device *device)
{
    const struct vmm_virtio_blk_config *config = device->config;
    return (volatile uint32_t *)config->registers_vaddr;
}

/* Row 1 + i of the VMM's counters is device i's. */
static void count(const struct vmm_device *device)
{
    const struct vmm_virtio_blk *state = device->state;
    const struct virtio_blk_counters *counters = &state->disk.counters;
    const uint32_t row = 1 + (uint32_t)(device - vmm_config.devices);
    counters_store(row, COUNTERS_REQUESTS_TAKEN, counters->requests);
    counters_store(row, COUNTERS_REQUESTS_BYTES, counters->bytes);
    counters_store(row, COUNTERS_REQUESTS_ERRORS, counters->errors);
    counters_store(row, COUNTERS_REQUESTS_REFUSED, counters->refused);
    counters_store(row, COUNTERS_REQUESTS_DEPTH, counters->most_under_way);
}

/* Does what an access or a notification asks for, and what is left to do after it. */
static void follow(const struct vmm_device *device, struct virtio_effects effects, enum virtio_mmio_extent changed)
{
    struct vmm_virtio_blk *state = device->state;
    state->has_more = effects.again;
    state->served = true;
    if (effects.notify) {
        microkit_notify(device->channel);
    }
    virtio_mmio_show(&state->registers, page_of(device), effects.config_interrupt ? VIRTIO_MMIO_ALL : changed);
    count(device);
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
    struct vmm_virtio_blk *state = device->state;
    const bool frequent = offset == VIRTIO_MMIO_QUEUE_NOTIFY || offset == VIRTIO_MMIO_INTERRUPT_ACK;
    follow(device, virtio_mmio_write(&state->registers, offset, width_bytes, value),
           frequent ? VIRTIO_MMIO_STATE : VIRTIO_MMIO_ALL);
    return true;
}

static bool should_have_kicked(const struct vmm_virtio_blk *state, uint64_t now_ticks)
{
    return state->busy_looks == VMM_VIRTIO_BLK_BUSY_LOOKS ||
           now_ticks - state->looked_ticks > counter_ticks_in_ms() * VMM_VIRTIO_BLK_PATIENCE_MS;
}

/* Whether the ring holds what no kick told of; and whether kicks are to tell of what comes. */
static bool look(struct vmm_virtio_blk *state, bool guest_waits)
{
    const uint64_t now_ticks = counter_ticks();
    const bool found = virtio_blk_waits(&state->disk);
    if (found) {
        state->busy_looks = guest_waits ? 0 : state->busy_looks + 1;
    }
    if (found && should_have_kicked(state, now_ticks)) {
        state->kicks_until_ticks = now_ticks + counter_ticks_in_ms() * VMM_VIRTIO_BLK_KICKS_MS;
        state->busy_looks = 0;
    }
    state->disk.watched = now_ticks >= state->kicks_until_ticks;
    state->looked_ticks = now_ticks;
    return found;
}

static void take_requests(const struct vmm_device *device, bool guest_waits)
{
    struct vmm_virtio_blk *state = device->state;
    if (look(state, guest_waits)) {
        follow(device, virtio_mmio_step(&state->registers), VIRTIO_MMIO_STATE);
    }
}

static void take_answers(const struct vmm_device *device)
{
    struct vmm_virtio_blk *state = device->state;
    (void)look(state, false);
    follow(device, virtio_mmio_step(&state->registers), VIRTIO_MMIO_STATE);
}

static bool level(const struct vmm_device *device)
{
    const struct vmm_virtio_blk *state = device->state;
    return virtio_mmio_interrupt(&state->registers);
}

static bool has_more(const struct vmm_device *device)
{
    const struct vmm_virtio_blk *state = device->state;
    return state->has_more;
}

static bool served(const struct vmm_device *device)
{
    struct vmm_virtio_blk *state = device->state;
    const bool served = state->served;
    state->served = false;
    return served;
}

/* Requests that are under way end without touching the guest's RAM (virtio_mmio.h). */
static void reset(const struct vmm_device *device)
{
    struct vmm_virtio_blk *state = device->state;
    follow(device, virtio_mmio_write(&state->registers, VIRTIO_MMIO_STATUS, sizeof(uint32_t), 0), VIRTIO_MMIO_ALL);
}

static bool create(const struct vmm_device *device, const struct vmm_guest *guest)
{
    const struct vmm_virtio_blk_config *config = device->config;
    struct vmm_virtio_blk *state = device->state;
    virtio_blk_init(&state->disk, &config->client, &state->ram);
    virtio_mmio_init(&state->registers, &virtio_blk_ops, &state->disk);
    const bool reached = guest_ram_add(&state->ram, guest->ram_gpa, guest->ram_size_bytes, (uint8_t *)guest->ram_vaddr);
    if (!reached) {
        pd_say(device->name, "the guest's RAM can't be where the table says");
    }
    return reached;
}

/* The configuration is known now: until the guest starts, nobody reads the page. */
static bool ready(const struct vmm_device *device)
{
    struct vmm_virtio_blk *state = device->state;
    const bool published = virtio_blk_ready(&state->disk);
    if (published) {
        virtio_mmio_show(&state->registers, page_of(device), VIRTIO_MMIO_ALL);
    }
    return published;
}

const struct vmm_device_kind vmm_virtio_blk_kind = {
    .interrupt = VMM_INTERRUPT_LEVEL,
    .create = create,
    .ready = ready,
    .exited = take_requests,
    .notified = take_answers,
    .read = read_register,
    .write = write_register,
    .level = level,
    .has_more = has_more,
    .served = served,
    .reset = reset,
};
