/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop of a UIO driver: callbacks for interrupts, for any other file descriptor, and for being asked to end.
 *
 * An interrupt that comes while it is turned off may bring no event of its own. So it is turned on again first, and then
 * its callback runs: work that was queued before that is found, and what is queued later brings an interrupt. Of the
 * events that are there at once interrupts have their turn first, so that they are turned off for as short as can be:
 * for one that comes meanwhile Linux masks it, unmasks it and raises it once more, each a trap of the driver's guest.
 *
 * Callbacks run one at a time in the thread of uio_loop_run, and each should do a bounded piece of work; with more left
 * to do, it asks for another turn.
 */
#pragma once

#include <sdfgen/libuio.h>

#define UIO_LOOP_MAX_SOURCES (UIO_MAX_DEVICES + 8u)

typedef void uio_callback(void *context);
typedef bool uio_question(void *context);

struct uio_source {
    int fd;
    uio_callback *callback;
    void *context;
    const struct uio_device *device; /* whose interrupt it is, or NULL */
};

struct uio_loop {
    int fd;
    int signal_fd;
    bool stopped;
    bool failed;
    uint32_t source_count;
    struct uio_source sources[UIO_LOOP_MAX_SOURCES];
    uio_callback *again;
    void *again_context;
    uio_question *may_sleep;
    void *may_sleep_context;
    char message[200]; /* why it failed */
};

/*
 * Makes a loop. From here on the process gets SIGTERM and SIGINT only through uio_loop_add_signals: call this before
 * any thread is started. False with a message.
 */
bool uio_loop_open(struct uio_loop *loop);
void uio_loop_close(struct uio_loop *loop);

/* Calls back whenever the descriptor is readable, until its callback has read it empty. False with a message. */
bool uio_loop_add(struct uio_loop *loop, int fd, uio_callback *callback, void *context);

/* The same for every device with an interrupt; the others are never polled. `uio` outlives the loop. */
bool uio_loop_add_interrupts(struct uio_loop *loop, const struct uio *uio, uio_callback *callback, void *context);

/* Calls back when SIGTERM or SIGINT arrives. */
bool uio_loop_add_signals(struct uio_loop *loop, uio_callback *callback, void *context);

/* One more call, after every event that waits now had its turn. Asking twice before that is asking once. */
void uio_loop_again(struct uio_loop *loop, uio_callback *callback, void *context);

/*
 * Asks whenever no event waits and the loop would sleep; it does, when the answer is true. Else it looks at its events
 * and asks again: what is to be done should be asked for by uio_loop_again.
 */
void uio_loop_before_sleep(struct uio_loop *loop, uio_question *may_sleep, void *context);

/*
 * Turns the interrupts on, calls back for what came before, and then for each event until uio_loop_stop. False with a
 * message when a system call failed.
 */
bool uio_loop_run(struct uio_loop *loop);
void uio_loop_stop(struct uio_loop *loop);
