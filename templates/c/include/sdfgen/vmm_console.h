/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VMM's connection to the multiplexer: its guest's console, which virtio-console and the PL011 share, and what the VMM
 * says of itself, which comes out behind the VMM's name. A VMM has one, since its guest has one console.
 */
#pragma once

#include <sdfgen/serial_queue.h>

struct vmm_console_config {
    struct console_connection connection; /* its channel is that of both devices' rows */
    struct console_queue said;            /* to the multiplexer, and notified by the same channel */
};

struct vmm_console {
    struct serial_writer out;
    struct serial_reader in;
    struct serial_writer said;
    uint32_t channel;
    bool virtio; /* what is received is virtio-console's: its driver listens */
    bool open;
};

/* The VMM's, set up when it is asked for first; from then on pd_say() says it there. */
struct vmm_console *vmm_console(const struct vmm_console_config *config);
