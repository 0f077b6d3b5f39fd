/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks for a name, shows what is typed, and greets whoever ends a line. */
#include <microkit.h>

#include <sdfgen/console_client.h>

#define NAME_BYTES 64u

static struct console_client console;
static char name[NAME_BYTES];
static uint32_t name_bytes;

static void say(const char *text)
{
    uint32_t size_bytes = 0;
    while (text[size_bytes] != '\0') {
        size_bytes++;
    }
    (void)console_write(&console, text, size_bytes);
}

static void greet(void)
{
    say("\nhello, ");
    (void)console_write(&console, name, name_bytes);
    say("\nwho are you? ");
    name_bytes = 0;
}

static void take(char key)
{
    if (key == '\r' || key == '\n') {
        greet();
    } else if (key == '\x7f' && name_bytes > 0) {
        name_bytes--;
        say("\b \b");
    } else if (key >= ' ' && key <= '~' && name_bytes < NAME_BYTES) {
        name[name_bytes++] = key;
        (void)console_write(&console, &key, 1);
    }
}

void init(void)
{
    console_open(&console, &console_connection);
    say("who are you? ");
}

void notified(microkit_channel channel)
{
    char keys[NAME_BYTES];
    (void)channel;
    const uint32_t count = console_read(&console, keys, sizeof(keys));
    for (uint32_t i = 0; i < count; i++) {
        take(keys[i]);
    }
}
