/* SPDX-License-Identifier: BSD-2-Clause */
/* What obeying requests needs of a connection; not for the program around it. */
#pragma once

#include "vhost_user.h"

/* Obeys one request and answers it if it wants an answer. False when the front end is to be let go. */
bool vhost_user_obey(struct vhost_user *connection, struct vhost_user_message *message);

/* Starts the queue once everything about it is known; false when what is known is wrong. */
bool vhost_user_start(struct vhost_user *connection);

/* Finishes what is in flight and stops the queue: geometry.start is where to go on. */
void vhost_user_stop(struct vhost_user *connection);

/* Stops the queue at once; the device forgets its driver. */
void vhost_user_reset(struct vhost_user *connection);

/* Puts a descriptor, or -1 for none, where another may have been. */
void vhost_user_replace_fd(int *place, int fd);
