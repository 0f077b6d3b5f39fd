/* Made by sdfgen for consoles on odroidc4: changes are lost at the next build. */
#include <sdfgen/console_config.h>

const struct console_connection console_connection = {
    .tx = { .indices_vaddr = 0x80000000, .data_vaddr = 0x80001000, .size_bytes = 0x2000 },
    .rx = { .indices_vaddr = 0x80000040, .data_vaddr = 0x80003000, .size_bytes = 0x2000 },
    .channel = 0,
};
