/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A console over virtio (virtio 1.2, 5.3): one port, a receive queue and a transmit queue. Between it and whoever is at
 * the other end are two serial queues (serial_queue.h).
 *
 * A chain to be sent may be of any number of descriptors, of any sizes. What there is no room for waits in its chain,
 * copied as room comes, without a loop that waits: the driver's buffer is used when all of it was taken. One chain waits
 * at a time, so a driver that floods is held back by its own ring. What was received goes into as few buffers as hold
 * it, and waits in the queue when the driver has none. A chain of which a byte is not RAM is returned with length 0.
 *
 * **Interrupts for sent buffers are given late.** Linux looks at the used ring until its buffer is there and needs none:
 * an interrupt at once costs it two exits a line. So one that the driver asks for is owed; the transport asks
 * (virtio_console_owes) at the guest's next exit, and the device answers by what the driver has asked for until then.
 * Without VIRTIO_F_EVENT_IDX that can't be seen, and the interrupt is given at once.
 */
#pragma once

#include <sdfgen/serial_queue.h>
#include <sdfgen/virtio_device.h>

#define VIRTIO_DEVICE_ID_CONSOLE 3u
#define VIRTIO_CONSOLE_RECEIVE 0u
#define VIRTIO_CONSOLE_TRANSMIT 1u
#define VIRTIO_CONSOLE_QUEUES 2u

/* Descriptors that one step loads at most, but for one chain more: the rest is for another step. */
#define VIRTIO_CONSOLE_STEP_DESCRIPTORS 1024u

struct virtio_console {
    const struct guest_ram *ram;
    struct serial_writer *out;
    struct serial_reader *in;
    uint64_t features;
    bool running;     /* DRIVER_OK */
    bool told_broken; /* the interrupt for a broken ring was given */
    bool sending;     /* `chain` is of the transmit queue, and not all of it was taken */
    bool owed;        /* an interrupt for sent buffers */
    bool notify;      /* the other end: bytes were put, or room was made that it waits for */
    struct virtq queues[VIRTIO_CONSOLE_QUEUES];
    struct virtq_chain chain;
    struct virtq_cursor cursor;
    uint32_t left_bytes; /* of the chain being sent */
    struct virtq_chain buffer; /* what is received goes into it: a chain is being sent meanwhile */
};

extern const struct virtio_device_ops virtio_console_ops;

/* Sets up a device. All of it must outlive the device, whose own memory the caller provides. */
void virtio_console_init(struct virtio_console *device, const struct guest_ram *ram, struct serial_writer *out,
                         struct serial_reader *in);

/* Whether there is somebody who takes what is received. */
bool virtio_console_listens(const struct virtio_console *device);

/* Whether an interrupt is owed that the driver still wants: then a step gives it. */
bool virtio_console_owes(const struct virtio_console *device);
