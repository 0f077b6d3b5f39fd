/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shared layout of sDDF 0.7's serial queues: a fixed interface with native sDDF drivers and clients, so offsets are
 * asserted and not negotiable. The bytes are in a region of their own, at an index modulo its size, a power of two;
 * indices run freely through 32 bits.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sddf_serial_queue {
    uint32_t tail;               /* the writer's: where the next byte goes */
    uint32_t head;               /* the reader's: where the next byte is taken */
    uint32_t producer_signalled; /* 0: the writer waits for room, and the reader is to notify it */
};

_Static_assert(offsetof(struct sddf_serial_queue, tail) == 0 && offsetof(struct sddf_serial_queue, head) == 4 &&
                   offsetof(struct sddf_serial_queue, producer_signalled) == 8 && sizeof(struct sddf_serial_queue) == 12,
               "sDDF 0.7, include/sddf/serial/queue.h");
