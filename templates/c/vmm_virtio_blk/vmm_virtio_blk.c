/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/counter.h>
#include <sdfgen/counters.h>
#include <sdfgen/virtio_blk_ops.h>
#include <sdfgen/vmm_config.h>
#include <sdfgen/vmm_virtio_blk.h>

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

static void followed(const struct vmm_device *device)
{
    struct vmm_virtio_blk *state = device->state;
    state->virtio.served = true;
    count(device);
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
        vmm_virtio_step(device);
    }
}

static void take_answers(const struct vmm_device *device, bool owes)
{
    struct vmm_virtio_blk *state = device->state;
    (void)look(state, false);
    state->disk.held = owes;
    vmm_virtio_step(device);
    state->disk.held = false;
}

static bool create(const struct vmm_device *device, const struct vmm_guest *guest)
{
    const struct vmm_virtio_blk_config *config = device->config;
    struct vmm_virtio_blk *state = device->state;
    virtio_blk_init(&state->disk, &config->client, &state->virtio.ram);
    state->virtio.followed = followed;
    return vmm_virtio_create(device, guest, &virtio_blk_ops, &state->disk, config->registers_vaddr);
}

/* The configuration is known now: until the guest starts, nobody reads the page. */
static bool ready(const struct vmm_device *device)
{
    struct vmm_virtio_blk *state = device->state;
    const bool published = virtio_blk_ready(&state->disk);
    if (published) {
        vmm_virtio_show_all(device);
    }
    return published;
}

const struct vmm_device_kind vmm_virtio_blk_kind = {
    .interrupt = VMM_INTERRUPT_LEVEL,
    .create = create,
    .ready = ready,
    .exited = take_requests,
    .notified = take_answers,
    .read = vmm_virtio_read,
    .write = vmm_virtio_write,
    .level = vmm_virtio_level,
    .has_more = vmm_virtio_has_more,
    .served = vmm_virtio_served,
    .reset = vmm_virtio_reset,
};
