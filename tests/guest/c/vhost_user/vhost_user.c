/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "vhost_user_connection.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* Rounds of the whole system within which a device with its guest stopped must have finished. */
#define DRAIN_ROUNDS 4096

bool vhost_user_init(struct vhost_user *connection, const char *path, struct virtio_blk *device,
                     const struct vhost_user_host *host)
{
    *connection = (struct vhost_user){.device = device, .host = *host, .socket = -1, .kick = -1, .call = -1};
    connection->listener = vhost_user_listen(path);
    return connection->listener >= 0;
}

void vhost_user_replace_fd(int *place, int fd)
{
    if (*place >= 0) {
        (void)close(*place);
    }
    *place = fd;
}

static bool to_gpa(const struct vhost_user *connection, uint64_t *address)
{
    return vhost_user_memory_gpa(&connection->memory, *address, address);
}

/* Goes on where a back end that was killed has left off. */
static bool recover(const struct vhost_user *connection, struct virtq_geometry *geometry)
{
    uint32_t count;
    if (!inflight_recover(connection->inflight, &connection->memory.ram, geometry, &count)) {
        return false;
    }
    if (count > 0) {
        (void)printf("recovered %u\n", count);
        (void)fflush(stdout);
    }
    return true;
}

bool vhost_user_start(struct vhost_user *connection)
{
    struct virtq_geometry geometry = connection->geometry;
    if (connection->running || !connection->enabled || connection->kick < 0 || geometry.desc_gpa == 0) {
        return true;
    }
    if (!to_gpa(connection, &geometry.desc_gpa) || !to_gpa(connection, &geometry.avail_gpa) ||
        !to_gpa(connection, &geometry.used_gpa)) {
        return false;
    }
    if (connection->inflight != NULL && !recover(connection, &geometry)) {
        return false;
    }
    if (virtio_blk_start_queue(connection->device, &geometry) != VIRTQ_OK) {
        return false;
    }
    connection->running = true;
    if (connection->inflight != NULL) {
        inflight_save(connection->inflight, &connection->device->queue);
    }
    virtio_blk_driver_ok(connection->device);
    connection->host.pump(connection->host.context);
    return true;
}

void vhost_user_stop(struct vhost_user *connection)
{
    struct virtq *queue = &connection->device->queue;
    for (uint32_t i = 0; connection->running && queue->in_flight_count > 0 && i < DRAIN_ROUNDS; i++) {
        connection->host.pump(connection->host.context);
    }
    if (connection->running) {
        connection->geometry.start = queue->next_avail;
        if (connection->inflight != NULL && queue->in_flight_count == 0) {
            inflight_clear(connection->inflight);
        }
    }
    connection->running = false;
    virtio_blk_stop_queue(connection->device);
}

void vhost_user_reset(struct vhost_user *connection)
{
    connection->running = false;
    virtio_blk_stop_queue(connection->device);
    virtio_blk_reset(connection->device);
    for (uint32_t i = 0; virtio_blk_draining(connection->device) && i < DRAIN_ROUNDS; i++) {
        connection->host.pump(connection->host.context);
    }
}

static void let_go(struct vhost_user *connection)
{
    vhost_user_reset(connection);
    vhost_user_memory_clear(&connection->memory);
    if (connection->inflight != NULL) {
        (void)munmap(connection->inflight, sizeof(*connection->inflight));
        connection->inflight = NULL;
    }
    vhost_user_replace_fd(&connection->kick, -1);
    vhost_user_replace_fd(&connection->call, -1);
    vhost_user_replace_fd(&connection->socket, -1);
    connection->enabled = false;
    connection->geometry = (struct virtq_geometry){.size = 0};
}

void vhost_user_accept(struct vhost_user *connection)
{
    int socket = accept4(connection->listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection->socket >= 0) {
        (void)close(socket);
        return;
    }
    connection->socket = socket;
}

void vhost_user_serve(struct vhost_user *connection)
{
    struct vhost_user_message message;
    bool kept = vhost_user_receive(connection->socket, &message);
    if (kept && !vhost_user_obey(connection, &message)) {
        (void)fprintf(stderr, "vhost_user: request %u failed\n", message.header.request);
        kept = false;
    }
    vhost_user_close_fds(&message);
    if (!kept) {
        let_go(connection);
    }
}

void vhost_user_kicked(struct vhost_user *connection)
{
    eventfd_t count;
    (void)eventfd_read(connection->kick, &count);
}

bool vhost_user_step(struct vhost_user *connection)
{
    struct virtio_effects effects = virtio_blk_step(connection->device);
    if (connection->running && connection->inflight != NULL) {
        inflight_save(connection->inflight, &connection->device->queue);
    }
    if (effects.used_interrupt && connection->call >= 0) {
        (void)eventfd_write(connection->call, 1);
    }
    return effects.notify || effects.again;
}
