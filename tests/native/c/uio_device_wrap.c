/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lets plain files and a socket stand for UIO devices, below an unchanged driver (ld --wrap=open --wrap=mmap).
 *
 * /dev/uioN is one file descriptor for two things that no file has together: maps and interrupts. Here a map is the
 * file uioN.mapM, and the descriptor is a connection to the socket uioN.irq where there is one: a message of four bytes
 * that arrives is an interrupt, one that is sent turns the interrupt on.
 */
#define _GNU_SOURCE

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define NODES_MAX 16

struct node {
    int fd;
    char path[PATH_MAX];
};

static struct node nodes[NODES_MAX];
static int node_count;

int __real_open(const char *path, int flags, ...);
void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
int __wrap_open(const char *path, int flags, ...);
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s.irq", path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
    const char *name = strrchr(path, '/');
    int plain = __real_open(path, flags);
    if (plain < 0 || name == NULL || strncmp(name, "/uio", 4) != 0 || name[4] < '0' || name[4] > '9' ||
        node_count == NODES_MAX) {
        return plain;
    }
    struct node *node = &nodes[node_count++];
    int connection = connect_to(path);
    (void)snprintf(node->path, sizeof(node->path), "%s", path);
    node->fd = connection < 0 ? plain : connection;
    if (connection >= 0) {
        (void)close(plain);
    }
    return node->fd;
}

static void *map_file(const struct node *node, size_t length, int protection, int flags, off_t offset)
{
    char path[PATH_MAX + 32];
    (void)snprintf(path, sizeof(path), "%s.map%ld", node->path, (long)offset / sysconf(_SC_PAGESIZE));
    int fd = __real_open(path, O_RDWR | O_CLOEXEC);
    void *base = __real_mmap(NULL, length, protection, flags, fd, 0);
    (void)close(fd);
    return base;
}

void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    for (int i = 0; i < node_count; i++) {
        if (nodes[i].fd == fd) {
            return map_file(&nodes[i], length, protection, flags, offset);
        }
    }
    return __real_mmap(address, length, protection, flags, fd, offset);
}
