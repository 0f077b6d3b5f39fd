/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vhost-user back end with one queue, whose device is this project's virtio_blk. QEMU is the transport: it negotiates
 * features with the guest and says where the ring is.
 */
#pragma once

#include "vhost_user_inflight.h"
#include "vhost_user_memory.h"

#include <sdfgen/virtio_blk.h>

/* What a connection needs of the program around it. */
struct vhost_user_host {
    void (*pump)(void *context); /* lets every part of the system do what it can, without waiting */
    void *context;
};

struct vhost_user {
    struct virtio_blk *device;
    struct vhost_user_host host;
    struct vhost_user_memory memory; /* the device's RAM */
    int listener;
    int socket; /* -1: no front end */
    int kick;   /* -1: none yet */
    int call;
    bool enabled;
    bool running;
    struct virtq_geometry geometry; /* with addresses of the front end until the queue starts */
    struct inflight_area *inflight;
};

/* Listens at `path`. The device is initialised afterwards, on connection->memory.ram. False and errno on failure. */
bool vhost_user_init(struct vhost_user *connection, const char *path, struct virtio_blk *device,
                     const struct vhost_user_host *host);

/* Takes a front end; one at a time. */
void vhost_user_accept(struct vhost_user *connection);

/* Receives and obeys one message; a front end that has gone, or broke the protocol, is let go. */
void vhost_user_serve(struct vhost_user *connection);

/* The guest notified: forget how often. */
void vhost_user_kicked(struct vhost_user *connection);

/* Lets the device work once, and interrupts the guest if it is to be. True when there is more to do somewhere. */
bool vhost_user_step(struct vhost_user *connection);
