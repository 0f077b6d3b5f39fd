/* SPDX-License-Identifier: BSD-2-Clause */
/* The newest bytes that a client wrote while somebody else had the screen, or nobody. */
#pragma once

#include <sdfgen/console_mux.h>

/* Keeps a byte. Whether the oldest had to go for it. */
bool kept_put(struct console_mux_kept *kept, uint8_t byte);

/* There is one (`count`). */
uint8_t kept_take(struct console_mux_kept *kept);
