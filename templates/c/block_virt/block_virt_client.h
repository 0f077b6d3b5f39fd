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

/* Answers a request that was taken. The client has room for it: it never owes more than that. */
void virt_client_answer(struct block_virt *virt, uint32_t index, struct sddf_blk_response response);

/* Fails what was taken and not yet handed on, if it is no longer allowed. */
void virt_client_check_head(struct block_virt *virt, uint32_t index);
