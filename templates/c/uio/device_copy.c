/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/device_copy.h>

/* Of one access; the memory holds anything. */
typedef uint64_t __attribute__((vector_size(16), may_alias)) pair;

#define PAIRS_A_TURN (DEVICE_COPY_BYTES / sizeof(pair))

/* Loads first and then stores: the loads don't wait for one another. */
#define COPY_A_TURN(to, from)                                        \
    do {                                                             \
        pair w0 = (from)[0], w1 = (from)[1];                         \
        pair w2 = (from)[2], w3 = (from)[3];                         \
        (to)[0] = w0, (to)[1] = w1, (to)[2] = w2, (to)[3] = w3;      \
        (to) += PAIRS_A_TURN, (from) += PAIRS_A_TURN;                \
    } while (0)

void device_copy_in(void *normal, const volatile void *device, size_t size_bytes)
{
    pair *to = normal;
    const volatile pair *from = device;
    for (size_t turn = size_bytes / DEVICE_COPY_BYTES; turn > 0; turn--) {
        COPY_A_TURN(to, from);
    }
}

void device_copy_out(volatile void *device, const void *normal, size_t size_bytes)
{
    volatile pair *to = device;
    const pair *from = normal;
    for (size_t turn = size_bytes / DEVICE_COPY_BYTES; turn > 0; turn--) {
        COPY_A_TURN(to, from);
    }
}
