/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A native PD's console: open it in init() with the table's `console_connection`, read when its channel is notified.
 * Neither call waits. What the console has no room for is told by the result: it notifies when there is room again.
 */
#pragma once

#include <sdfgen/serial_queue.h>

struct console_client {
    struct serial_writer out;
    struct serial_reader in;
    uint32_t channel;
};

void console_open(struct console_client *client, const struct console_connection *connection);

/* How many bytes were taken, the first ones. */
uint32_t console_write(struct console_client *client, const char *text, uint32_t size_bytes);

/* How many bytes there were, at most `most_bytes`. */
uint32_t console_read(struct console_client *client, char *text, uint32_t most_bytes);
