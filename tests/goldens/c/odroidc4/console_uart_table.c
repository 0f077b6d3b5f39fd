/* Made by sdfgen for consoles on odroidc4: changes are lost at the next build. */
#include <sdfgen/uart_config.h>

static const struct uart_store setup[] = {
    { .offset = 0x8, .clear = 0x18000000, .set = 0x1c03000 },
    { .offset = 0x8, .clear = 0x1c00000, .set = 0x3000 },
    { .offset = 0x10, .clear = 0xffff, .set = 0x2001 },
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
        .receive = 0x4,
        .transmit = 0x0,
        .status = 0xc,
        .receive_empty = 0x100000,
        .transmit_full = 0x200000,
        .interrupts = 0x8,
        .transmit_interrupt = 0x10000000,
        .receive_interrupt = 0x8000000,
        .acknowledges = false,
        .acknowledge = 0x0,
        .setup = setup,
        .setup_count = 3,
    },
};
