/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/device_copy.h>

/* Loads first and then stores: the loads don't wait for one another. */
#define COPY_EIGHT_WORDS(to, from)                                               \
    do {                                                                         \
        uint64_t w0 = (from)[0], w1 = (from)[1], w2 = (from)[2], w3 = (from)[3]; \
        uint64_t w4 = (from)[4], w5 = (from)[5], w6 = (from)[6], w7 = (from)[7]; \
        (to)[0] = w0, (to)[1] = w1, (to)[2] = w2, (to)[3] = w3;                  \
        (to)[4] = w4, (to)[5] = w5, (to)[6] = w6, (to)[7] = w7;                  \
    } while (0)

#define WORDS_A_TURN (DEVICE_COPY_BYTES / sizeof(uint64_t))

void device_copy_in(uint64_t *normal, const volatile uint64_t *device, size_t size_bytes)
{
    for (size_t turn = size_bytes / DEVICE_COPY_BYTES; turn > 0; turn--) {
        COPY_EIGHT_WORDS(normal, device);
        normal += WORDS_A_TURN;
        device += WORDS_A_TURN;
    }
}

void device_copy_out(volatile uint64_t *device, const uint64_t *normal, size_t size_bytes)
{
    for (size_t turn = size_bytes / DEVICE_COPY_BYTES; turn > 0; turn--) {
        COPY_EIGHT_WORDS(device, normal);
        normal += WORDS_A_TURN;
        device += WORDS_A_TURN;
    }
}
