/* SPDX-License-Identifier: BSD-2-Clause */
/* What is typed: input of the focus, and commands. */
#pragma once

#include <sdfgen/console_mux.h>

/* Takes the step's input, as far as there is room on the screen for what it says. */
void input_take(struct console_mux *mux);

/* Goes on with a list that was asked for. */
void input_go_on_listing(struct console_mux *mux);
