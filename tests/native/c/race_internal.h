/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of race_parties.h share. */
#pragma once

#include <sdfgen/block_config.h>

#include "race_parties.h"

#define RACE_CAPACITY 64u /* of any queue at most */
#define RACE_CELLS 96u    /* blocks of the client's data region */

/* Channels of the virtualiser; a VMM's bits, and a guest's. */
enum { CHANNEL_CLIENT, CHANNEL_DRIVER };
enum { VMM_BLOCK = 1, VMM_TRAP = 2, VMM_KICK = 4, VMM_EXIT = 8 };
enum { GUEST_IRQ = 1, GUEST_REPLY = 2 };

struct race_queues {
    union {
        struct sddf_blk_storage_info info;
        struct sdfgen_block_storage storage; /* of a guest's disk */
    };
    _Alignas(8) uint8_t requests[SDDF_BLK_REQUEST_QUEUE_BYTES(RACE_CAPACITY)];
    _Alignas(8) uint8_t responses[SDDF_BLK_RESPONSE_QUEUE_BYTES(RACE_CAPACITY)];
};

extern struct race_queues race_client_queues;
extern uint8_t race_data[RACE_CELLS][SDDF_BLK_BLOCK_BYTES];

/* What a block of the disk holds at its start. */
static inline uint64_t race_content(uint64_t block)
{
    return block * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* The client's table. */
struct block_client_config race_client_config(const struct scenario *scenario);

/* A native client. */
void race_native_set_up(const struct scenario *scenario, uint32_t requests);
void race_native_body(void);
bool race_native_done(void);
void race_native_describe(void);

/* A VMM, and its guest. */
void race_vmm_set_up(const struct scenario *scenario, uint32_t requests);
void race_vmm_body(void);
void race_guest_body(void);
bool race_guest_done(void);
void race_guest_describe(void);

/* Ends the test. */
_Noreturn void race_fail(const char *what);
