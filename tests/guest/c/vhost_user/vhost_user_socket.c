/* SPDX-License-Identifier: BSD-2-Clause */
#include "vhost_user_wire.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int vhost_user_listen(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        return -1;
    }
    (void)strcpy(address.sun_path, path);
    (void)unlink(path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0) {
        return -1;
    }
    if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 1) != 0) {
        (void)close(listener);
        return -1;
    }
    return listener;
}

static void keep_fds(struct msghdr *envelope, struct vhost_user_message *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(envelope); part != NULL; part = CMSG_NXTHDR(envelope, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS) {
            size_t size_bytes = part->cmsg_len - CMSG_LEN(0);
            memcpy(message->fds, CMSG_DATA(part), size_bytes);
            message->fd_count = (uint32_t)(size_bytes / sizeof(int));
        }
    }
}

bool vhost_user_receive(int socket, struct vhost_user_message *message)
{
    union {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(sizeof(message->fds))];
    } control;
    struct iovec header = {.iov_base = &message->header, .iov_len = sizeof(message->header)};
    struct msghdr envelope = {
        .msg_iov = &header,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    memset(message, 0, sizeof(*message));
    if (recvmsg(socket, &envelope, MSG_CMSG_CLOEXEC | MSG_WAITALL) != (ssize_t)sizeof(message->header)) {
        return false;
    }
    keep_fds(&envelope, message);
    size_t size_bytes = message->header.size_bytes;
    if (size_bytes > sizeof(message->payload)) {
        return false;
    }
    return size_bytes == 0 || recv(socket, &message->payload, size_bytes, MSG_WAITALL) == (ssize_t)size_bytes;
}

bool vhost_user_send(int socket, const struct vhost_user_message *message)
{
    union {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec parts[] = {
        {.iov_base = (void *)(uintptr_t)&message->header, .iov_len = sizeof(message->header)},
        {.iov_base = (void *)(uintptr_t)&message->payload, .iov_len = message->header.size_bytes},
    };
    struct msghdr envelope = {.msg_iov = parts, .msg_iovlen = 2};
    if (message->fd_count > 0) {
        memset(&control, 0, sizeof(control));
        envelope.msg_control = control.bytes;
        envelope.msg_controllen = sizeof(control.bytes);
        struct cmsghdr *part = CMSG_FIRSTHDR(&envelope);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(part), message->fds, sizeof(int));
    }
    return sendmsg(socket, &envelope, MSG_NOSIGNAL) == (ssize_t)(parts[0].iov_len + parts[1].iov_len);
}

int vhost_user_take_fd(struct vhost_user_message *message)
{
    if (message->fd_count == 0) {
        return -1;
    }
    int taken = message->fds[0];
    message->fd_count--;
    memmove(message->fds, message->fds + 1, message->fd_count * sizeof(message->fds[0]));
    return taken;
}

void vhost_user_close_fds(struct vhost_user_message *message)
{
    for (uint32_t i = 0; i < message->fd_count; i++) {
        (void)close(message->fds[i]);
    }
    message->fd_count = 0;
}
