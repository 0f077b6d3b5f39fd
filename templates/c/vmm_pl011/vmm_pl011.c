/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <microkit.h>

#include <sdfgen/mem.h>
#include <sdfgen/vmm_pl011.h>

#define VMM_SUFFIX "_vmm"
#define VMM_SUFFIX_BYTES ((uint32_t)sizeof(VMM_SUFFIX) - 1)

static bool read_register(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    const struct vmm_pl011 *console = device->state;
    *value = pl011_read(&console->uart, offset, width_bytes);
    return true;
}

static bool write_register(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    struct vmm_pl011 *console = device->state;
    uint8_t byte;
    const bool sent = pl011_write(&console->uart, offset, width_bytes, value, &byte);
    const char *text = sent ? console_line_put(&console->line, byte) : NULL;
    if (text != NULL) {
        microkit_dbg_puts(text);
    }
    return true;
}

static bool level(const struct vmm_device *device)
{
    const struct vmm_pl011 *console = device->state;
    return pl011_interrupt(&console->uart);
}

static uint32_t name_bytes(void)
{
    uint32_t size_bytes = 0;
    while (size_bytes < MICROKIT_PD_NAME_LENGTH && microkit_name[size_bytes] != '\0') {
        size_bytes++;
    }
    return size_bytes;
}

static uint32_t guest_name_bytes(void)
{
    const uint32_t size_bytes = name_bytes();
    const bool suffixed = size_bytes >= VMM_SUFFIX_BYTES &&
                          memcmp(&microkit_name[size_bytes - VMM_SUFFIX_BYTES], VMM_SUFFIX, VMM_SUFFIX_BYTES) == 0;
    return suffixed ? size_bytes - VMM_SUFFIX_BYTES : size_bytes;
}

static void reset(const struct vmm_device *device)
{
    struct vmm_pl011 *console = device->state;
    pl011_init(&console->uart);
}

static bool create(const struct vmm_device *device, const struct vmm_guest *guest)
{
    struct vmm_pl011 *console = device->state;
    (void)guest;
    reset(device);
    console_line_init(&console->line, microkit_name, guest_name_bytes());
    return true;
}

const struct vmm_device_kind vmm_pl011_kind = {
    .interrupt = VMM_INTERRUPT_LEVEL,
    .create = create,
    .read = read_register,
    .write = write_register,
    .level = level,
    .reset = reset,
};
