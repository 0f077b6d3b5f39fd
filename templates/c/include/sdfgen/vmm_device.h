/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device that a VMM plays for its guest, and what is to be said of a kind of device so that the VMM can play it.
 *
 * The VMM walks the rows of its table and knows no kind by name: a kind is a struct of operations, which the generated
 * table points to. The registers of every device are a range of addresses that trap; each device has one interrupt, and
 * at most one channel, which devices of one back end share. Several devices may be of one kind: an operation is told
 * which, and keeps all it has to remember in the row's `state`.
 *
 * The order of calls: `create`, once, after the guest was made; then `ready` until it says so, once at first and again
 * after each notification of any device; the guest starts when all are ready. Only then come reads and writes.
 * Notifications come from `create` on. `reset` when the guest starts again, which is stopped meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmm_guest;
struct vmm_device_kind;

#define VMM_NO_CHANNEL UINT32_MAX

/* A row of the table. */
struct vmm_device {
    const struct vmm_device_kind *kind;
    const char *name; /* unique in the table, for messages */
    uint64_t gpa;     /* of its registers */
    uint64_t size_bytes;
    uint32_t intid;
    uint32_t channel;   /* no other VMM's, and notified in the table's order; or VMM_NO_CHANNEL */
    const void *config; /* of the kind's own type, as `state` is; NULL where it needs none */
    void *state;
};

/* When the device's interrupt is raised. */
enum vmm_device_interrupt {
    VMM_INTERRUPT_LEVEL,           /* it has a level, which `level` tells after each operation */
    VMM_INTERRUPT_BY_NOTIFICATION, /* each notification on its channel raises it once */
};

/*
 * Operations are called from one thread, and none while another runs. What a guest, or whoever is behind the channel,
 * makes them do is bounded. `offset` is any in the registers' range, `width_bytes` 1, 2, 4 or 8, whatever the offset.
 */
struct vmm_device_kind {
    enum vmm_device_interrupt interrupt;

    /* `state` is zeroed. False after a message; then the guest is not started. */
    bool (*create)(const struct vmm_device *device, const struct vmm_guest *guest);
    /* Whether the guest may start. NULL: it need not wait. */
    bool (*ready)(const struct vmm_device *device);
    /*
     * After each exit of the guest, of whatever vCPU and for whatever reason, and when it has paid what it owed; `waits`: the vCPU has nothing to do until
     * an interrupt comes (WFI). NULL: nothing to do.
     */
    void (*exited)(const struct vmm_device *device, bool waits);
    /*
     * `owes`: the guest stands below all others until it has paid (vmm_charge.h). What it asks others to do is to wait for
     * its next exit then, or until that time: `exited` is called then, too. NULL: nothing to do but the interrupt.
     */
    void (*notified)(const struct vmm_device *device, bool owes);
    /* A load that trapped. The value, zero-extended. False stops the guest, as in `write`. */
    bool (*read)(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t *value);
    bool (*write)(const struct vmm_device *device, uint64_t offset, uint32_t width_bytes, uint64_t value);
    /* With VMM_INTERRUPT_LEVEL: whether it interrupts now. */
    bool (*level)(const struct vmm_device *device);
    /*
     * Whether more is to be done than was in one go: then `notified` is called again, after others have had their turn.
     * NULL: there never is.
     */
    bool (*has_more)(const struct vmm_device *device);
    /*
     * Whether others work for the guest by what was done since this was asked, or have done so: the guest pays more of
     * such an event (vmm_charge.h). NULL: they never do.
     */
    bool (*served)(const struct vmm_device *device);
    /* As after `create`; what is under way touches the guest's RAM no more. NULL: nothing to do. */
    void (*reset)(const struct vmm_device *device);
};
