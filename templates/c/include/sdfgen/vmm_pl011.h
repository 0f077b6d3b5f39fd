/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's console: a PL011 whose output is printed line by line on the debug console, as "NAME| line". Each line is
 * one call of microkit_dbg_puts, in a VMM, which stands above all guests: until it is out no other guest of the same
 * core runs and can make its own VMM print, unless a budget cuts the VMM short.
 *
 * NAME is the PD's, without its "_vmm". There is no input yet. A kernel without debug output prints nothing.
 */
#pragma once

#include <sdfgen/console_line.h>
#include <sdfgen/pl011.h>
#include <sdfgen/vmm_device.h>

/* A row has this as its state, and no config. An unfinished line stays when the guest starts again. */
struct vmm_pl011 {
    struct pl011 uart;
    struct console_line line;
};

extern const struct vmm_device_kind vmm_pl011_kind;
