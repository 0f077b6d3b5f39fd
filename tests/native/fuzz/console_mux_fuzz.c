/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile clients and a hostile UART driver around the multiplexer: queues that are written, read, and whose indices
 * are any numbers at any time.
 *
 * An input is a list of acts, each a byte that says which and its operands.
 */
#include "../c/console_rig.h"
#include "fuzz_input.h"

#define MOST_RUN 600u

static struct rig rig;
static struct fuzz_memory rewritten = { rig.tx[BOB].data, RIG_BYTES };
static bool asked; /* for full screen, perhaps */
static bool lied;  /* about indices of the driver's queues: what is in them may be anything then */

static void write_some(struct fuzz_input *input)
{
    const uint64_t client = fuzz_take(input, 1) % RIG_CLIENTS;
    char text[8];
    const uint32_t count = (uint32_t)fuzz_take(input, 1) % sizeof(text);
    for (uint32_t i = 0; i < count; i++) {
        text[i] = (char)fuzz_take(input, 1);
    }
    (void)rig_put(&rig.writers[client], text, count);
}

static void write_run(struct fuzz_input *input)
{
    const uint64_t client = fuzz_take(input, 1) % RIG_CLIENTS;
    const char byte = (char)fuzz_take(input, 1);
    for (uint64_t left = fuzz_take(input, 2) % MOST_RUN; left > 0; left--) {
        (void)rig_put(&rig.writers[client], &byte, 1);
    }
}

static void type_some(struct fuzz_input *input)
{
    char text[4];
    const uint32_t count = (uint32_t)fuzz_take(input, 1) % sizeof(text);
    for (uint32_t i = 0; i < count; i++) {
        text[i] = (char)fuzz_take(input, 1);
        asked |= text[i] == 'f';
    }
    (void)rig_put(&rig.typed, text, count);
}

static void send_some(struct fuzz_input *input)
{
    (void)rig_send(&rig, (uint32_t)fuzz_take(input, 2));
}

static void hear(struct fuzz_input *input)
{
    (void)rig_heard(&rig, (enum rig_client)(fuzz_take(input, 1) % ANN_VMM));
}

static void lie(struct fuzz_input *input)
{
    struct wire *const wires[] = { &rig.tx[BOB], &rig.rx[BOB], &rig.keyboard, &rig.screen };
    struct wire *wire = wires[fuzz_take(input, 1) % 4];
    uint32_t *words = &wire->indices.tail;
    lied |= wire == &rig.screen || wire == &rig.keyboard;
    words[fuzz_take(input, 1) % 3] = (uint32_t)fuzz_take(input, 4);
}

/* Until the driver is gone, perhaps. */
static void wait(struct fuzz_input *input)
{
    rig.now_ms += fuzz_take(input, 2);
}

static void (*const acts[])(struct fuzz_input *input) = {
    write_some, write_run, type_some, send_some, hear, lie, wait,
};

/* In lines nothing reaches the terminal but text, tabs, line breaks and what takes a letter back. */
static void check_shown(void)
{
    for (uint32_t i = 0; i < rig.shown_bytes && !asked && !lied; i++) {
        const char byte = rig.shown[i];
        REQUIRE((byte >= ' ' && byte <= '~') || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\b');
    }
    rig.shown_bytes = 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    rig_start(&rig, 0);
    (void)fuzz_start_rewriting(&rewritten);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
    struct fuzz_input input = { bytes, size_bytes };
    rig_start(&rig, (uint32_t)fuzz_take(&input, 4));
    asked = lied = false;
    while (input.size_bytes > 0) {
        acts[fuzz_take(&input, 1) % (sizeof(acts) / sizeof(acts[0]))](&input);
        rig_step(&rig);
        check_shown();
        REQUIRE((rig.notified & ~(UINT64_C(3) | UINT64_C(3) << RIG_UART_CHANNEL)) == 0);
        REQUIRE(!rig.mux.gone || serial_room(&rig.writers[ANN]) == RIG_BYTES);
        REQUIRE(!rig.mux.rows[ANN].output.broken && !rig.mux.rows[ANN_VMM].output.broken);
    }
    return 0;
}
