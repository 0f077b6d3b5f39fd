/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the generated tables tell a console subsystem's PDs: the multiplexer (MUX_table.c) and each client, whether a VMM
 * (inside PD_table.c) or a native PD (PD_console_table.c).
 *
 * Addresses named *_vaddr are virtual addresses in the PD that the table is linked into, channels that PD's Microkit
 * channel ids. The tables are this system's own facts, checked when they were generated; what lies behind the addresses
 * is not (serial_queue.h).
 */
#pragma once

#include <sdfgen/guest_timer.h>

/* A queue of sDDF's (sddf_serial.h). */
struct console_queue {
    uintptr_t indices_vaddr; /* struct sddf_serial_queue */
    uintptr_t data_vaddr;
    uint32_t size_bytes; /* a power of two; 0 where there is no such queue */
};

/* One side of a connection: `tx` carries what goes to the UART, `rx` what comes from it. */
struct console_connection {
    struct console_queue tx;
    struct console_queue rx;
    uint32_t channel;
};

struct console_mux_client {
    const char *name; /* what its lines begin with */
    struct console_connection connection;
};

/* MUX_table.c */
struct console_mux_config {
    struct console_connection uart; /* to the UART's driver */
    uint32_t received_channel;      /* the driver's channel for `rx`, where it has two */
    const struct console_mux_client *clients;
    uint32_t client_count; /* at most CONSOLE_MUX_MAX_CLIENTS */
    uint32_t input_count;  /* so many of them, the first, take input */
    struct guest_timer_connection timer; /* page_vaddr is 0 where there is none */
};

extern const struct console_mux_config console_mux_config;

/* PD_console_table.c */
extern const struct console_connection console_connection;
