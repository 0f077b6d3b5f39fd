/* SPDX-License-Identifier: BSD-2-Clause */
/* A client and a driver as sDDF 0.7 has them: each is told of its queues in a structure of a section of its own. */
#include <stdbool.h>
#include <stdint.h>

struct range {
    void *vaddr;
    uint64_t size;
};

struct link {
    struct range queue;
    struct range data;
    uint8_t id;
};

#ifdef DRIVER
struct driver {
    char magic[5];
    struct link rx;
    struct link tx;
    uint64_t default_baud;
    bool rx_enabled;
};

__attribute__((section(".serial_driver_config"), used)) struct driver config;
#else
struct client {
    char magic[5];
    struct link rx;
    struct link tx;
};

__attribute__((section(".serial_client_config"), used)) struct client config;
#endif

/* What libmicrokit has, of which an image without it would be refused. */
char microkit_name[64] __attribute__((used)) = "x";
uint64_t microkit_ioports __attribute__((used));

int main(void)
{
    __asm__ volatile("" : : "r"(&config), "r"(microkit_name), "r"(&microkit_ioports) : "memory");
    return 0;
}
