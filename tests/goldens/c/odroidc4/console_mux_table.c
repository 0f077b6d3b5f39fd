/* Made by sdfgen for consoles on odroidc4: changes are lost at the next build. */
#include <sdfgen/console_config.h>

static const struct console_mux_client clients[] = {
    {
        .name = "client1",
        .connection = {
            .tx = { .indices_vaddr = 0x80005000, .data_vaddr = 0x80006000, .size_bytes = 0x2000 },
            .rx = { .indices_vaddr = 0x80005040, .data_vaddr = 0x80008000, .size_bytes = 0x2000 },
            .channel = 1,
        },
    },
    {
        .name = "client2",
        .connection = {
            .tx = { .indices_vaddr = 0x8000b000, .data_vaddr = 0x8000c000, .size_bytes = 0x2000 },
            .rx = { .indices_vaddr = 0x8000b040, .data_vaddr = 0x8000e000, .size_bytes = 0x2000 },
            .channel = 2,
        },
    },
    {
        .name = "greeter",
        .connection = {
            .tx = { .indices_vaddr = 0x80011000, .data_vaddr = 0x80012000, .size_bytes = 0x2000 },
            .rx = { .indices_vaddr = 0x80011040, .data_vaddr = 0x80014000, .size_bytes = 0x2000 },
            .channel = 3,
        },
    },
    {
        .name = "client1_vmm",
        .connection = {
            .tx = { .indices_vaddr = 0x80005080, .data_vaddr = 0x8000a000, .size_bytes = 0x1000 },
            .rx = { .indices_vaddr = 0x0, .data_vaddr = 0x0, .size_bytes = 0x0 },
            .channel = 1,
        },
    },
    {
        .name = "client2_vmm",
        .connection = {
            .tx = { .indices_vaddr = 0x8000b080, .data_vaddr = 0x80010000, .size_bytes = 0x1000 },
            .rx = { .indices_vaddr = 0x0, .data_vaddr = 0x0, .size_bytes = 0x0 },
            .channel = 2,
        },
    },
};

const struct console_mux_config console_mux_config = {
    .uart = {
        .tx = { .indices_vaddr = 0x80000000, .data_vaddr = 0x80001000, .size_bytes = 0x2000 },
        .rx = { .indices_vaddr = 0x80000040, .data_vaddr = 0x80003000, .size_bytes = 0x2000 },
        .channel = 0,
    },
    .received_channel = 0,
    .clients = clients,
    .client_count = 5,
    .input_count = 3,
    .timer = { .page_vaddr = 0x80016000, .channel = 4 },
};
