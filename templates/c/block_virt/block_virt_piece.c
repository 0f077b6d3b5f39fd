/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_virt_piece.h"

#include "block_virt_rate.h"

_Static_assert(BLOCK_VIRT_QUANTUM_BLOCKS <= BLOCK_VIRT_SHARED_BLOCKS, "a piece of any size can be handed on");
_Static_assert(BLOCK_VIRT_QUANTUM_BLOCKS <= BLOCK_VIRT_BESIDE_SHALLOW_BLOCKS, "likewise");
_Static_assert(BLOCK_VIRT_ALONE_PIECE_BLOCKS <= BLOCK_VIRT_ALONE_BLOCKS, "likewise");
_Static_assert(BLOCK_VIRT_ONLY_PIECE_BLOCKS <= UINT16_MAX, "the blocks of a piece fit into a request");
_Static_assert(BLOCK_VIRT_MAX_WHOLES < UINT16_MAX, "a number that is no whole's");

void virt_piece_init(struct block_virt *virt)
{
    virt->busy = (struct block_virt_recent) { 0 };
    virt->deep = (struct block_virt_recent) { 0 };
    virt->here = (struct block_virt_recent) { 0 };
    for (uint32_t i = 0; i < BLOCK_VIRT_MAX_WHOLES; i++) {
        virt->free_wholes[i] = (uint16_t)i;
        virt->wholes[i] = (struct block_virt_whole) { .closed = true };
    }
    virt->free_whole_count = BLOCK_VIRT_MAX_WHOLES;
}

/* ---- How much may be handed on ---- */

void virt_piece_note_busy(struct block_virt *virt, uint32_t index)
{
    virt->busy.now |= bit(index);
    virt->here.now |= bit(index);
}

/* With what is left of its head, in pieces of a turn, and the requests behind it. */
static bool is_deep(const struct block_virt_session *session)
{
    const uint32_t head_blocks = session->has_head ? session->head.request.block_count : 0;
    const uint32_t head_pieces = (head_blocks + BLOCK_VIRT_QUANTUM_BLOCKS - 1) / BLOCK_VIRT_QUANTUM_BLOCKS;
    return session->in_flight + head_pieces + session->filled > BLOCK_VIRT_SHALLOW_PIECES;
}

void virt_piece_note_depth(struct block_virt *virt, uint32_t index)
{
    virt->deep.now |= is_deep(&virt->sessions[index]) ? bit(index) : 0;
}

static void pass(struct block_virt_recent *recent, uint32_t amount, uint32_t most)
{
    recent->amount += amount;
    if (recent->amount >= most) {
        *recent = (struct block_virt_recent) { .before = recent->now };
    }
}

static void note_handed_on(struct block_virt *virt, uint32_t cost_blocks)
{
    pass(&virt->busy, cost_blocks, BLOCK_VIRT_BUSY_BLOCKS);
    pass(&virt->deep, cost_blocks, BLOCK_VIRT_BUSY_BLOCKS);
    pass(&virt->here, 1, BLOCK_VIRT_HERE_PIECES);
}

/* A bit for each other client of whom it is so. */
static uint64_t others_in(const struct block_virt_recent *recent, uint32_t index)
{
    return (recent->now | recent->before) & ~bit(index);
}

struct limits {
    uint32_t piece_blocks;
    uint32_t cost_blocks; /* of all that is in flight */
    uint32_t pieces;
};

