/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio-blk device per client, each behind a socket of its own, above a virtualiser: what every back end here does.
 */
#pragma once

#include "vhost_user.h"

#define SERVICE_MAX_CLIENTS 4u

/* What is below the devices. */
struct service_below {
    bool (*step)(void *context); /* lets it work once, without waiting; true when somebody may have more to do */
    void *context;
    int look_ms; /* how often it must be let work though nothing happened, or -1 when it can't wait for anything */
};

struct service {
    uint32_t client_count;
    struct service_below below;
    bool busy;
    struct vhost_user connections[SERVICE_MAX_CLIENTS];
    struct virtio_blk devices[SERVICE_MAX_CLIENTS];
};

/*
 * Makes the devices and waits until each has its disk. False and errno when a socket can't be had, or a disk does not
 * come. `configs` must outlive the service.
 */
bool service_start(struct service *service, const struct block_client_config *configs, const char *const *sockets,
                   uint32_t client_count, const struct service_below *below);

/* Says so and serves, for ever. */
_Noreturn void service_run(struct service *service);
