/* SPDX-License-Identifier: BSD-2-Clause */
/* The UART driver's steps, for a UART and a multiplexer that say anything at any time, and any bits of any registers. */
#include <sdfgen/uart.h>

#include "any.h"

#define QUEUE_BYTES 4096u
#define REGISTERS 64u
#define MOST_STORES 4u

static volatile uint32_t registers[REGISTERS];
static volatile struct sddf_serial_queue indices[2];
static volatile uint8_t data[2][QUEUE_BYTES];
static struct uart_store setup[MOST_STORES];
static struct uart_config config;
static struct uart uart;

static uint32_t any_register(void)
{
    return (uint32_t)any_between(0, REGISTERS - 1) * (uint32_t)sizeof(registers[0]);
}

static struct console_queue queue(uint32_t number)
{
    return (struct console_queue) { (uintptr_t)&indices[number], (uintptr_t)data[number], QUEUE_BYTES };
}

int main(void)
{
    for (uint32_t i = 0; i < MOST_STORES; i++) {
        setup[i] = (struct uart_store) { any_register(), any_u32(), any_u32() };
    }
    config = (struct uart_config) {
        .registers_vaddr = (uintptr_t)registers,
        .mux = { queue(0), queue(1), any_u32() },
        .facts = { any_register(), any_register(), any_register(), any_u32(), any_u32(), any_register(), any_u32(),
                   any_u32(), any_bool(), any_register(), setup, (uint32_t)any_between(0, MOST_STORES) },
    };
    uart_init(&uart, &config);
    while (any_bool()) {
        (void)uart_step(&uart);
    }
    return 0;
}
