/* SPDX-License-Identifier: BSD-2-Clause */
/* The UART driver's protection domain. What it counts goes into row 0 of the page of counters.h. */
#include <microkit.h>

#include <sdfgen/counters.h>
#include <sdfgen/uart.h>

static struct uart uart;

static void step(void)
{
    if (uart_step(&uart)) {
        microkit_notify(uart_config.mux.channel);
    }
    counters_store(0, COUNTERS_CONSOLE_OUT_BYTES, uart.sent_bytes);
    counters_store(0, COUNTERS_CONSOLE_IN_BYTES, uart.received_bytes);
    counters_store(0, COUNTERS_CONSOLE_IN_LOST, uart.lost_bytes);
}

void init(void)
{
    counters_begin();
    uart_init(&uart, &uart_config);
    step();
}

void notified(microkit_channel channel)
{
    step();
    if (channel == uart_config.irq_channel) {
        microkit_irq_ack(channel);
    }
}
