/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the driver, and its answers. */
#pragma once

#include "block_virt_internal.h"

/* Looks once a step how much the driver's request queue could take. False when the driver broke the protocol. */
bool virt_driver_look(struct block_virt *virt);

/* Hands on what an earlier driver had, and then what is ready, in turns, as far as the driver may have it. */
void virt_driver_serve(struct block_virt *virt);

/* Reads a block of the disk into the virtualiser's own data region; what comes of it is noted in `table_read`. */
void virt_driver_read_own(struct block_virt *virt, uint64_t block);

/* Takes the responses that are there. False when the driver broke the protocol. */
bool virt_driver_take_responses(struct block_virt *virt);

/* Fails with `status` whatever is in flight. */
void virt_driver_fail_in_flight(struct block_virt *virt, uint32_t status);

/*
 * The driver is gone, and another may come: what it had is to be handed to that one, but for requests that were
 * answered meanwhile. `first` is the position of the first request that it had not; those stay where they are.
 */
void virt_driver_recall(struct block_virt *virt, uint32_t first);

/* The first position that the driver has not taken. */
uint32_t virt_driver_head(struct block_virt *virt);

/* Fails what of a client's is to be handed to another driver, if it has another disk now or may no longer do that. */
void virt_driver_check_recalled(struct block_virt *virt, uint32_t client, bool same);

/* Answers what has been with the driver for too long. */
void virt_driver_expire(struct block_virt *virt);
