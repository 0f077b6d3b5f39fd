/* SPDX-License-Identifier: BSD-2-Clause */
/* The UART driver's protection domain. */
#include <microkit.h>

#include <sdfgen/uart.h>

static struct uart uart;

static void step(void)
{
    if (uart_step(&uart)) {
        microkit_notify(uart_config.mux.channel);
    }
}

void init(void)
{
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