static uint32_t smaller(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

static uint32_t larger(uint32_t one, uint32_t other)
{
    return one < other ? other : one;
}

/* Who has one request at a time waits for all that others have with the driver; who has many, only for his turns. */
static struct limits limits_beside(const struct block_virt *virt, uint32_t index)
{
    const uint32_t weight = virt->sessions[index].weight;
    if ((others_in(&virt->here, index) & ~others_in(&virt->deep, index)) != 0) {
        return (struct limits) {
            BLOCK_VIRT_QUANTUM_BLOCKS, weight * BLOCK_VIRT_BESIDE_SHALLOW_BLOCKS,
            weight * BLOCK_VIRT_BESIDE_SHALLOW_REQUESTS,
        };
    }
    return (struct limits) {
        BLOCK_VIRT_QUANTUM_BLOCKS, weight * BLOCK_VIRT_SHARED_BLOCKS, weight * BLOCK_VIRT_SHARED_REQUESTS,
    };
}

static struct limits limits_of(const struct block_virt *virt, uint32_t index)
{
    const uint32_t shared_blocks = virt->sessions[index].weight * BLOCK_VIRT_SHARED_BLOCKS;
    if (virt->client_count == 1) {
        return (struct limits) { BLOCK_VIRT_ONLY_PIECE_BLOCKS, UINT32_MAX, BLOCK_VIRT_MAX_IN_FLIGHT };
    }
    if (others_in(&virt->busy, index) != 0) {
        return limits_beside(virt, index);
    }
    return (struct limits) {
        BLOCK_VIRT_ALONE_PIECE_BLOCKS, larger(BLOCK_VIRT_ALONE_BLOCKS, shared_blocks), BLOCK_VIRT_MAX_IN_FLIGHT,
    };
}

static uint32_t cost_of(uint32_t flags, uint32_t block_count)
{
    return (flags & OP_RANGE) != 0 ? block_count : BLOCK_VIRT_QUANTUM_BLOCKS;
}

bool virt_piece_next(const struct block_virt *virt, uint32_t index, struct virt_piece *piece)
{
    const struct block_virt_session *session = &virt->sessions[index];
    const struct block_virt_head *head = &session->head;
    const struct limits limits = limits_of(virt, index);
    const uint32_t piece_blocks = smaller(limits.piece_blocks, session->rate.piece_blocks);
    piece->block_count = (uint16_t)smaller(head->request.block_count, piece_blocks);
    piece->data_blocks = (head->flags & OP_DATA) != 0 ? piece->block_count : 0;
    piece->cost_blocks = cost_of(head->flags, piece->block_count);
    return session->has_head && session->in_flight < limits.pieces
        && session->cost_blocks + piece->cost_blocks <= limits.cost_blocks
        && piece->data_blocks <= session->region_blocks - session->data_blocks;
}

/* ---- Whole requests ---- */

/* No number is out of bounds; that is plain anyway. */
static struct block_virt_whole *whole_of(struct block_virt *virt, uint16_t index)
{
    return &virt->wholes[index < BLOCK_VIRT_MAX_WHOLES ? index : 0];
}

/* There is one for each slot and each client's head: never empty where one is taken. */
static uint16_t take_whole(struct block_virt *virt, uint32_t client_id)
{
    virt->free_whole_count--;
    const uint16_t whole = virt->free_wholes[virt->free_whole_count % BLOCK_VIRT_MAX_WHOLES];
    *whole_of(virt, whole) = (struct block_virt_whole) {
        .client_id = client_id, .status = SDDF_BLK_OK, .done = UINT32_MAX,
    };
    return whole;
}

static void free_whole(struct block_virt *virt, uint16_t whole)
{
    virt->free_wholes[virt->free_whole_count % BLOCK_VIRT_MAX_WHOLES] = whole;
    virt->free_whole_count++;
}

/* True when it is over: then it is free again. */
static bool ends(struct block_virt *virt, uint16_t index, struct sddf_blk_response *response)
{
    const struct block_virt_whole *whole = whole_of(virt, index);
    const bool over = whole->closed && whole->pieces == 0;
    if (over) {
        const uint32_t done = whole->done < whole->handed_on ? whole->done : whole->handed_on;
        *response = (struct sddf_blk_response) {
            .status = whole->status, .success_count = (uint16_t)done, .id = whole->client_id,
        };
        free_whole(virt, index);
    }
    return over;
}

static void worsen(struct block_virt_whole *whole, uint32_t status)
{
    whole->status = status > whole->status ? status : whole->status;
    whole->closed |= status != SDDF_BLK_OK;
}

/* ---- Pieces ---- */

/* What is left of the head; true when something is. */
static bool shorten(struct block_virt_head *head, const struct virt_piece *piece)
{
    const uint64_t data_bytes = (uint64_t)piece->data_blocks * SDDF_BLK_BLOCK_BYTES;
    head->request.block_number += piece->block_count;
    head->request.block_count = (uint16_t)(head->request.block_count - piece->block_count);
    head->request.io_or_offset += data_bytes;
    head->offset_bytes += data_bytes;
    return head->request.block_count != 0;
}

void virt_piece_hand_on(struct block_virt *virt, uint32_t index, const struct virt_piece *piece,
                        struct block_virt_slot *slot)
{
    struct block_virt_session *session = &virt->sessions[index];
    struct block_virt_head *head = &session->head;
    virt_rate_charge(virt, session, piece->block_count);
    if (head->whole == BLOCK_VIRT_NO_WHOLE) {
        head->whole = take_whole(virt, head->request.id);
    }
    struct block_virt_whole *whole = whole_of(virt, head->whole);
    slot->client = (uint8_t)index;
    slot->whole = head->whole;
    slot->first = whole->handed_on;
    slot->flags = (uint8_t)head->flags;
    slot->offset_bytes = head->offset_bytes;
    slot->data_blocks = piece->data_blocks;
    whole->pieces++;
    whole->handed_on = (uint16_t)(whole->handed_on + piece->block_count);
    session->in_flight++;
    if (session->in_flight > session->counters.most_in_flight) {
        session->counters.most_in_flight = session->in_flight;
    }
    session->data_blocks += piece->data_blocks;
    session->cost_blocks += piece->cost_blocks;
    session->credit_blocks -= piece->cost_blocks;
    session->counters.blocks += piece->data_blocks;
    session->has_head = shorten(head, piece);
    whole->closed = !session->has_head;
    note_handed_on(virt, piece->cost_blocks);
    virt_piece_note_busy(virt, index);
}

/* Nothing more of a request that has failed is handed on. */
static void close_head(struct block_virt_session *session, const struct block_virt_whole *whole, uint16_t index)
{
    if (whole->closed && session->has_head && session->head.whole == index) {
        session->has_head = false;
    }
}

enum virt_piece_end virt_piece_done(struct block_virt *virt, uint32_t index, const struct block_virt_slot *slot,
                                    uint32_t status, uint16_t success_count, struct sddf_blk_response *response)
{
    struct block_virt_session *session = &virt->sessions[index];
    struct block_virt_whole *whole = whole_of(virt, slot->whole);
    const bool late = whole->late;
    session->in_flight--;
    session->late -= slot->late;
    session->data_blocks -= slot->data_blocks;
    session->cost_blocks -= cost_of(slot->flags, slot->request.block_count);
    whole->pieces--;
    if (success_count < slot->request.block_count && slot->first + (uint32_t)success_count < whole->done) {
        whole->done = slot->first + (uint32_t)success_count;
    }
    worsen(whole, status);
    close_head(session, whole, slot->whole);
    if (!ends(virt, slot->whole, response)) {
        return VIRT_PIECE_GOES_ON;
    }
    return late ? VIRT_PIECE_RELEASES : VIRT_PIECE_ANSWERS;
}

bool virt_piece_be_late(struct block_virt *virt, uint32_t index, struct block_virt_slot *slot, uint32_t *id)
{
    struct block_virt_session *session = &virt->sessions[index];
    struct block_virt_whole *whole = whole_of(virt, slot->whole);
    const bool first = !whole->late;
    slot->late = true;
    virt->late++;
    session->late++;
    whole->late = true;
    worsen(whole, SDDF_BLK_ERR_IO);
    close_head(session, whole, slot->whole);
    *id = whole->client_id;
    return first;
}

bool virt_piece_drop_head(struct block_virt *virt, uint32_t index, uint32_t status, struct sddf_blk_response *response)
{
    struct block_virt_session *session = &virt->sessions[index];
    const uint16_t whole = session->head.whole;
    const bool had = session->has_head;
    session->has_head = false;
    *response = (struct sddf_blk_response) { .status = status, .id = session->head.request.id };
    if (!had || whole == BLOCK_VIRT_NO_WHOLE) {
        return had;
    }
    worsen(whole_of(virt, whole), status);
    return ends(virt, whole, response);
}
