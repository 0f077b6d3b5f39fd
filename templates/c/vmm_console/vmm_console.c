/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <sdfgen/pd_say.h>
#include <sdfgen/vmm_console.h>

static struct vmm_console console;

/* What there is no room for is not said. */
static void say(const char *text)
{
    uint32_t room = serial_room(&console.said);
    for (; *text != '\0' && room > 0; text++, room--) {
        serial_put(&console.said, (uint8_t)*text);
    }
    serial_publish(&console.said);
    microkit_notify(console.channel);
}

struct vmm_console *vmm_console(const struct vmm_console_config *config)
{
    if (!console.open) {
        console.open = true;
        console.channel = config->connection.channel;
        serial_writer_init(&console.out, &config->connection.tx);
        serial_reader_init(&console.in, &config->connection.rx);
        serial_writer_init(&console.said, &config->said);
        pd_say_by(say);
    }
    return &console;
}
