/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "service.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

/* Rounds of work before the sockets are looked at again. */
#define PUMP_ROUNDS 64
/* Pumps, each with a wait if there is anything to wait for, until disks must be there. */
#define START_PUMPS 60000

/* What is polled of each client: its listening socket, its front end, its guest's notifications. */
enum source { LISTENER, FRONT_END, KICK, SOURCES };

static void work(struct service *service)
{
    service->busy = true;
    for (int round = 0; service->busy && round < PUMP_ROUNDS; round++) {
        service->busy = false;
        for (uint32_t i = 0; i < service->client_count; i++) {
            service->busy |= vhost_user_step(&service->connections[i]);
        }
        service->busy |= service->below.step(service->below.context);
    }
}

/* For whoever waits for a request to end. */
static void pump(void *context)
{
    struct service *service = context;
    work(service);
    if (!service->busy && service->below.look_ms > 0) {
        (void)poll(NULL, 0, service->below.look_ms);
    }
}

static bool all_ready(struct service *service)
{
    bool ready = true;
    for (uint32_t i = 0; i < service->client_count; i++) {
        ready &= virtio_blk_ready(&service->devices[i]);
    }
    return ready;
}

bool service_start(struct service *service, const struct block_client_config *configs, const char *const *sockets,
                   uint32_t client_count, const struct service_below *below)
{
    const struct vhost_user_host host = {pump, service};
    service->client_count = client_count;
    service->below = *below;
    for (uint32_t i = 0; i < client_count; i++) {
        struct vhost_user *connection = &service->connections[i];
        if (!vhost_user_init(connection, sockets[i], &service->devices[i], &host)) {
            return false;
        }
        virtio_blk_init(&service->devices[i], &configs[i], &connection->memory.ram);
    }
    for (int pumps = 0; pumps < START_PUMPS && !all_ready(service); pumps++) {
        pump(service);
    }
    errno = ENODEV;
    return all_ready(service);
}

static void poll_sources(struct service *service, struct pollfd *sources)
{
    for (uint32_t i = 0; i < service->client_count; i++) {
        const struct vhost_user *connection = &service->connections[i];
        const int fds[SOURCES] = {connection->listener, connection->socket,
                                  connection->running ? connection->kick : -1};
        for (uint32_t source = 0; source < SOURCES; source++) {
            sources[i * SOURCES + source] = (struct pollfd){.fd = fds[source], .events = POLLIN};
        }
    }
    (void)poll(sources, service->client_count * SOURCES, service->busy ? 0 : service->below.look_ms);
}

static void serve(struct vhost_user *connection, const struct pollfd *sources)
{
    if (sources[KICK].revents != 0) {
        vhost_user_kicked(connection);
    }
    if (sources[FRONT_END].revents != 0) {
        vhost_user_serve(connection);
    }
    if (sources[LISTENER].revents != 0) {
        vhost_user_accept(connection);
    }
}

void service_run(struct service *service)
{
    struct pollfd sources[SERVICE_MAX_CLIENTS * SOURCES];
    (void)printf("ready\n");
    (void)fflush(stdout);
    for (;;) {
        poll_sources(service, sources);
        for (uint32_t i = 0; i < service->client_count; i++) {
            serve(&service->connections[i], &sources[i * SOURCES]);
        }
        work(service);
    }
}
