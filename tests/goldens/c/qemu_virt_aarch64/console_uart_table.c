/* Made by sdfgen for consoles on qemu_virt_aarch64: changes are lost at the next build. */
#include <sdfgen/uart_config.h>

static const struct uart_store setup[] = {
    { .offset = 0x38, .clear = 0xffffffff, .set = 0x0 },
    { .offset = 0x30, .clear = 0xffffffff, .set = 0x0 },
    { .offset = 0x2c, .clear = 0xffffffff, .set = 0x70 },
    { .offset = 0x30, .clear = 0xffffffff, .set = 0x301 },
};

const struct uart_config uart_config = {
    .registers_vaddr = 0x80000000,
    .irq_channel = 1,
    .mux = {
        .tx = { .indices_vaddr = 0x80001000, .data_vaddr = 0x80002000, .size_bytes = 0x2000 },
        .rx = { .indices_vaddr = 0x80001040, .data_vaddr = 0x80004000, .size_bytes = 0x2000 },
        .channel = 0,
    },
    .facts = {
        .receive = 0x0,
        .transmit = 0x0,
        .status = 0x18,
        .receive_empty = 0x10,
        .transmit_full = 0x20,
        .interrupts = 0x38,
        .transmit_interrupt = 0x20,
        .receive_interrupt = 0x50,
        .acknowledges = true,
        .acknowledge = 0x44,
        .setup = setup,
        .setup_count = 4,
    },
};
