/* SPDX-License-Identifier: BSD-2-Clause */
#include "console_mux_kept.h"

bool kept_put(struct console_mux_kept *kept, uint8_t byte)
{
    const bool full = kept->count == CONSOLE_MUX_KEPT_BYTES;
    if (full) {
        (void)kept_take(kept);
        kept->lost++;
    }
    kept->bytes[(kept->first + kept->count) % CONSOLE_MUX_KEPT_BYTES] = byte;
    kept->count++;
    return full;
}

uint8_t kept_take(struct console_mux_kept *kept)
{
    const uint8_t byte = kept->bytes[kept->first];
    kept->first = (kept->first + 1) % CONSOLE_MUX_KEPT_BYTES;
    kept->count--;
    return byte;
}
