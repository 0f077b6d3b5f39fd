/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <sdfgen/vmm_console_pl011.h>

static void tell(struct vmm_console_pl011 *state)
{
    if (state->waiting_bytes > 0) {
        state->waiting_bytes = 0;
        state->served = true;
        serial_publish(&state->console->out);
        microkit_notify(state->console->channel);
    }
}

static void send(struct vmm_console_pl011 *state, uint8_t byte)
{
    if (serial_room(&state->console->out) > 0) {
        serial_put(&state->console->out, byte);
        state->waiting_bytes++;
    }
    if (byte == '\n' || state->waiting_bytes >= VMM_CONSOLE_PL011_BYTES) {
        tell(state);
    }
}

/* Fills the FIFO with what was received. */
static void receive(struct vmm_console_pl011 *state)
{
    struct serial_reader *in = &state->console->in;
    uint32_t filled = state->console->virtio ? 0 : serial_filled(in);
    bool took = false;
    for (; filled > 0 && state->uart.count < PL011_RECEIVED_BYTES; filled--) {
        (void)pl011_receive(&state->uart, serial_take(in));
        took = true;
    }
    if (took && serial_release(in)) {
        microkit_notify(state->console->channel);
    }
}

static bool read_register(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    struct vmm_console_pl011 *state = device->state;
    pl011_set_ready(&state->uart, serial_room(&state->console->out) > 0);
    *value = pl011_read(&state->uart, offset, width_bytes);
    if (offset == PL011_DR) {
        pl011_was_read(&state->uart);
        receive(state);
    }
    return true;
}

static bool write_register(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    struct vmm_console_pl011 *state = device->state;
    uint8_t byte;
    if (pl011_write(&state->uart, offset, width_bytes, value, &byte)) {
        send(state, byte);
    }
    return true;
}

static void exited(const struct vmm_device *device, bool waits)
{
    if (waits) {
        tell(device->state);
    }
}

static void take_input(const struct vmm_device *device, bool owes)
{
    (void)owes;
    receive(device->state);
}

static bool level(const struct vmm_device *device)
{
    const struct vmm_console_pl011 *state = device->state;
    return pl011_interrupt(&state->uart);
}

static bool served(const struct vmm_device *device)
{
    struct vmm_console_pl011 *state = device->state;
    const bool served = state->served;
    state->served = false;
    return served;
}

static void reset(const struct vmm_device *device)
{
    struct vmm_console_pl011 *state = device->state;
    tell(state);
    pl011_init(&state->uart);
}

static bool create(const struct vmm_device *device, const struct vmm_guest *guest)
{
    const struct vmm_console_pl011_config *config = device->config;
    struct vmm_console_pl011 *state = device->state;
    (void)guest;
    state->console = vmm_console(&config->console);
    pl011_init(&state->uart);
    return true;
}

const struct vmm_device_kind vmm_console_pl011_kind = {
    .interrupt = VMM_INTERRUPT_LEVEL,
    .create = create,
    .exited = exited,
    .notified = take_input,
    .read = read_register,
    .write = write_register,
    .level = level,
    .served = served,
    .reset = reset,
};
