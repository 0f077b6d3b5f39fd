/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line on the debug console: "PD: what: detail", or on another one, where that tells whose it is. For what happens
 * once, not for what a guest can make happen often.
 */
#pragma once

/* `detail` may be NULL. */
void pd_say(const char *what, const char *detail);

/* From now on lines go where `put` puts them, in pieces, without the PD's name. */
void pd_say_by(void (*put)(const char *text));
