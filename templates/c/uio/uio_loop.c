/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE

#include <sdfgen/uio_loop.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Events of one turn. */
#define EVENTS_A_TURN 16

static bool fail(struct uio_loop *loop, const char *what)
{
    (void)snprintf(loop->message, sizeof(loop->message), "%s: %s", what, strerror(errno));
    loop->failed = true;
    return false;
}

bool uio_loop_open(struct uio_loop *loop)
{
    sigset_t signals;
    *loop = (struct uio_loop) { .fd = -1, .signal_fd = -1 };
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    if (sigprocmask(SIG_BLOCK, &signals, NULL) < 0) {
        return fail(loop, "can't block signals");
    }
    loop->fd = epoll_create1(EPOLL_CLOEXEC);
    loop->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop->fd < 0 || loop->signal_fd < 0) {
        (void)fail(loop, "epoll or signalfd (CONFIG_EPOLL, CONFIG_SIGNALFD)");
        uio_loop_close(loop);
        return false;
    }
    return true;
}

void uio_loop_close(struct uio_loop *loop)
{
    if (loop->fd >= 0) {
        (void)close(loop->fd);
        loop->fd = -1;
    }
    if (loop->signal_fd >= 0) {
        (void)close(loop->signal_fd);
        loop->signal_fd = -1;
    }
}

static bool add(struct uio_loop *loop, const struct uio_source *source)
{
    if (loop->source_count == UIO_LOOP_MAX_SOURCES) {
        errno = ENOSPC;
        return fail(loop, "too many event sources");
    }
    struct uio_source *added = &loop->sources[loop->source_count];
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = added };
    *added = *source;
    if (epoll_ctl(loop->fd, EPOLL_CTL_ADD, source->fd, &event) < 0) {
        return fail(loop, source->device == NULL ? "can't wait for a descriptor" : "can't wait for a UIO interrupt");
    }
    loop->source_count++;
    return true;
}

bool uio_loop_add(struct uio_loop *loop, int fd, uio_callback *callback, void *context)
{
    return add(loop, &(struct uio_source) { .fd = fd, .callback = callback, .context = context });
}

bool uio_loop_add_interrupts(struct uio_loop *loop, const struct uio *uio, uio_callback *callback, void *context)
{
    for (uint32_t i = 0; i < uio->device_count; i++) {
        const struct uio_device *device = &uio->devices[i];
        const struct uio_source source = {
            .fd = device->fd, .callback = callback, .context = context, .device = device
        };
        if (device->entry->interrupt && !add(loop, &source)) {
            return false;
        }
    }
    return true;
}

bool uio_loop_add_signals(struct uio_loop *loop, uio_callback *callback, void *context)
{
    return uio_loop_add(loop, loop->signal_fd, callback, context);
}

void uio_loop_again(struct uio_loop *loop, uio_callback *callback, void *context)
{
    loop->again = callback;
    loop->again_context = context;
}

void uio_loop_before_sleep(struct uio_loop *loop, uio_question *may_sleep, void *context)
{
    loop->may_sleep = may_sleep;
    loop->may_sleep_context = context;
}

void uio_loop_stop(struct uio_loop *loop)
{
    loop->stopped = true;
}

static bool goes_on(const struct uio_loop *loop)
{
    return !loop->stopped && !loop->failed;
}

static void enable_and_look(struct uio_loop *loop, const struct uio_source *source)
{
    if (!uio_interrupt_enable(source->device)) {
        (void)fail(loop, "can't turn a UIO interrupt on");
        return;
    }
    source->callback(source->context);
}

static void run_interrupt(struct uio_loop *loop, const struct uio_source *source)
{
    int32_t count;
    ssize_t got = read(source->fd, &count, sizeof(count));
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (got != (ssize_t)sizeof(count)) {
        errno = got < 0 ? errno : EIO;
        (void)fail(loop, "can't read a UIO interrupt");
        return;
    }
    enable_and_look(loop, source);
}

static void run_signal(struct uio_loop *loop, const struct uio_source *source)
{
    struct signalfd_siginfo signal;
    if (read(loop->signal_fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
        source->callback(source->context);
    }
}

static void run_source(struct uio_loop *loop, const struct uio_source *source)
{
    if (source->device != NULL) {
        run_interrupt(loop, source);
    } else if (source->fd == loop->signal_fd) {
        run_signal(loop, source);
    } else {
        source->callback(source->context);
    }
}

static void run_again(struct uio_loop *loop)
{
    uio_callback *callback = loop->again;
    loop->again = NULL;
    if (callback != NULL) {
        callback(loop->again_context);
    }
}

/* Of those events the interrupts, or all others. */
static void run_sources(struct uio_loop *loop, const struct epoll_event *events, int count, bool interrupts)
{
    for (int i = 0; i < count && goes_on(loop); i++) {
        const struct uio_source *source = events[i].data.ptr;
        if ((source->device != NULL) == interrupts) {
            run_source(loop, source);
        }
    }
}

static bool sleeps(const struct uio_loop *loop)
{
    return loop->again == NULL && (loop->may_sleep == NULL || loop->may_sleep(loop->may_sleep_context));
}

static void run_turn(struct uio_loop *loop)
{
    struct epoll_event events[EVENTS_A_TURN];
    int count = epoll_wait(loop->fd, events, EVENTS_A_TURN, sleeps(loop) ? -1 : 0);
    if (count < 0 && errno != EINTR) {
        (void)fail(loop, "epoll_wait");
    }
    run_sources(loop, events, count, true);
    run_sources(loop, events, count, false);
    if (goes_on(loop)) {
        run_again(loop);
    }
}

bool uio_loop_run(struct uio_loop *loop)
{
    for (uint32_t i = 0; i < loop->source_count && goes_on(loop); i++) {
        if (loop->sources[i].device != NULL) {
            enable_and_look(loop, &loop->sources[i]);
        }
    }
    while (goes_on(loop)) {
        run_turn(loop);
    }
    return !loop->failed;
}
