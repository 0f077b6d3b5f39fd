/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line on the debug console: "PD: what: detail". For what happens once, not for what a guest can make happen often.
 */
#pragma once

/* `detail` may be NULL. */
void pd_say(const char *what, const char *detail);
