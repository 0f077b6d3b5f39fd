/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a generated table, PD_table.c, tells the driver of a UART: where its registers are, and which of them do what
 * (`[[uart]]` of the board file). Offsets are of registers of 32 bits.
 */
#pragma once

#include <stdbool.h>

#include <sdfgen/console_config.h>

/* A store that sets the UART up: the register keeps the bits that are in neither. */
struct uart_store {
    uint32_t offset;
    uint32_t clear;
    uint32_t set;
};

struct uart_facts {
    uint32_t receive;            /* register that a received byte is read from */
    uint32_t transmit;           /* register that a byte to send is stored to */
    uint32_t status;             /* register with the two bits that follow */
    uint32_t receive_empty;
    uint32_t transmit_full;
    uint32_t interrupts;         /* register that turns interrupts on, by the bits that follow */
    uint32_t transmit_interrupt;
    uint32_t receive_interrupt;
    bool acknowledges;           /* interrupts end by a store of ones to the register that follows */
    uint32_t acknowledge;
    const struct uart_store *setup; /* NULL when there is none */
    uint32_t setup_count;
};

struct uart_config {
    uintptr_t registers_vaddr;
    uint32_t irq_channel;
    struct console_connection mux; /* to the multiplexer */
    struct uart_facts facts;
};

extern const struct uart_config uart_config;
