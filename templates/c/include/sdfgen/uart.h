/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver of a UART that its table describes: bytes from the multiplexer's queue to the hardware's FIFO, and back.
 *
 * One step takes what was received, at most as much as the queue to the multiplexer could hold, and sends until the
 * FIFO is full or the queue is empty. What is left waits for the interrupt that says that the FIFO has room. A byte for
 * which the multiplexer has no room is lost, and counted: the hardware would lose it otherwise.
 */
#pragma once

#include <sdfgen/serial_queue.h>
#include <sdfgen/uart_config.h>

struct uart {
    const struct uart_config *config;
    struct serial_reader output;
    struct serial_writer input;
    uint64_t sent_bytes;
    uint64_t received_bytes;
    uint64_t lost_bytes; /* of these, for which nobody had room */
};

/* Sets the hardware up, but for its speed. `config` must outlive the driver. */
void uart_init(struct uart *uart, const struct uart_config *config);

/* An interrupt or a notification. True when the multiplexer has to be notified. */
bool uart_step(struct uart *uart);
