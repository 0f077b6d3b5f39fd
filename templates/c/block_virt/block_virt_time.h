/* SPDX-License-Identifier: BSD-2-Clause */
/* By when requests have to be answered, and when somebody has to look whether they were. */
#pragma once

#include "block_virt_internal.h"

/* The deadline of what was asked for at that time. */
uint64_t virt_time_deadline(const struct block_virt *virt, uint64_t asked_ms);

/* Sees to it that there is a step when that time has come. */
void virt_time_want(struct block_virt *virt, uint64_t deadline_ms);

static inline bool virt_time_is_over(const struct block_virt *virt, uint64_t deadline_ms)
{
    return deadline_ms <= virt->now_ms;
}

/* Notes what was seen in a client's request queue just now: `filled` requests, all that it holds. */
void virt_time_note_arrivals(struct block_virt *virt, struct block_virt_session *session, uint32_t filled);

/* For so long what a client has first in line, and in its queue, has waited for nothing but the client itself. */
void virt_time_forgive(const struct block_virt *virt, struct block_virt_session *session, uint64_t waited_ms);

/* The deadline of the next request in a client's queue, which is not empty. */
uint64_t virt_time_next_deadline(struct block_virt *virt, struct block_virt_session *session);

/* When it was asked for, as known now: not earlier than it was. */
uint64_t virt_time_next_asked(const struct block_virt *virt, struct block_virt_session *session);

/* Notes how long was waited for an answer that is given now. */
void virt_time_note_wait(const struct block_virt *virt, struct block_virt_session *session, uint64_t asked_ms);
