/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to the driver, and its answers. */
#pragma once

#include "block_virt_internal.h"

/* Looks once a step how much the driver's request queue could take. False when the driver broke the protocol. */
bool virt_driver_look(struct block_virt *virt);

/* Hands on what is ready, in turns, as far as the driver may have it. */
void virt_driver_serve(struct block_virt *virt);

/* Reads a block of the disk into the virtualiser's own data region; what comes of it is noted in `table_read`. */
void virt_driver_read_own(struct block_virt *virt, uint64_t block);

/* Takes the responses that are there. False when the driver broke the protocol. */
bool virt_driver_take_responses(struct block_virt *virt);

/* Fails with `status` what is with the driver, but for what it has not taken yet if `keep_queued`. */
void virt_driver_fail_in_flight(struct block_virt *virt, uint32_t status, bool keep_queued);
