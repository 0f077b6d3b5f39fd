/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <sdfgen/console_line.h>
#include <sdfgen/mem.h>
#include <sdfgen/pl011.h>

#include "vmm_common.h"
#include "vmm_console.h"

#define VMM_SUFFIX "_vmm"
#define VMM_SUFFIX_BYTES ((uint32_t)sizeof(VMM_SUFFIX) - 1)

static struct pl011 uart;
static struct console_line line;
static struct vmm_irq irq;

static bool read_register(uint64_t offset, uint32_t width_bytes, uint64_t *value)
{
    *value = pl011_read(&uart, offset, width_bytes);
    return true;
}

static bool write_register(uint64_t offset, uint32_t width_bytes, uint64_t value)
{
    uint8_t byte;
    const char *text = pl011_write(&uart, offset, width_bytes, value, &byte) ? console_line_put(&line, byte) : NULL;
    if (text != NULL) {
        microkit_dbg_puts(text);
    }
    vmm_irq_set_level(&irq, pl011_interrupt(&uart));
    return true;
}

static const struct vmm_trap registers = { .read = read_register, .write = write_register };

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

void vmm_console_reset(void)
{
    pl011_init(&uart);
}

bool vmm_console_create(const struct vmm_device *device)
{
    if (device->size_bytes == 0) {
        return true;
    }
    pl011_init(&uart);
    console_line_init(&line, microkit_name, guest_name_bytes());
    irq = (struct vmm_irq){ .kind = VMM_IRQ_LEVEL, .intid = device->intid };
    return vmm_add_irq(&irq) && vmm_add_trap(device->gpa, device->size_bytes, &registers);
}
