/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_virt_client.h"

#include "block_virt_piece.h"

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

static void refuse(struct block_virt *virt, uint32_t index, uint32_t id, uint32_t status)
{
    virt->sessions[index].counters.refused++;
    virt_client_answer(virt, index, (struct sddf_blk_response) { .status = status, .id = id });
}

static void take_request(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    struct sddf_blk_request request;
    block_request_take(&session->requests, &request);
    uint32_t flags = op_flags(request.code);
    virt->taken |= bit(index);
    session->filled--;
    session->owed++;
    session->counters.requests++;
    virt->counted |= bit(index);
    virt_piece_note_busy(virt, index);
    if (!is_served(virt, session)) {
        refuse(virt, index, request.id, SDDF_BLK_ERR_NO_DEVICE);
    } else if ((flags & OP_BARRIER) != 0) {
        session->has_barrier = true;
        session->barrier_id = request.id;
    } else if (is_sound(session, &request, flags)) {
        translate(session, &request, flags);
    } else {
        refuse(virt, index, request.id, SDDF_BLK_ERR_INVALID_PARAM);
    }
}

/* A barrier is answered when nothing is in flight; whether anything more is taken now. */
static bool passes_barrier(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    if (session->has_barrier && session->in_flight == 0) {
        session->has_barrier = false;
        struct sddf_blk_response response = { .status = SDDF_BLK_OK, .id = session->barrier_id };
        virt_client_answer(virt, index, response);
    }
    return !session->has_barrier;
}

static void set_bit(uint64_t *mask, uint32_t index, bool value)
{
    *mask = value ? *mask | bit(index) : *mask & ~bit(index);
}

void virt_client_refresh(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    while (passes_barrier(virt, index) && !session->has_head && session->filled != 0
           && session->owed < session->room) {
        take_request(virt, index);
    }
    struct virt_piece piece;
    bool ready = virt_piece_next(virt, index, &piece);
    if (!ready) {
        session->credit_blocks = 0;
    }
    set_bit(&virt->ready, index, ready);
    set_bit(&virt->stalled, index, session->filled != 0 && session->owed >= session->room);
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
        virt_client_refresh(virt, index);
    }
}

bool virt_client_find_room(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    uint32_t room = block_queue_room(&session->responses.end);
    if (room <= session->owed) {
        return false;
    }
    session->room = room;
    virt_client_refresh(virt, index);
    return true;
}

void virt_client_answer(struct block_virt *virt, uint32_t index, struct sddf_blk_response response)
{
    struct block_virt_session *session = &virt->sessions[index];
    session->counters.errors += response.status != SDDF_BLK_OK;
    virt->counted |= bit(index);
    if (session->state != BLOCK_VIRT_CLIENT_CUT_OFF) {
        block_response_put(&session->responses, &response);
        session->room--;
        session->owed--;
        virt->answered |= bit(index);
    }
}

void virt_client_check_head(struct block_virt *virt, uint32_t index)
{
    struct block_virt_session *session = &virt->sessions[index];
    bool allowed = is_served(virt, session) && ((session->head.flags & OP_CHANGES) == 0 || !session->read_only);
    struct sddf_blk_response response;
    if (!session->has_head || allowed) {
        return;
    }
    virt->ready &= ~bit(index);
    session->counters.refused++;
    if (virt_piece_drop_head(virt, index, SDDF_BLK_ERR_NO_DEVICE, &response)) {
        virt_client_answer(virt, index, response);
    }
}
