/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_virt_driver.h"

#include <sdfgen/cache.h>

#include "block_virt_client.h"
#include "block_virt_piece.h"

/* An id is the slot, in its lowest bits, and the slot's generation. */
#define SLOT_BITS 8u
#define SLOT_MASK (BLOCK_VIRT_MAX_IN_FLIGHT - 1)

_Static_assert(1u << SLOT_BITS == BLOCK_VIRT_MAX_IN_FLIGHT, "a slot index is the lowest bits of an id");

static uint32_t id_of(const struct block_virt *virt, uint32_t index)
{
    return virt->slots[index].generation << SLOT_BITS | index;
}

static bool may_forward(const struct block_virt *virt)
{
    return virt->in_flight < virt->depth && virt->driver_room != 0 && virt->free_count != 0;
}

/* The slots that are free, as a stack: never empty where one is taken. The remainders make that plain, at no cost. */
static uint32_t take_slot(struct block_virt *virt)
{
    virt->free_count--;
    return virt->free_slots[virt->free_count % BLOCK_VIRT_MAX_IN_FLIGHT];
}

static void free_slot(struct block_virt *virt, uint32_t index)
{
    virt->free_slots[virt->free_count % BLOCK_VIRT_MAX_IN_FLIGHT] = (uint8_t)index;
    virt->free_count++;
}

/* Puts a request under an id of the virtualiser's own; the caller fills in whose it is. */
static struct block_virt_slot *put(struct block_virt *virt, struct sddf_blk_request *request)
{
    uint32_t index = take_slot(virt);
    struct block_virt_slot *slot = &virt->slots[index];
    request->id = id_of(virt, index);
    slot->position = virt->driver_requests.end.own;
    slot->block_count = request->block_count;
    slot->live = true;
    block_request_put(&virt->driver_requests, request);
    virt->driver_room--;
    virt->in_flight++;
    if (virt->in_flight > virt->counters.most_in_flight) {
        virt->counters.most_in_flight = virt->in_flight;
    }
    virt->forwarded = true;
    return slot;
}

/* What a request of `flags` needs done to a cached mapping, before the driver has it and again after. */
static void prepare_cache(const struct block_virt_data_region *data, uint64_t offset_bytes, uint32_t block_count,
                          uint32_t flags)
{
    size_t size_bytes = (size_t)block_count * SDDF_BLK_BLOCK_BYTES;
    if (!data->cached || (flags & OP_DATA) == 0) {
        return;
    }
    if ((flags & OP_FILLS) != 0) {
        cache_clean_and_invalidate_range(data->vaddr + offset_bytes, size_bytes);
    } else {
        cache_clean_range(data->vaddr + offset_bytes, size_bytes);
    }
}

static void finish_cache(const struct block_virt_data_region *data, const struct block_virt_slot *slot)
{
    if (data->cached && (slot->flags & OP_FILLS) != 0) {
        size_t size_bytes = (size_t)slot->data_blocks * SDDF_BLK_BLOCK_BYTES;
        cache_clean_and_invalidate_range(data->vaddr + slot->offset_bytes, size_bytes);
    }
}

static void forward(struct block_virt *virt, uint32_t client, const struct virt_piece *piece)
{
    const struct block_virt_session *session = &virt->sessions[client];
    const struct block_virt_head *head = &session->head;
    struct sddf_blk_request request = head->request;
    request.block_count = piece->block_count;
    prepare_cache(&session->config->data, head->offset_bytes, piece->data_blocks, head->flags);
    virt_piece_hand_on(virt, client, piece, put(virt, &request));
    virt_client_refresh(virt, client);
}

void virt_driver_read_own(struct block_virt *virt, uint64_t block)
{
    struct sddf_blk_request request = {
        .code = SDDF_BLK_READ, .io_or_offset = virt->driver_io_base, .block_number = block, .block_count = 1,
    };
    if (may_forward(virt)) {
        prepare_cache(&virt->config->driver.data, 0, 1, OP_DATA | OP_FILLS);
        struct block_virt_slot *slot = put(virt, &request);
        slot->client = BLOCK_VIRT_OWN;
        slot->flags = OP_DATA | OP_FILLS;
        slot->offset_bytes = 0;
        slot->data_blocks = 1;
        virt->table_read_in_flight = true;
    }
}

