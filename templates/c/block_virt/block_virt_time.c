/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_virt_time.h"

#define MARKS BLOCK_VIRT_ARRIVAL_MARKS

_Static_assert((MARKS & (MARKS - 1)) == 0, "the marks are a ring");

uint64_t virt_time_deadline(const struct block_virt *virt, uint64_t asked_ms)
{
    uint32_t timeout_ms = virt->config->timeout_ms;
    bool never = timeout_ms == 0 || asked_ms > BLOCK_VIRT_NEVER - timeout_ms;
    return never ? BLOCK_VIRT_NEVER : asked_ms + timeout_ms;
}

void virt_time_want(struct block_virt *virt, uint64_t deadline_ms)
{
    if (deadline_ms < virt->wake_ms) {
        virt->wake_ms = deadline_ms;
    }
}

/* Requests that came soon after others share their time: so they are answered a little earlier than need be. */
static bool is_soon(const struct block_virt *virt, const struct block_virt_arrivals *arrivals)
{
    const struct block_virt_arrival *last = &arrivals->marks[(arrivals->first + arrivals->count - 1) % MARKS];
    return arrivals->count == MARKS || virt->now_ms - last->seen_ms < virt->config->timeout_ms / MARKS;
}

/* Before the position: a distance of half the numbers there are is backwards. */
static bool is_before(uint32_t position, uint32_t end)
{
    return (int32_t)(end - position) > 0;
}

/* The mark of the next request that is not taken yet, if it has one: those of what was taken are dropped. */
static const struct block_virt_arrival *next_mark(struct block_virt_session *session)
{
    struct block_virt_arrivals *arrivals = &session->arrivals;
    uint32_t position = session->requests.end.own;
    while (arrivals->count != 0 && !is_before(position, arrivals->marks[arrivals->first % MARKS].end)) {
        arrivals->first++;
        arrivals->count--;
    }
    return arrivals->count != 0 ? &arrivals->marks[arrivals->first % MARKS] : NULL;
}

void virt_time_note_arrivals(struct block_virt *virt, struct block_virt_session *session, uint32_t filled)
{
    struct block_virt_arrivals *arrivals = &session->arrivals;
    uint32_t end = session->requests.end.own + filled;
    if (end == arrivals->end || virt->config->timeout_ms == 0) {
        return;
    }
    arrivals->end = end;
    if (next_mark(session) == NULL || !is_soon(virt, arrivals)) {
        arrivals->marks[(arrivals->first + arrivals->count) % MARKS].seen_ms = virt->now_ms;
        arrivals->count++;
    }
    struct block_virt_arrival *last = &arrivals->marks[(arrivals->first + arrivals->count - 1) % MARKS];
    last->last_ms = virt->now_ms;
    last->end = end;
}

static uint64_t later(uint64_t time_ms, uint64_t by_ms, uint64_t most_ms)
{
    return time_ms >= most_ms || by_ms >= most_ms - time_ms ? most_ms : time_ms + by_ms;
}

/* What came while it waited has waited since it came, so none is seen later than now. */
void virt_time_forgive(const struct block_virt *virt, struct block_virt_session *session, uint64_t waited_ms)
{
    struct block_virt_arrivals *arrivals = &session->arrivals;
    session->head.deadline_ms = later(session->head.deadline_ms, waited_ms, BLOCK_VIRT_NEVER);
    for (uint32_t i = 0; i < arrivals->count; i++) {
        struct block_virt_arrival *mark = &arrivals->marks[(arrivals->first + i) % MARKS];
        mark->seen_ms = later(mark->seen_ms, waited_ms, virt->now_ms);
    }
}

uint64_t virt_time_next_deadline(struct block_virt *virt, struct block_virt_session *session)
{
    const struct block_virt_arrival *mark = next_mark(session);
    return virt_time_deadline(virt, mark != NULL ? mark->seen_ms : virt->now_ms);
}

uint64_t virt_time_next_asked(const struct block_virt *virt, struct block_virt_session *session)
{
    const struct block_virt_arrival *mark = next_mark(session);
    return mark != NULL ? mark->last_ms : virt->now_ms;
}

void virt_time_note_wait(const struct block_virt *virt, struct block_virt_session *session, uint64_t asked_ms)
{
    uint64_t waited_ms = virt->now_ms - asked_ms;
    if (waited_ms > session->counters.longest_wait_ms) {
        session->counters.longest_wait_ms = waited_ms;
    }
}
