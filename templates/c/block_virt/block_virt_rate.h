/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast a client's requests may be handed on: bytes and requests a second, each as the generic cell rate algorithm
 * has it. What is handed on moves the time at which all so far is paid for; more may be while that is near enough.
 */
#pragma once

#include "block_virt_internal.h"

/* The session's rates, from its config. */
void virt_rate_init(struct block_virt_session *session);

/*
 * Whether the client's head, which could be handed on otherwise, has to wait for its rate; then there is a step when it
 * has waited.
 */
bool virt_rate_holds(struct block_virt *virt, uint32_t index);

/* So many blocks of the session's head are handed on. */
void virt_rate_charge(const struct block_virt *virt, struct block_virt_session *session, uint32_t block_count);

/* For how long the client has waited for nothing but its rate does not count against its requests' deadlines. */
void virt_rate_forgive(struct block_virt *virt, uint32_t index);
