/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "vhost_user_connection.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROTOCOL_FEATURES                                                                           \
    (UINT64_C(1) << VHOST_USER_PROTOCOL_F_REPLY_ACK | UINT64_C(1) << VHOST_USER_PROTOCOL_F_CONFIG | \
     UINT64_C(1) << VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD)

/* The handlers: each obeys one request. False when it can't: the front end is told, or let go. */

static bool get_features(struct vhost_user *connection, struct vhost_user_message *message)
{
    uint64_t features = virtio_blk_features(connection->device);
    message->payload.value = features | UINT64_C(1) << VHOST_USER_F_PROTOCOL_FEATURES;
    return true;
}

/* QEMU sends the same features again to turn its dirty log on: nothing to do. */
static bool set_features(struct vhost_user *connection, struct vhost_user_message *message)
{
    uint64_t features = message->payload.value & ~(UINT64_C(1) << VHOST_USER_F_PROTOCOL_FEATURES);
    if ((features & ~virtio_blk_features(connection->device)) != 0) {
        return false;
    }
    if (!connection->running) {
        vhost_user_reset(connection);
        virtio_blk_set_features(connection->device, features);
        connection->enabled = (message->payload.value >> VHOST_USER_F_PROTOCOL_FEATURES & 1) == 0;
    }
    return true;
}

static bool get_protocol_features(struct vhost_user *connection, struct vhost_user_message *message)
{
    (void)connection;
    message->payload.value = PROTOCOL_FEATURES;
    return true;
}

static bool set_protocol_features(struct vhost_user *connection, struct vhost_user_message *message)
{
    (void)connection;
    return (message->payload.value & ~PROTOCOL_FEATURES) == 0;
}

/* Whose it is does not matter, and errors of the ring are seen in the device's own state. */
static bool nothing_to_do(struct vhost_user *connection, struct vhost_user_message *message)
{
    (void)connection;
    (void)message;
    return true;
}

static bool reset_owner(struct vhost_user *connection, struct vhost_user_message *message)
{
    (void)message;
    vhost_user_reset(connection);
    return true;
}

/* A running queue looks into the old mappings: it is stopped meanwhile. */
static bool set_memory(struct vhost_user *connection, struct vhost_user_message *message)
{
    vhost_user_stop(connection);
    return vhost_user_memory_set(&connection->memory, message) && vhost_user_start(connection);
}

static bool set_number(struct vhost_user *connection, struct vhost_user_message *message)
{
    connection->geometry.size = message->payload.state.number;
    return message->payload.state.index == 0;
}

static bool set_address(struct vhost_user *connection, struct vhost_user_message *message)
{
    const struct vhost_user_vring_address *address = &message->payload.address;
    connection->geometry.desc_gpa = address->desc_user;
    connection->geometry.avail_gpa = address->avail_user;
    connection->geometry.used_gpa = address->used_user;
    return address->index == 0;
}

static bool set_base(struct vhost_user *connection, struct vhost_user_message *message)
{
    connection->geometry.start = (uint16_t)message->payload.state.number;
    return message->payload.state.index == 0;
}

static bool get_base(struct vhost_user *connection, struct vhost_user_message *message)
{
    vhost_user_stop(connection);
    vhost_user_replace_fd(&connection->kick, -1);
    message->payload.state.number = connection->geometry.start;
    return message->payload.state.index == 0;
}

static bool set_kick(struct vhost_user *connection, struct vhost_user_message *message)
{
    vhost_user_replace_fd(&connection->kick, vhost_user_take_fd(message));
    return vhost_user_start(connection);
}

static bool set_call(struct vhost_user *connection, struct vhost_user_message *message)
{
    vhost_user_replace_fd(&connection->call, vhost_user_take_fd(message));
    return true;
}

static bool set_enable(struct vhost_user *connection, struct vhost_user_message *message)
{
    connection->enabled = message->payload.state.number != 0;
    if (!connection->enabled) {
        vhost_user_stop(connection);
    }
    return vhost_user_start(connection);
}

static bool in_config(const struct vhost_user_config *config)
{
    return config->offset <= VHOST_USER_CONFIG_BYTES && config->size_bytes <= VHOST_USER_CONFIG_BYTES - config->offset;
}

static bool get_config(struct vhost_user *connection, struct vhost_user_message *message)
{
    struct vhost_user_config *config = &message->payload.config;
    if (!in_config(config)) {
        return false;
    }
    for (uint32_t i = 0; i < config->size_bytes; i++) {
        config->data[i] = virtio_blk_read_config(connection->device, config->offset + i);
    }
    return true;
}

static bool set_config(struct vhost_user *connection, struct vhost_user_message *message)
{
    const struct vhost_user_config *config = &message->payload.config;
    if (!in_config(config)) {
        return false;
    }
    for (uint32_t i = 0; i < config->size_bytes; i++) {
        virtio_blk_write_config(connection->device, config->offset + i, config->data[i]);
    }
    return true;
}

