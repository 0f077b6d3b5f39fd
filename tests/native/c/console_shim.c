/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The multiplexer behind a pipe, for a model in another language. Each line is a program: letters with operands,
 * separated by spaces. Every queue begins at the index that the first word is.
 *
 *     W client hex   it writes, as much as fits: "W count"
 *     T hex          that is typed, as much as fits: "T count"
 *     P              a step
 *     D count        the driver sends so many bytes, and notifies when it has to
 *     F              steps and sends until nothing is left
 *
 * Then "S hex", what was shown, "I client hex", what each client has received, and a full stop.
 */
#include <inttypes.h>

#include "console_rig.h"

#define LINE_BYTES 0x40000u

static struct rig rig;
static char line[LINE_BYTES];

static uint32_t nibble(char digit)
{
    return (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* Decodes hexadecimal digits in place. How many bytes they are. */
static uint32_t decode(char *text)
{
    uint32_t count = 0;
    for (; text[2 * count] != '\0'; count++) {
        text[count] = (char)(nibble(text[2 * count]) << 4 | nibble(text[2 * count + 1]));
    }
    return count;
}

static void say(const char *what, const char *bytes, uint32_t size_bytes)
{
    printf("%s ", what);
    for (uint32_t i = 0; i < size_bytes; i++) {
        printf("%02x", (unsigned)(uint8_t)bytes[i]);
    }
    printf("\n");
}

static char *word(void)
{
    char *found = strtok(NULL, " \n");
    CHECK(found != NULL);
    return found;
}

static void do_one(char letter)
{
    if (letter == 'W') {
        const uint32_t client = (uint32_t)strtoul(word(), NULL, 10);
        char *bytes = word();
        const uint32_t count = decode(bytes);
        printf("W %" PRIu32 "\n", rig_put(&rig.writers[client], bytes, count));
    } else if (letter == 'T') {
        char *bytes = word();
        const uint32_t count = decode(bytes);
        printf("T %" PRIu32 "\n", rig_put(&rig.typed, bytes, count));
    } else if (letter == 'P') {
        rig_step(&rig);
    } else if (letter == 'D') {
        if (rig_send(&rig, (uint32_t)strtoul(word(), NULL, 10))) {
            rig_step(&rig);
        }
    } else {
        rig_settle(&rig);
    }
}

static void run(void)
{
    char *first = strtok(line, " \n");
    rig_start(&rig, (uint32_t)strtoul(first, NULL, 10));
    for (char *letter = strtok(NULL, " \n"); letter != NULL; letter = strtok(NULL, " \n")) {
        do_one(*letter);
    }
    say("S", rig.shown, rig.shown_bytes);
    for (uint32_t client = ANN; client <= BOB; client++) {
        const uint32_t filled = serial_filled(&rig.readers[client]);
        char name[8];
        (void)snprintf(name, sizeof(name), "I %u", (unsigned)client);
        say(name, rig_heard(&rig, (enum rig_client)client), filled);
    }
    printf(".\n");
    fflush(stdout);
}

int main(void)
{
    while (fgets(line, sizeof(line), stdin) != NULL) {
        run();
    }
    return 0;
}
