/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compiled against the headers of the Microkit SDK that the image is made with, where there is one: what the generated
 * tables take for granted about it.
 */
#include <stdint.h>

#include <microkit.h>

_Static_assert(sizeof(microkit_channel) <= sizeof(uint32_t), "a channel's id fits a table");
_Static_assert(MICROKIT_MAX_CHANNELS <= 64, "channels are bits of a mask");
_Static_assert(sizeof(uintptr_t) == sizeof(uint64_t), "setvar and patching write 8 bytes");
