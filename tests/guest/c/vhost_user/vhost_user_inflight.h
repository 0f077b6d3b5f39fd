/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a back end that was killed leaves to the next one: which chains it had taken and not yet returned.
 *
 * QEMU keeps the memory (VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD), hands it to each back end in turn, and zeroes it when
 * the guest resets the device. Its content is the back end's own business. used.idx alone would not do: requests are
 * done in any order, so it says how many were returned, not which.
 *
 * Two records, the current one named last: wherever the process is killed, one of them is whole. A record is of some
 * moment before the death; what was returned after it is read from the used ring.
 */
#pragma once

#include <sdfgen/virtq.h>

struct inflight_record {
    uint16_t next_avail;
    uint16_t used;
    uint32_t heads[VIRTQ_MAX_SIZE / 32]; /* a bit per head taken and not returned */
};

struct inflight_area {
    uint32_t current; /* 0: nothing was ever taken; else one more than the index of the current record */
    struct inflight_record records[2];
};

/* Writes down what a queue has in flight. Before the guest is told of anything that was returned. */
void inflight_save(struct inflight_area *area, const struct virtq *queue);

/* Nothing is in flight: the queue was drained. */
void inflight_clear(struct inflight_area *area);

/*
 * Makes the ring such that a queue started at `geometry->start`, which is set here, takes again exactly the chains that
 * were in flight, and then what the guest made available since. To that end it writes their heads into the slots of the
 * available ring between used.idx and avail.idx: the driver has filled as many, and does not read them.
 * `count` says how many chains wait to be taken. False when ring and record contradict each other.
 */
bool inflight_recover(const struct inflight_area *area, const struct guest_ram *ram, struct virtq_geometry *geometry,
                      uint32_t *count);