static bool map_inflight(struct vhost_user *connection, int fd)
{
    void *area = mmap(NULL, sizeof(struct inflight_area), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (area == MAP_FAILED) {
        return false;
    }
    if (connection->inflight != NULL) {
        (void)munmap(connection->inflight, sizeof(*connection->inflight));
    }
    connection->inflight = area;
    return true;
}

static bool get_inflight(struct vhost_user *connection, struct vhost_user_message *message)
{
    int fd = memfd_create("inflight", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, sizeof(struct inflight_area)) != 0 || !map_inflight(connection, fd)) {
        vhost_user_replace_fd(&fd, -1);
        return false;
    }
    message->payload.inflight.mmap_size = sizeof(struct inflight_area);
    message->payload.inflight.mmap_offset = 0;
    message->fds[message->fd_count++] = fd;
    return true;
}

static bool set_inflight(struct vhost_user *connection, struct vhost_user_message *message)
{
    const struct vhost_user_inflight *inflight = &message->payload.inflight;
    int fd = vhost_user_take_fd(message);
    bool mapped = inflight->mmap_offset == 0 && inflight->mmap_size >= sizeof(struct inflight_area) &&
                  map_inflight(connection, fd);
    vhost_user_replace_fd(&fd, -1);
    return mapped;
}

struct handler {
    bool (*obey)(struct vhost_user *connection, struct vhost_user_message *message);
    uint32_t least_bytes;
    bool replies; /* with a payload of its own */
};

#define VALUE_BYTES ((uint32_t)sizeof(uint64_t))
#define STATE_BYTES ((uint32_t)sizeof(struct vhost_user_vring_state))

static const struct handler handlers[] = {
    [VHOST_USER_GET_FEATURES] = {get_features, 0, true},
    [VHOST_USER_SET_FEATURES] = {set_features, VALUE_BYTES, false},
    [VHOST_USER_SET_OWNER] = {nothing_to_do, 0, false},
    [VHOST_USER_RESET_OWNER] = {reset_owner, 0, false},
    [VHOST_USER_SET_MEM_TABLE] = {set_memory, offsetof(struct vhost_user_memory_table, regions), false},
    [VHOST_USER_SET_VRING_NUM] = {set_number, STATE_BYTES, false},
    [VHOST_USER_SET_VRING_ADDR] = {set_address, sizeof(struct vhost_user_vring_address), false},
    [VHOST_USER_SET_VRING_BASE] = {set_base, STATE_BYTES, false},
    [VHOST_USER_GET_VRING_BASE] = {get_base, STATE_BYTES, true},
    [VHOST_USER_SET_VRING_KICK] = {set_kick, VALUE_BYTES, false},
    [VHOST_USER_SET_VRING_CALL] = {set_call, VALUE_BYTES, false},
    [VHOST_USER_SET_VRING_ERR] = {nothing_to_do, VALUE_BYTES, false},
    [VHOST_USER_GET_PROTOCOL_FEATURES] = {get_protocol_features, 0, true},
    [VHOST_USER_SET_PROTOCOL_FEATURES] = {set_protocol_features, VALUE_BYTES, false},
    [VHOST_USER_SET_VRING_ENABLE] = {set_enable, STATE_BYTES, false},
    [VHOST_USER_GET_CONFIG] = {get_config, VHOST_USER_CONFIG_HEADER_BYTES, true},
    [VHOST_USER_SET_CONFIG] = {set_config, VHOST_USER_CONFIG_HEADER_BYTES, false},
    [VHOST_USER_GET_INFLIGHT_FD] = {get_inflight, sizeof(struct vhost_user_inflight), true},
    [VHOST_USER_SET_INFLIGHT_FD] = {set_inflight, sizeof(struct vhost_user_inflight), false},
};

bool vhost_user_obey(struct vhost_user *connection, struct vhost_user_message *message)
{
    uint32_t request = message->header.request;
    if (request >= sizeof(handlers) / sizeof(handlers[0]) || handlers[request].obey == NULL ||
        message->header.size_bytes < handlers[request].least_bytes) {
        return false;
    }
    const struct handler *handler = &handlers[request];
    bool done = handler->obey(connection, message);
    bool wants_answer = (message->header.flags & VHOST_USER_FLAG_NEED_REPLY) != 0;
    if (!handler->replies && !wants_answer) {
        return done;
    }
    if (handler->replies && !done) {
        return false;
    }
    if (!handler->replies) {
        message->payload.value = done ? 0 : 1;
    }
    if (!handler->replies || handler->least_bytes == 0) {
        message->header.size_bytes = VALUE_BYTES;
    }
    message->header.flags = VHOST_USER_VERSION | VHOST_USER_FLAG_REPLY;
    return vhost_user_send(connection->socket, message);
}
