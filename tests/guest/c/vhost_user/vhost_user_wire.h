/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vhost-user protocol's messages, as far as a block back end with one queue needs them (QEMU's
 * docs/interop/vhost-user.rst). The front end is QEMU: it sends a header and a payload over a Unix socket, some with
 * file descriptors, and is answered in the same form.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VHOST_USER_VERSION 1u
#define VHOST_USER_FLAG_REPLY 0x4u
#define VHOST_USER_FLAG_NEED_REPLY 0x8u

/* Feature bit, not one of virtio's: the protocol features below can be negotiated. */
#define VHOST_USER_F_PROTOCOL_FEATURES 30

#define VHOST_USER_PROTOCOL_F_REPLY_ACK 3
#define VHOST_USER_PROTOCOL_F_CONFIG 9
#define VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD 12

#define VHOST_USER_MAX_REGIONS 8u
#define VHOST_USER_CONFIG_BYTES 256u

enum vhost_user_request {
    VHOST_USER_GET_FEATURES = 1,
    VHOST_USER_SET_FEATURES = 2,
    VHOST_USER_SET_OWNER = 3,
    VHOST_USER_RESET_OWNER = 4,
    VHOST_USER_SET_MEM_TABLE = 5,
    VHOST_USER_SET_VRING_NUM = 8,
    VHOST_USER_SET_VRING_ADDR = 9,
    VHOST_USER_SET_VRING_BASE = 10,
    VHOST_USER_GET_VRING_BASE = 11,
    VHOST_USER_SET_VRING_KICK = 12,
    VHOST_USER_SET_VRING_CALL = 13,
    VHOST_USER_SET_VRING_ERR = 14,
    VHOST_USER_GET_PROTOCOL_FEATURES = 15,
    VHOST_USER_SET_PROTOCOL_FEATURES = 16,
    VHOST_USER_SET_VRING_ENABLE = 18,
    VHOST_USER_GET_CONFIG = 24,
    VHOST_USER_SET_CONFIG = 25,
    VHOST_USER_GET_INFLIGHT_FD = 31,
    VHOST_USER_SET_INFLIGHT_FD = 32,
};

struct vhost_user_header {
    uint32_t request;
    uint32_t flags;
    uint32_t size_bytes; /* of the payload */
};

struct vhost_user_vring_state {
    uint32_t index;
    uint32_t number;
};

/* Addresses in the front end's own address space. */
struct vhost_user_vring_address {
    uint32_t index;
    uint32_t flags;
    uint64_t desc_user;
    uint64_t used_user;
    uint64_t avail_user;
    uint64_t log_gpa;
};

struct vhost_user_region {
    uint64_t gpa;
    uint64_t size_bytes;
    uint64_t user; /* where the front end has it */
    uint64_t mmap_offset;
};

struct vhost_user_memory_table {
    uint32_t count;
    uint32_t padding;
    struct vhost_user_region regions[VHOST_USER_MAX_REGIONS];
};

struct vhost_user_config {
    uint32_t offset;
    uint32_t size_bytes;
    uint32_t flags;
    uint8_t data[VHOST_USER_CONFIG_BYTES];
};

struct vhost_user_inflight {
    uint64_t mmap_size;
    uint64_t mmap_offset;
    uint16_t queue_count;
    uint16_t queue_size;
};

union vhost_user_payload {
    uint64_t value;
    struct vhost_user_vring_state state;
    struct vhost_user_vring_address address;
    struct vhost_user_memory_table memory;
    struct vhost_user_config config;
    struct vhost_user_inflight inflight;
};

/* Size of the configuration payload without its data. */
#define VHOST_USER_CONFIG_HEADER_BYTES 12u

_Static_assert(sizeof(struct vhost_user_header) == 12, "the wire format");
_Static_assert(sizeof(struct vhost_user_vring_address) == 40, "the wire format");
_Static_assert(sizeof(struct vhost_user_memory_table) == 8 + VHOST_USER_MAX_REGIONS * 32, "the wire format");
_Static_assert(sizeof(struct vhost_user_inflight) == 24, "the wire format and its padding");

/* A message as it is received and sent. Descriptors that were received belong to the message until they are taken. */
struct vhost_user_message {
    struct vhost_user_header header;
    union vhost_user_payload payload;
    int fds[VHOST_USER_MAX_REGIONS];
    uint32_t fd_count;
};

/* A listening socket at `path`, whatever was there before; -1 and errno when it can't be had. */
int vhost_user_listen(const char *path);

/* Waits for a whole message. False when the other side has gone or broken the protocol. */
bool vhost_user_receive(int socket, struct vhost_user_message *message);

/* Sends header, payload and at most one descriptor (the first). False when the other side has gone. */
bool vhost_user_send(int socket, const struct vhost_user_message *message);

/* The message's next descriptor, now the caller's, or -1. */
int vhost_user_take_fd(struct vhost_user_message *message);

/* Closes the descriptors that nobody took. */
void vhost_user_close_fds(struct vhost_user_message *message);
