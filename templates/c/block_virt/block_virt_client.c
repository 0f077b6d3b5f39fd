/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_virt_client.h"

#include "block_virt_piece.h"
#include "block_virt_rate.h"
#include "block_virt_slots.h"
#include "block_virt_time.h"

static uint32_t op_flags(uint32_t code)
{
    static const uint8_t sddf[] = {
        [SDDF_BLK_READ] = OP_DATA | OP_FILLS | OP_RANGE,
        [SDDF_BLK_WRITE] = OP_DATA | OP_RANGE | OP_CHANGES,
        [SDDF_BLK_FLUSH] = 0,
        [SDDF_BLK_BARRIER] = OP_BARRIER,
    };
    static const uint8_t extended[] = {
        [SDFGEN_BLOCK_DISCARD - SDFGEN_BLOCK_DISCARD] = OP_RANGE | OP_CHANGES | OP_EXTENDED,
        [SDFGEN_BLOCK_WRITE_ZEROES - SDFGEN_BLOCK_DISCARD] = OP_RANGE | OP_CHANGES | OP_EXTENDED,
    };
    if (code < sizeof(sddf)) {
        return sddf[code];
    }
    code = code == SDFGEN_BLOCK_WRITE_ZEROES_UNMAP ? SDFGEN_BLOCK_WRITE_ZEROES : code; /* asks for the same here */
    return code - SDFGEN_BLOCK_DISCARD < sizeof(extended) ? extended[code - SDFGEN_BLOCK_DISCARD] : OP_UNKNOWN;
}

/* Without a sum or product that could wrap. */
static bool is_inside(uint64_t first_block, uint32_t block_count, uint64_t total_blocks)
{
    return block_count != 0 && block_count <= total_blocks && first_block <= total_blocks - block_count;
}

static bool is_sound(const struct block_virt_session *session, const struct sddf_blk_request *request, uint32_t flags)
{
    if ((flags & OP_UNKNOWN) != 0 || ((flags & OP_EXTENDED) != 0 && !session->extended)
        || ((flags & OP_CHANGES) != 0 && session->read_only)) {
        return false;
    }
    if ((flags & OP_RANGE) != 0 && !is_inside(request->block_number, request->block_count, session->block_count)) {
        return false;
    }
    return (flags & OP_DATA) == 0
        || (request->io_or_offset % SDDF_BLK_BLOCK_BYTES == 0
            && is_inside(request->io_or_offset / SDDF_BLK_BLOCK_BYTES, request->block_count, session->region_blocks));
}

/* A request that is sound, as the driver will see it. */
static void translate(struct block_virt_session *session, const struct sddf_blk_request *request, uint32_t flags)
{
    bool range = (flags & OP_RANGE) != 0;
    bool data = (flags & OP_DATA) != 0;
    struct block_virt_head *head = &session->head;
    head->request.code = request->code;
    head->request.io_or_offset = data ? session->io_base + request->io_or_offset : 0;
    head->request.block_number = range ? session->first_block + request->block_number : 0;
    head->request.block_count = range ? request->block_count : 0;
    head->request.id = request->id;
    head->offset_bytes = data ? request->io_or_offset : 0;
    head->flags = flags;
    head->whole = BLOCK_VIRT_NO_WHOLE;
    session->has_head = true;
}

static bool is_served(const struct block_virt *virt, const struct block_virt_session *session)
{
    return session->state == BLOCK_VIRT_CLIENT_SERVED && virt->state == BLOCK_VIRT_SERVE;
}

/* Responses that a request may get: one that has failed and is not done with gets another. */
static uint32_t answers_to(const struct block_virt_session *session)
{
    return session->resilient ? 2 : 1;
}

static bool has_room(const struct block_virt_session *session)
{
    return session->owed + answers_to(session) <= session->room;
}

static void refuse(struct block_virt *virt, uint32_t index, uint32_t id, uint32_t status, uint64_t asked_ms)
{
    virt->sessions[index].counters.refused++;
    virt_client_answer(virt, index, (struct sddf_blk_response) { .status = status, .id = id }, asked_ms);
}

/* Whether the driver may still move data of a request that its client was told has failed, where this one's is. */
static bool is_in_use(const struct block_virt *virt, uint32_t index, uint64_t offset_bytes, uint32_t block_count,
                      uint32_t flags)
{
    return (flags & OP_DATA) != 0 && virt_slots_late_moves(virt, index, offset_bytes, block_count);
}