/* The next one after the present turn that is ready; `ready` is not 0. */
static uint32_t next_ready(const struct block_virt *virt)
{
    uint64_t later = virt->ready & ~(bit(virt->turn + 1) - 1);
    uint64_t mask = later != 0 ? later : virt->ready;
    return take_client(virt, &mask);
}

bool virt_driver_look(struct block_virt *virt)
{
    virt->driver_room = block_queue_room(&virt->driver_requests.end);
    return !virt->driver_requests.end.broken;
}

void virt_driver_serve(struct block_virt *virt)
{
    while (virt->ready != 0 && may_forward(virt)) {
        if (!virt->in_turn || (virt->ready & bit(virt->turn)) == 0) {
            virt->turn = next_ready(virt);
            virt->sessions[virt->turn].credit_blocks += BLOCK_VIRT_QUANTUM_BLOCKS;
            virt->in_turn = true;
        }
        struct virt_piece piece;
        if (!virt_piece_next(virt, virt->turn, &piece)) {
            virt_client_refresh(virt, virt->turn);
        } else if (virt->sessions[virt->turn].credit_blocks >= piece.cost_blocks) {
            forward(virt, virt->turn, &piece);
        } else {
            virt->in_turn = false;
        }
    }
}

/* Frees the slot of a request and hands its answer to whom it belongs. */
static void complete(struct block_virt *virt, uint32_t index, uint32_t status, uint16_t success_count)
{
    struct block_virt_slot *slot = &virt->slots[index];
    uint32_t client = slot->client;
    slot->live = false;
    slot->generation++;
    free_slot(virt, index);
    virt->in_flight--;
    if (client >= virt->client_count) { /* BLOCK_VIRT_OWN */
        finish_cache(&virt->config->driver.data, slot);
        virt->table_read_in_flight = false;
        bool done = status == SDDF_BLK_OK && success_count == 1;
        virt->table_read = done ? BLOCK_VIRT_TABLE_READ_DONE : BLOCK_VIRT_TABLE_READ_FAILED;
        return;
    }
    const struct block_virt_session *session = &virt->sessions[client];
    struct sddf_blk_response response;
    finish_cache(&session->config->data, slot);
    virt->to_look |= bit(client);
    if (virt_piece_done(virt, slot, status, success_count, &response)) {
        virt_client_answer(virt, client, response);
    }
}

/* What a driver may answer to a request; anything else is no word of the protocol. */
static uint32_t known_status(uint32_t status, uint8_t flags)
{
    bool extended = status == SDFGEN_BLOCK_ERR_UNSUPPORTED && (flags & OP_EXTENDED) != 0;
    return status <= SDDF_BLK_ERR_NO_DEVICE || extended ? status : SDDF_BLK_ERR_UNSPEC;
}

static void take_response(struct block_virt *virt)
{
    struct sddf_blk_response response;
    block_response_take(&virt->driver_responses, &response);
    uint32_t index = response.id & SLOT_MASK;
    const struct block_virt_slot *slot = &virt->slots[index];
    uint16_t count = response.success_count < slot->block_count ? response.success_count : slot->block_count;
    uint32_t status = known_status(response.status, slot->flags);
    if (slot->live && response.id == id_of(virt, index)) {
        complete(virt, index, status, count);
    } else {
        virt->stray_responses++;
    }
}

bool virt_driver_take_responses(struct block_virt *virt)
{
    uint32_t filled = block_queue_filled(&virt->driver_responses.end);
    for (uint32_t i = 0; i < filled; i++) {
        take_response(virt);
    }
    virt->taken_responses |= filled != 0;
    return !virt->driver_responses.end.broken;
}

/* The driver has not taken it: it lies between the queue's head, loaded just now, and its tail. */
static bool is_queued(const struct block_virt *virt, const struct block_virt_slot *slot, uint32_t queued)
{
    return virt->driver_requests.end.own - slot->position <= queued;
}

void virt_driver_fail_in_flight(struct block_virt *virt, uint32_t status, bool keep_queued)
{
    const struct block_queue_end *end = &virt->driver_requests.end;
    uint32_t room = block_queue_room(&virt->driver_requests.end);
    uint32_t queued = keep_queued && !end->broken ? end->mask + 1 - room : 0;
    for (uint32_t i = 0; i < BLOCK_VIRT_MAX_IN_FLIGHT; i++) {
        if (virt->slots[i].live && !is_queued(virt, &virt->slots[i], queued)) {
            complete(virt, i, status, 0);
        }
    }
}
