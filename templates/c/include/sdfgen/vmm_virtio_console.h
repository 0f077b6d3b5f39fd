/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's console over virtio-mmio (hvc0): virtio_console.h, with the multiplexer at the row's channel.
 *
 * A line that its driver writes costs one exit, the kick, whatever its length; what is typed costs the interrupt's.
 */
#pragma once

#include <sdfgen/virtio_console.h>
#include <sdfgen/vmm_console.h>
#include <sdfgen/vmm_virtio.h>

struct vmm_virtio_console_config {
    struct vmm_console_config console;
    uintptr_t registers_vaddr; /* the page */
};

/* A row has this as its state. */
struct vmm_virtio_console {
    struct vmm_virtio virtio;
    struct vmm_console *console;
    struct virtio_console device;
    bool wrote; /* the exit that is being handled is a store to the registers */
};

extern const struct vmm_device_kind vmm_virtio_console_kind;