/* A request that is sound waits for its turn until its deadline. */
static void queue_up(struct block_virt *virt, uint32_t index, const struct sddf_blk_request *request, uint32_t flags,
                     uint64_t asked_ms, uint64_t deadline_ms)
{
    struct block_virt_session *session = &virt->sessions[index];
    if (is_in_use(virt, index, request->io_or_offset, request->block_count, flags)) {
        refuse(virt, index, request->id, SDDF_BLK_ERR_IO, asked_ms);
        return;
    }
    translate(session, request, flags);
    session->head.asked_ms = asked_ms;
    session->head.deadline_ms = deadline_ms;
    virt_time_want(virt, deadline_ms);
}

/* A request that was there when the disk became another one. */
static bool take_stale(struct block_virt_session *session)
{
    bool stale = session->stale != 0;
    session->stale -= stale;
    return stale;
}

static void take_request(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    const uint64_t deadline_ms = virt_time_next_deadline(virt, session);
    const uint64_t asked_ms = virt_time_next_asked(virt, session);
    struct sddf_blk_request request;
    block_request_take(&session->requests, &request);
    uint32_t flags = op_flags(request.code);
    bool stale = take_stale(session);
    virt->taken |= bit(index);
    session->filled--;
    session->owed += answers_to(session);
    session->counters.requests++;
    virt->counted |= bit(index);
    virt_piece_note_busy(virt, index);
    if (virt_time_is_over(virt, deadline_ms)) {
        refuse(virt, index, request.id, SDDF_BLK_ERR_IO, asked_ms);
    } else if (!is_served(virt, session) || stale) {
        refuse(virt, index, request.id, SDDF_BLK_ERR_NO_DEVICE, asked_ms);
    } else if ((flags & OP_BARRIER) != 0) {
        session->has_barrier = true;
        session->barrier_id = request.id;
        session->barrier_asked_ms = asked_ms;
    } else if (is_sound(session, &request, flags)) {
        queue_up(virt, index, &request, flags, asked_ms, deadline_ms);
    } else {
        refuse(virt, index, request.id, SDDF_BLK_ERR_INVALID_PARAM, asked_ms);
    }
}

/* A barrier is answered when nothing is in flight but what has failed; whether anything more is taken now. */
static bool passes_barrier(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    if (session->has_barrier && session->in_flight == session->late) {
        session->has_barrier = false;
        struct sddf_blk_response response = { .status = SDDF_BLK_OK, .id = session->barrier_id };
        virt_client_answer(virt, index, response, session->barrier_asked_ms);
    }
    return !session->has_barrier;
}

static void set_bit(uint64_t *mask, uint32_t index, bool value)
{
    *mask = value ? *mask | bit(index) : *mask & ~bit(index);
}

/*
 * Requests wait in their queue while there is no driver, or no room for all of their answers, until their time is over:
 * then they have one answer.
 */
static bool may_take(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    if (session->filled == 0 || session->owed >= session->room) {
        return false;
    }
    bool no_driver = virt->state == BLOCK_VIRT_WAIT_DRIVER || virt->state == BLOCK_VIRT_READ_PARTITIONS;
    uint64_t deadline_ms = virt_time_next_deadline(virt, session);
    bool over = virt_time_is_over(virt, deadline_ms);
    bool waits = !over && (no_driver || !has_room(session));
    virt_time_want(virt, waits ? deadline_ms : BLOCK_VIRT_NEVER);
    return !waits;
}

void virt_client_refresh(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    virt_rate_forgive(virt, index);
    while (passes_barrier(virt, index) && !session->has_head && may_take(virt, index)) {
        take_request(virt, index);
    }
    virt_piece_note_depth(virt, index);
    struct virt_piece piece;
    bool ready = virt_piece_next(virt, index, &piece);
    bool held = session->has_head && virt_slots_late_changes(virt, &session->head);
    bool limited = ready && !held && virt_rate_holds(virt, index);
    if (!ready || limited) {
        session->credit_blocks = 0;
    }
    set_bit(&virt->held, index, held);
    set_bit(&virt->limited, index, limited);
    set_bit(&virt->ready, index, ready && !held && !limited);
    set_bit(&virt->stalled, index, session->filled != 0 && !has_room(session));
}

/* Nothing more of the head is handed on; its client is told when nothing is with the driver any more. */
static void refuse_head(struct block_virt *virt, uint32_t index, uint32_t status)
{
    struct sddf_blk_response response;
    virt->ready &= ~bit(index);
    virt->sessions[index].counters.refused++;
    if (virt_piece_drop_head(virt, index, status, &response)) {
        virt_client_answer(virt, index, response, virt->sessions[index].head.asked_ms);
    }
}

