/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One end of an sDDF serial queue (sddf_serial.h), safe against whoever is at the other end.
 *
 * An end keeps its own index in its own memory and never reads it back from shared memory after it was set up. The
 * other end's index is loaded once per look and believed only as far as it makes sense: a writer that claims more bytes
 * than there is room for, or a reader that claims to have taken what was never there, has broken the protocol. The end
 * then is `broken` for good: it neither gives nor takes.
 *
 * Writers put any number of bytes, then publish once. Readers take any number, then release once. Neither call blocks,
 * and each is constant time.
 *
 * Who published always notifies the other side. A writer that found too little room asks for a notification
 * (serial_ask_for_room) and looks once more; the reader releases and then asks whether one is wanted. Each stores and
 * then loads, with a fence between: one of the two sees what the other has stored.
 */
#pragma once

#include <stdbool.h>

#include <sdfgen/console_config.h>
#include <sdfgen/sddf_serial.h>
#include <sdfgen/shared.h>

#define SERIAL_QUEUE_MAX_BYTES 0x100000u

struct serial_writer {
    volatile struct sddf_serial_queue *indices;
    volatile uint8_t *data;
    uint32_t size_bytes;
    uint32_t tail;
    bool broken; /* the other end's index made no sense */
};

struct serial_reader {
    volatile struct sddf_serial_queue *indices;
    const volatile uint8_t *data;
    uint32_t size_bytes;
    uint32_t head;
    bool broken;
};

/*
 * Set up one end. It goes on where the shared words say it was, so that a restarted program can take over; where they
 * make no sense, or there is no such queue, it is broken from the start.
 */
void serial_writer_init(struct serial_writer *writer, const struct console_queue *queue);
void serial_reader_init(struct serial_reader *reader, const struct console_queue *queue);

/*
 * How many bytes a writer could put now, or a reader could take: looks at the other end's index (acquire), at most the
 * size, 0 when broken. Bound a loop with it: what the other end adds meanwhile waits for the next look.
 */
uint32_t serial_room(struct serial_writer *writer);
uint32_t serial_filled(struct serial_reader *reader);

/* Puts one byte, not yet visible. The caller knows there is room. */
void serial_put(struct serial_writer *writer, uint8_t byte);

/* Takes one byte, loaded once. The caller knows there is one. */
uint8_t serial_take(struct serial_reader *reader);

/* Makes what was put visible: one release store. */
void serial_publish(struct serial_writer *writer);

/* Frees what was taken. True when the writer waits for room: then it has to be notified, once. */
bool serial_release(struct serial_reader *reader);

/* Asks to be notified when there is room again; then look once more (serial_room) before sleeping. */
void serial_ask_for_room(struct serial_writer *writer);
