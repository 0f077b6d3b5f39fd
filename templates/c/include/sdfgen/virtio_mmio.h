/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The register file of virtio over MMIO, version 2 (virtio 1.2, 4.2), in front of any device (virtio_device.h). No
 * faults, no system calls: whoever traps the guest's accesses hands them on as offset, width and value.
 *
 * What a driver does wrong has no effect: registers are 32 bits wide and only so accessed (4.2.2.2; any other width
 * reads 0 and writes nothing), the configuration space takes 1, 2, 4 and 8 bytes anywhere. A queue that does not exist
 * reads 0 and ignores writes. Status bits are set, never cleared, until a reset (2.1.1).
 *   FEATURES_OK   stays clear when bits were accepted that were never offered, or without VIRTIO_F_VERSION_1 (6.1).
 *   DRIVER_OK     stays clear without FEATURES_OK: the device consumes nothing before it (3.1.1).
 *   QueueReady    reads 0 when the ring's geometry was refused, or before FEATURES_OK; while it reads 1 the queue's
 *                 size and addresses can't be changed (4.2.2.2).
 *   NEEDS_RESET   is set when a step finds the device so, and stays even if the driver stops the broken queue (2.1.2).
 * Ring reset and shared memory are not offered.
 *
 * Reset. Writing 0 to Status resets the device at once, and from then on no guest memory is touched. Requests may still
 * be under way at its back end: until they are finished Status reads as before the write, so that a driver which waits
 * for 0 (4.2.3.1) knows that all is done. A driver that does not wait, but goes straight on to ACKNOWLEDGE, starts its
 * new life with that write; the device takes nothing from the new rings until it has drained (virtio_device.h).
 */
#pragma once

#include <sdfgen/virtio_device.h>

/* Registers, 4.2.2: byte offsets. */
#define VIRTIO_MMIO_MAGIC_VALUE 0x000u
#define VIRTIO_MMIO_VERSION 0x004u
#define VIRTIO_MMIO_DEVICE_ID 0x008u
#define VIRTIO_MMIO_VENDOR_ID 0x00cu
#define VIRTIO_MMIO_DEVICE_FEATURES 0x010u
#define VIRTIO_MMIO_DEVICE_FEATURES_SEL 0x014u
#define VIRTIO_MMIO_DRIVER_FEATURES 0x020u
#define VIRTIO_MMIO_DRIVER_FEATURES_SEL 0x024u
#define VIRTIO_MMIO_QUEUE_SEL 0x030u
#define VIRTIO_MMIO_QUEUE_NUM_MAX 0x034u
#define VIRTIO_MMIO_QUEUE_NUM 0x038u
#define VIRTIO_MMIO_QUEUE_READY 0x044u
#define VIRTIO_MMIO_QUEUE_NOTIFY 0x050u
#define VIRTIO_MMIO_INTERRUPT_STATUS 0x060u
#define VIRTIO_MMIO_INTERRUPT_ACK 0x064u
#define VIRTIO_MMIO_STATUS 0x070u
#define VIRTIO_MMIO_QUEUE_DESC_LOW 0x080u
#define VIRTIO_MMIO_QUEUE_DESC_HIGH 0x084u
#define VIRTIO_MMIO_QUEUE_DRIVER_LOW 0x090u
#define VIRTIO_MMIO_QUEUE_DRIVER_HIGH 0x094u
#define VIRTIO_MMIO_QUEUE_DEVICE_LOW 0x0a0u
#define VIRTIO_MMIO_QUEUE_DEVICE_HIGH 0x0a4u
#define VIRTIO_MMIO_SHM_LEN_LOW 0x0b0u
#define VIRTIO_MMIO_SHM_LEN_HIGH 0x0b4u
#define VIRTIO_MMIO_SHM_BASE_LOW 0x0b8u
#define VIRTIO_MMIO_SHM_BASE_HIGH 0x0bcu
#define VIRTIO_MMIO_CONFIG_GENERATION 0x0fcu
#define VIRTIO_MMIO_CONFIG 0x100u

/* MagicValue: "virt". */
#define VIRTIO_MMIO_MAGIC 0x74726976u
/* VendorID: "SDFG". */
#define VIRTIO_MMIO_VENDOR 0x47464453u

/* Bits of InterruptStatus. */
#define VIRTIO_MMIO_INT_USED 1u
#define VIRTIO_MMIO_INT_CONFIG 2u

/* Bits of Status, 2.1. */
#define VIRTIO_STATUS_ACKNOWLEDGE 1u
#define VIRTIO_STATUS_DRIVER 2u
#define VIRTIO_STATUS_DRIVER_OK 4u
#define VIRTIO_STATUS_FEATURES_OK 8u
#define VIRTIO_STATUS_NEEDS_RESET 64u
#define VIRTIO_STATUS_FAILED 128u

/* Queues beyond these are not shown to the driver. */
#define VIRTIO_MMIO_MAX_QUEUES 8u

struct virtio_mmio_queue {
    struct virtq_geometry geometry;
    bool ready;
};

/* Members are the register file's own. */
struct virtio_mmio {
    const struct virtio_device_ops *ops;
    void *device;
    uint32_t queue_count;
    uint32_t device_features_sel;
    uint32_t driver_features_sel;
    uint64_t driver_features;
    bool impossible_features; /* accepted beyond bit 63, where none is ever offered */
    uint32_t queue_sel;
    uint32_t interrupt_status;
    bool config_changed; /* since the reset, and not told: the driver may have read what was before */
    uint32_t status;
    uint32_t status_before_reset; /* 0 but while the device drains and no new life has begun */
    struct virtio_mmio_queue queues[VIRTIO_MMIO_MAX_QUEUES];
};

/* Sets up the registers as after a reset, and resets the device. `device` is what the operations are called with. */
void virtio_mmio_init(struct virtio_mmio *mmio, const struct virtio_device_ops *ops, void *device);

/*
 * A read of `width_bytes` at `offset` in the window, zero-extended. 0 for what can't be read.
 */
uint64_t virtio_mmio_read(const struct virtio_mmio *mmio, uint64_t offset, uint32_t width_bytes);

/*
 * A write of the low `width_bytes` of `value`. Of the result the caller acts on `notify` and `again`; interrupts are in
 * InterruptStatus by then, so ask virtio_mmio_interrupt() after every write.
 */
struct virtio_effects virtio_mmio_write(struct virtio_mmio *mmio, uint64_t offset, uint32_t width_bytes,
                                        uint64_t value);

/*
 * The other side of the device's back end notified: lets the device go on. The result is as virtio_mmio_write()'s. To
 * be called after a reset as well, or the device never drains.
 */
struct virtio_effects virtio_mmio_step(struct virtio_mmio *mmio);

/* The level of the interrupt line: InterruptStatus is not 0. */
bool virtio_mmio_interrupt(const struct virtio_mmio *mmio);