/* Its time is over, or what it would move data of has become late since it was taken. */
static bool has_failed(const struct block_virt *virt, uint32_t index)
{
    const struct block_virt_head *head = &virt->sessions[index].head;
    return virt_time_is_over(virt, head->deadline_ms)
        || is_in_use(virt, index, head->offset_bytes, head->request.block_count, head->flags);
}

void virt_client_expire(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    virt_rate_forgive(virt, index);
    if (session->has_head && has_failed(virt, index)) {
        refuse_head(virt, index, SDDF_BLK_ERR_IO);
    } else if (session->has_head) {
        virt_time_want(virt, session->head.deadline_ms);
    }
    virt_client_refresh(virt, index);
}

static void cut_off(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    struct sddf_blk_response unheard;
    session->state = BLOCK_VIRT_CLIENT_CUT_OFF;
    (void)virt_piece_drop_head(virt, index, SDDF_BLK_ERR_INVALID_PARAM, &unheard);
    session->has_barrier = false;
    session->filled = 0;
    session->counters.cut_offs++;
    virt->counted |= bit(index);
    virt->ready &= ~bit(index);
    virt->held &= ~bit(index);
    virt->limited &= ~bit(index);
    virt->stalled &= ~bit(index);
}

void virt_client_look(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    if (session->state == BLOCK_VIRT_CLIENT_CUT_OFF) {
        return;
    }
    session->filled = block_queue_filled(&session->requests.end);
    session->room = block_queue_room(&session->responses.end);
    if (session->requests.end.broken || session->responses.end.broken || session->room < session->owed) {
        cut_off(virt, index);
    } else {
        virt_time_note_arrivals(virt, session, session->filled);
        session->stale = session->other_disk ? session->filled : session->stale;
        session->other_disk = false;
        virt_client_refresh(virt, index);
    }
}

bool virt_client_find_room(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    uint32_t room = block_queue_room(&session->responses.end);
    if (room < session->owed + answers_to(session)) {
        return false;
    }
    session->room = room;
    virt_client_refresh(virt, index);
    return true;
}

/* Puts a response, after which fewer are owed. */
static void respond(struct block_virt *virt, uint32_t index, struct sddf_blk_response response, uint32_t owed)
{
    struct block_virt_session *session = &virt->sessions[index];
    virt->counted |= bit(index);
    if (session->state != BLOCK_VIRT_CLIENT_CUT_OFF) {
        block_response_put(&session->responses, &response);
        session->room--;
        session->owed -= owed;
        virt->answered |= bit(index);
    }
}

void virt_client_answer(struct block_virt *virt, uint32_t index, struct sddf_blk_response response, uint64_t asked_ms)
{
    virt->sessions[index].counters.errors += response.status != SDDF_BLK_OK;
    virt_time_note_wait(virt, &virt->sessions[index], asked_ms);
    respond(virt, index, response, answers_to(&virt->sessions[index]));
}

void virt_client_tell_late(struct block_virt *virt, uint32_t index, uint32_t id, uint64_t asked_ms)
{
    uint32_t status = virt->sessions[index].resilient ? SDFGEN_BLOCK_ERR_LATE : SDDF_BLK_ERR_IO;
    virt->sessions[index].counters.errors++;
    virt_time_note_wait(virt, &virt->sessions[index], asked_ms);
    respond(virt, index, (struct sddf_blk_response) { .status = status, .id = id }, 1);
}

void virt_client_release_late(struct block_virt *virt, uint32_t index, uint32_t id)
{
    if (virt->sessions[index].resilient) {
        respond(virt, index, (struct sddf_blk_response) { .status = SDDF_BLK_ERR_IO, .id = id }, 1);
    }
}

bool virt_client_may(const struct block_virt *virt, uint32_t index, const struct sddf_blk_request *request,
                     uint32_t flags)
{
    const struct block_virt_session *session = &virt->sessions[index];
    uint64_t first = request->block_number - session->first_block;
    return is_served(virt, session) && ((flags & OP_CHANGES) == 0 || !session->read_only)
        && ((flags & OP_RANGE) == 0 || is_inside(first, request->block_count, session->block_count));
}

void virt_client_check_head(struct block_virt *virt, uint32_t index, bool same)
{
    struct block_virt_session *session = &virt->sessions[index];
    const struct block_virt_head *head = &session->head;
    if (session->has_head && !(same && virt_client_may(virt, index, &head->request, head->flags))) {
        refuse_head(virt, index, SDDF_BLK_ERR_NO_DEVICE);
    }
}
