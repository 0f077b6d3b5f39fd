/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's console: a PL011 whose output is printed line by line on the debug console, as "NAME| line". Each line is
 * one call of microkit_dbg_puts, in a VMM, which stands above all guests: until it is out no other guest of the same
 * core runs and can make its own VMM print, unless a budget cuts the VMM short.
 *
 * There is no input yet. A kernel without debug output prints nothing.
 */
#pragma once

#include <sdfgen/vmm_config.h>

/* The guest's name is the PD's, without its "_vmm". After vmm_guest_create(); false after a message. */
bool vmm_console_create(const struct vmm_device *device);

/* The device as after vmm_console_create(); an unfinished line stays. */
void vmm_console_reset(void);
