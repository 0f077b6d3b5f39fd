/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compiled against the headers of the Microkit SDK that the image is made with, where there is one: what the generated
 * tables take for granted about it.
 */
#include <microkit.h>

#include <sdfgen/vmm_config.h>

_Static_assert(MICROKIT_MAX_CHANNELS > BLK_MAX_CLIENTS, "the virtualiser has a channel for the driver and each client");
_Static_assert(sizeof(microkit_channel) <= sizeof(((struct blk_connection *)0)->channel), "a channel id fits a table");
_Static_assert(sizeof(uintptr_t) == sizeof(uint64_t), "setvar and patching write 8 bytes");
