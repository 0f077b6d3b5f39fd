/* SPDX-License-Identifier: BSD-2-Clause */
#include <microkit.h>

#include <sdfgen/console_client.h>

void console_open(struct console_client *client, const struct console_connection *connection)
{
    client->channel = connection->channel;
    serial_writer_init(&client->out, &connection->tx);
    serial_reader_init(&client->in, &connection->rx);
}

static uint32_t put(struct console_client *client, const char *text, uint32_t size_bytes)
{
    const uint32_t room = serial_room(&client->out);
    const uint32_t taken = size_bytes < room ? size_bytes : room;
    for (uint32_t i = 0; i < taken; i++) {
        serial_put(&client->out, (uint8_t)text[i]);
    }
    serial_publish(&client->out);
    return taken;
}

uint32_t console_write(struct console_client *client, const char *text, uint32_t size_bytes)
{
    uint32_t taken = put(client, text, size_bytes);
    if (taken < size_bytes) {
        serial_ask_for_room(&client->out);
        taken += put(client, &text[taken], size_bytes - taken);
    }
    microkit_notify(client->channel);
    return taken;
}

uint32_t console_read(struct console_client *client, char *text, uint32_t most_bytes)
{
    const uint32_t filled = serial_filled(&client->in);
    const uint32_t taken = filled < most_bytes ? filled : most_bytes;
    for (uint32_t i = 0; i < taken; i++) {
        text[i] = (char)serial_take(&client->in);
    }
    if (serial_release(&client->in)) {
        microkit_notify(client->channel);
    }
    return taken;
}
