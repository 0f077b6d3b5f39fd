/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver VM as the virtualiser's other side: shared memory, an interrupt into it, and its notifications.
 *
 * The VM is QEMU. Its RAM is a file, mapped here at the addresses that the generated tables give to the virtualiser's
 * protection domain; what only clients share is memory of this process. An interrupt is set pending through QEMU's
 * qtest socket, as a VMM would inject it. The notify page is RAM as well, in which the driver counts.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct driver_vm {
    FILE *qtest;
    uint32_t intid;
    const volatile uint32_t *notifications;
    uint32_t seen_notifications;
};

/* Maps `size_bytes` of the file from `offset` on at `vaddr`, or of new memory where `fd` is -1. False and errno. */
bool driver_vm_map(int fd, uint64_t offset, uint64_t size_bytes, uintptr_t vaddr);

/* Connects to QEMU; `notify_offset` is the notify page's place in the file. False and errno. */
bool driver_vm_open(struct driver_vm *vm, int ram_fd, uint64_t notify_offset, const char *qtest_path, uint32_t intid);

/* Notifies the driver. False when QEMU has gone. */
bool driver_vm_interrupt(struct driver_vm *vm);

/* Whether the driver notified since it was last asked. */
bool driver_vm_notified(struct driver_vm *vm);
