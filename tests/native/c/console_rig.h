/* SPDX-License-Identifier: BSD-2-Clause */
/* The multiplexer with both of its sides played: three clients, of which two take input, and a UART driver. */
#pragma once

#include <stddef.h>

#include <sdfgen/console_mux.h>

#include "unit.h"

#define RIG_BYTES 4096u
#define RIG_SEEN_BYTES 0x100000u

enum rig_client { ANN, BOB, ANN_VMM, RIG_CLIENTS };

/* A queue, and the end of it that the multiplexer does not have. */
struct wire {
    struct sddf_serial_queue indices;
    uint8_t data[RIG_BYTES];
};

struct rig {
    struct console_mux mux;
    struct console_mux_client clients[RIG_CLIENTS];
    struct console_mux_config config;
    struct wire tx[RIG_CLIENTS];
    struct wire rx[RIG_CLIENTS];
    struct wire screen;
    struct wire keyboard;
    struct serial_writer writers[RIG_CLIENTS];
    struct serial_reader readers[RIG_CLIENTS];
    struct serial_reader seen;
    struct serial_writer typed;
    uint64_t now_ms;
    uint64_t notified; /* channels, since it was cleared */
    uint32_t shown_bytes;
    char shown[RIG_SEEN_BYTES]; /* last: to clear it takes most of a fuzzer's time */
};

#define RIG_UART_CHANNEL 20u
#define RIG_RECEIVED_CHANNEL 21u

static inline struct console_queue rig_queue(struct wire *wire, uint32_t start)
{
    wire->indices = (struct sddf_serial_queue) { .tail = start, .head = start };
    return (struct console_queue) { (uintptr_t)&wire->indices, (uintptr_t)wire->data, RIG_BYTES };
}

/* All queues begin at `start`. */
static inline void rig_start(struct rig *rig, uint32_t start)
{
    static const char *const names[RIG_CLIENTS] = { "ann", "bob", "ann_vmm" };
    memset(rig, 0, offsetof(struct rig, shown));
    for (uint32_t i = 0; i < RIG_CLIENTS; i++) {
        struct console_connection *connection = &rig->clients[i].connection;
        rig->clients[i].name = names[i];
        connection->tx = rig_queue(&rig->tx[i], start);
        connection->channel = i == ANN_VMM ? ANN : i;
        if (i != ANN_VMM) {
            connection->rx = rig_queue(&rig->rx[i], start);
        }
    }
    rig->config = (struct console_mux_config) {
        .uart = { rig_queue(&rig->screen, start), rig_queue(&rig->keyboard, start), RIG_UART_CHANNEL },
        .received_channel = RIG_RECEIVED_CHANNEL,
        .clients = rig->clients,
        .client_count = RIG_CLIENTS,
        .input_count = 2,
    };
    for (uint32_t i = 0; i < RIG_CLIENTS; i++) {
        serial_writer_init(&rig->writers[i], &rig->clients[i].connection.tx);
        serial_reader_init(&rig->readers[i], &rig->clients[i].connection.rx);
    }
    serial_reader_init(&rig->seen, &rig->config.uart.tx);
    serial_writer_init(&rig->typed, &rig->config.uart.rx);
    console_mux_init(&rig->mux, "mux", &rig->config);
}

static inline void rig_step(struct rig *rig)
{
    rig->notified |= console_mux_step(&rig->mux, rig->now_ms);
}

/* As much as fits. How much that is. */
static inline uint32_t rig_put(struct serial_writer *writer, const char *bytes, uint32_t size_bytes)
{
    const uint32_t room = serial_room(writer);
    const uint32_t count = size_bytes < room ? size_bytes : room;
    for (uint32_t i = 0; i < count; i++) {
        serial_put(writer, (uint8_t)bytes[i]);
    }
    serial_publish(writer);
    return count;
}

/* The driver sends at most so many bytes. Whether the multiplexer is to be notified. */
static inline bool rig_send(struct rig *rig, uint32_t most_bytes)
{
    uint32_t filled = serial_filled(&rig->seen);
    for (filled = filled < most_bytes ? filled : most_bytes; filled > 0; filled--) {
        const char byte = (char)serial_take(&rig->seen);
        if (rig->shown_bytes < RIG_SEEN_BYTES - 1) {
            rig->shown[rig->shown_bytes++] = byte;
        }
    }
    return serial_release(&rig->seen);
}

/* Steps and sends until nothing is left. */
static inline void rig_settle(struct rig *rig)
{
    do {
        rig_step(rig);
    } while (rig_send(rig, UINT32_MAX) || serial_filled(&rig->seen) > 0);
}

static inline void rig_write(struct rig *rig, enum rig_client client, const char *text)
{
    CHECK(rig_put(&rig->writers[client], text, (uint32_t)strlen(text)) == strlen(text));
    rig_settle(rig);
}

static inline void rig_type(struct rig *rig, const char *text)
{
    CHECK(rig_put(&rig->typed, text, (uint32_t)strlen(text)) == strlen(text));
    rig_settle(rig);
}

/* What a client has received. */
static inline const char *rig_heard(struct rig *rig, enum rig_client client)
{
    static char text[RIG_BYTES + 1];
    struct serial_reader *reader = &rig->readers[client];
    uint32_t count = 0;
    for (uint32_t filled = serial_filled(reader); filled > 0; filled--) {
        text[count++] = (char)serial_take(reader);
    }
    (void)serial_release(reader);
    text[count] = '\0';
    return text;
}

/* What was shown since the last call. */
static inline const char *rig_shown(struct rig *rig)
{
    rig->shown[rig->shown_bytes] = '\0';
    rig->shown_bytes = 0;
    return rig->shown;
}
