/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_virt_rate.h"

#include "block_virt_time.h"

#define MS_IN_SECOND 1000u
#define NS_IN_MS UINT64_C(1000000)
#define NS_IN_SECOND UINT64_C(1000000000)
/* Who had to wait goes on when half a burst may go: with fewer wakes, and with no loss when one of them is late. */
#define RESUME_MS (BLOCK_VIRT_BURST_MS / 2)

_Static_assert(MS_IN_SECOND % BLOCK_VIRT_BURST_MS == 0, "bursts in a second");
_Static_assert(BLOCK_VIRT_ONLY_PIECE_BLOCKS <= UINT64_MAX / SDDF_BLK_BLOCK_BYTES / NS_IN_SECOND,
               "what the largest piece costs is computed in 64 bits");

/* The largest piece is a burst's. */
static uint32_t piece_blocks(uint64_t bandwidth)
{
    const uint64_t blocks = bandwidth / SDDF_BLK_BLOCK_BYTES / (MS_IN_SECOND / BLOCK_VIRT_BURST_MS);
    if (bandwidth == 0 || blocks > BLOCK_VIRT_ONLY_PIECE_BLOCKS) {
        return BLOCK_VIRT_ONLY_PIECE_BLOCKS;
    }
    return blocks != 0 ? (uint32_t)blocks : 1;
}

void virt_rate_init(struct block_virt_session *session)
{
    session->rate = (struct block_virt_rate) {
        .bandwidth = session->config->bandwidth,
        .iops = session->config->iops,
        .piece_blocks = piece_blocks(session->config->bandwidth),
    };
}

static void charge(struct block_virt_due *due, uint64_t now_ms, uint64_t cost_ns)
{
    if (due->ms < now_ms) {
        *due = (struct block_virt_due) { .ms = now_ms };
    }
    const uint64_t ns = due->ns + cost_ns;
    const uint64_t ms = ns / NS_IN_MS;
    if (ms < BLOCK_VIRT_NEVER - due->ms) {
        *due = (struct block_virt_due) { .ms = due->ms + ms, .ns = (uint32_t)(ns % NS_IN_MS) };
    } else {
        *due = (struct block_virt_due) { .ms = BLOCK_VIRT_NEVER };
    }
}

static bool is_begun(const struct block_virt_session *session)
{
    return session->head.whole != BLOCK_VIRT_NO_WHOLE;
}

void virt_rate_charge(const struct block_virt *virt, struct block_virt_session *session, uint32_t block_count)
{
    struct block_virt_rate *rate = &session->rate;
    const uint64_t bandwidth = rate->bandwidth;
    const uint32_t iops = rate->iops;
    if (bandwidth != 0) {
        const uint64_t bytes = (uint64_t)block_count * SDDF_BLK_BLOCK_BYTES;
        charge(&rate->bytes, virt->now_ms, bytes * NS_IN_SECOND / bandwidth);
    }
    if (iops != 0 && !is_begun(session)) {
        charge(&rate->requests, virt->now_ms, NS_IN_SECOND / iops);
    }
}

static uint64_t round_up(const struct block_virt_due *due)
{
    return due->ms + (due->ns != 0);
}

/* When all that counts against the next piece is paid for. A request counts once. */
static uint64_t due_ms(const struct block_virt_session *session)
{
    const uint64_t bytes_ms = round_up(&session->rate.bytes);
    const uint64_t requests_ms = round_up(&session->rate.requests);
    return is_begun(session) || requests_ms < bytes_ms ? bytes_ms : requests_ms;
}

bool virt_rate_holds(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    const uint64_t ahead_ms = (virt->limited & bit(index)) != 0 ? RESUME_MS : BLOCK_VIRT_BURST_MS;
    const uint64_t due = due_ms(session);
    if (due <= virt->now_ms || due - virt->now_ms <= ahead_ms) {
        return false;
    }
    session->rate.since_ms = virt->now_ms;
    session->rate.until_ms = due - RESUME_MS;
    virt_time_want(virt, session->rate.until_ms);
    return true;
}

/* What it waits beyond its rate's time it waits for others. */
void virt_rate_forgive(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    struct block_virt_rate *rate = &session->rate;
    const uint64_t end_ms = rate->until_ms < virt->now_ms ? rate->until_ms : virt->now_ms;
    if ((virt->limited & bit(index)) != 0 && end_ms > rate->since_ms) {
        virt_time_forgive(virt, session, end_ms - rate->since_ms);
        rate->since_ms = end_ms;
    }
}
