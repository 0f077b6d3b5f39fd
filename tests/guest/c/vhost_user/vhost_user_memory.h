/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's memory, mapped from the descriptors that QEMU sends. */
#pragma once

#include "vhost_user_wire.h"

#include <sdfgen/guest_ram.h>

struct vhost_user_mapping {
    void *base;
    size_t size_bytes;
    struct vhost_user_region region;
};

struct vhost_user_memory {
    struct guest_ram ram; /* what the device looks at */
    uint32_t mapping_count;
    struct vhost_user_mapping mappings[VHOST_USER_MAX_REGIONS];
};

/* Replaces the whole memory by the message's table and descriptors. False when it can't be mapped: then it is empty. */
bool vhost_user_memory_set(struct vhost_user_memory *memory, struct vhost_user_message *message);

/* Unmaps all of it. */
void vhost_user_memory_clear(struct vhost_user_memory *memory);

/* Turns an address of the front end into a guest-physical one. False when it is nobody's. */
bool vhost_user_memory_gpa(const struct vhost_user_memory *memory, uint64_t user, uint64_t *gpa);
