/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's console as a PL011: for what a kernel says before it has drivers, and for guests without virtio. It has
 * the input until virtio-console's driver listens.
 *
 * Each byte traps. The multiplexer is notified when a line ends, when VMM_CONSOLE_PL011_BYTES have come together, and
 * when the guest waits. While the multiplexer has no room the transmit FIFO is full; what is sent all the same is lost.
 */
#pragma once

#include <sdfgen/pl011.h>
#include <sdfgen/vmm_console.h>
#include <sdfgen/vmm_device.h>

#define VMM_CONSOLE_PL011_BYTES 128u

struct vmm_console_pl011_config {
    struct vmm_console_config console;
};

/* A row has this as its state. */
struct vmm_console_pl011 {
    struct vmm_console *console;
    struct pl011 uart;
    uint32_t waiting_bytes; /* put, and not told */
    bool served;            /* since that was asked */
};

extern const struct vmm_device_kind vmm_console_pl011_kind;
