/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parties of the block path, each the product's C where there is some: a client (a VMM with its virtio disk, or a
 * native one), the virtualiser, a driver that does what the UIO driver does, and a guest.
 */
#pragma once

#include "race_run.h"

struct scenario {
    const char *name;
    bool guest;              /* a guest behind a VMM; else a native client */
    bool event_idx;          /* of its ring */
    uint32_t ring_size;      /* two descriptors make a request */
    uint32_t queue_capacity; /* client's */
    uint32_t queue_depth;    /* what the driver asks for */
    uint32_t requests;
    bool exits; /* the VMM looks at the ring whenever the guest exits, which it does before it waits */
    bool owes; /* as its VMM knows at each notification: new requests wait for an exit */
    bool ids; /* the guest asks for the disk's id, which its VMM answers by itself, and kicks from another vCPU */
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

/* Brings all to where the disk is served and nothing has been asked, afresh each time. */
void parties_set_up(const struct scenario *scenario, uint32_t requests);

/* A party's life; it returns when it has nothing to do any more. NULL for one that is not there. */
typedef void party_body(void);
party_body *parties_body(enum party party);

/* Whether each request was answered, and with what it asked for. */
bool parties_done(void);

/* Who waits for what, on stderr. */
void parties_describe(void);
