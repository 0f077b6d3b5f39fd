/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of clients: checked, translated, answered. */
#pragma once

#include "block_virt_internal.h"

/* Looks at a client's queues, once a step, and takes what can be taken. */
void virt_client_look(struct block_virt *virt, uint32_t index);

/*
 * Looks again whether a client that is stalled has made room, and goes on with what was seen of its requests. True when
 * it had: then it is stalled no more, or something was taken.
 */
bool virt_client_find_room(struct block_virt *virt, uint32_t index);

/* Takes requests that were seen until one is ready to be handed on, or no more can be taken. */
void virt_client_refresh(struct block_virt *virt, uint32_t index);

/* Answers a request that was taken, asked for at that time. The client has room: it never owes more than it has. */
void virt_client_answer(struct block_virt *virt, uint32_t index, struct sddf_blk_response response, uint64_t asked_ms);

/* Says that a request has failed, with which the driver is not done. */
void virt_client_tell_late(struct block_virt *virt, uint32_t index, uint32_t id, uint64_t asked_ms);

/* Says that the driver is done with such a request. */
void virt_client_release_late(struct block_virt *virt, uint32_t index, uint32_t id);

/* Fails what waits to be handed on, or taken, and whose time is over, or whose data is a late request's by now. */
void virt_client_expire(struct block_virt *virt, uint32_t index);

/* Whether a client may have that done to the disk, as it is now. */
bool virt_client_may(const struct block_virt *virt, uint32_t index, const struct sddf_blk_request *request,
                     uint32_t flags);

/* Fails what was taken and not yet handed on, if it was meant for another disk or is no longer allowed. */
void virt_client_check_head(struct block_virt *virt, uint32_t index, bool same);
