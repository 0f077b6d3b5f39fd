/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include <microkit.h>

#include <sdfgen/pd_say.h>

static void (*other)(const char *text);

static void put(const char *text)
{
    if (other != NULL) {
        other(text);
    } else {
        microkit_dbg_puts(text);
    }
}

void pd_say_by(void (*put_text)(const char *text))
{
    other = put_text;
}

void pd_say(const char *what, const char *detail)
{
    if (other == NULL) {
        put(microkit_name);
        put(": ");
    }
    put(what);
    if (detail != NULL) {
        put(": ");
        put(detail);
    }
    put("\n");
}
