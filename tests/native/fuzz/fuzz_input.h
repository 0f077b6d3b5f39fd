/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fuzzer's input as a program, and a thread that rewrites a guest's memory while it runs: only with FUZZ_REWRITE in
 * the environment, since what it finds can't be replayed. None is expected to be found.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <sdfgen/shared.h>

#define REQUIRE(condition) ((condition) ? (void)0 : abort())

/* The input; zeroes follow it. */
struct fuzz_input {
    const uint8_t *bytes;
    size_t size_bytes;
};

static inline uint64_t fuzz_take(struct fuzz_input *input, uint32_t width_bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < width_bytes && input->size_bytes > 0; i++) {
        value |= (uint64_t)*input->bytes++ << 8 * i;
        input->size_bytes--;
    }
    return value;
}

/* Memory that another thread rewrites. Its size is a power of two. */
struct fuzz_memory {
    uint8_t *bytes;
    uint32_t size_bytes;
};

static inline void *fuzz_rewrite(void *argument)
{
    const struct fuzz_memory *memory = argument;
    uint64_t random = 88172645463325252u;
    for (;;) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        shared_store_u8(&memory->bytes[random >> 40 & (memory->size_bytes - 1)], (uint8_t)random);
    }
    return NULL;
}

/* Whether memory is rewritten meanwhile: then nothing that depends on it can be required. */
static inline bool fuzz_start_rewriting(struct fuzz_memory *memory)
{
    pthread_t thread;
    if (getenv("FUZZ_REWRITE") == NULL) {
        return false;
    }
    REQUIRE(pthread_create(&thread, NULL, fuzz_rewrite, memory) == 0);
    return true;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);
