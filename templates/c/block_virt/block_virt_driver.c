/* SPDX-License-Identifier: BSD-2-Clause */
#include "block_virt_driver.h"

#include <sdfgen/cache.h>

#include "block_virt_client.h"
#include "block_virt_piece.h"
#include "block_virt_slots.h"
#include "block_virt_time.h"

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
    return virt->in_flight - virt->again < virt->depth && virt->driver_room != 0;
}

/* Puts a slot's request under an id of the virtualiser's own. */
static void put(struct block_virt *virt, uint32_t index)
{
    struct block_virt_slot *slot = &virt->slots[index];
    slot->request.id = id_of(virt, index);
    slot->position = virt->driver_requests.end.own;
    block_request_put(&virt->driver_requests, &slot->request);
    virt->driver_room--;
    if (virt->in_flight - virt->again > virt->counters.most_in_flight) {
        virt->counters.most_in_flight = virt->in_flight - virt->again;
    }
    virt->forwarded = true;
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
    const uint32_t index = virt_slots_take(virt);
    struct block_virt_slot *slot = &virt->slots[index];
    prepare_cache(&session->config->data, head->offset_bytes, piece->data_blocks, head->flags);
    slot->request = head->request;
    slot->request.block_count = piece->block_count;
    slot->asked_ms = head->asked_ms;
    slot->deadline_ms = head->deadline_ms;
    virt_piece_hand_on(virt, client, piece, slot);
    put(virt, index);
    virt_client_refresh(virt, client);
}

void virt_driver_read_own(struct block_virt *virt, uint64_t block)
{
    if (!may_forward(virt) || virt->free_count == 0) {
        return;
    }
    uint32_t index = virt_slots_take(virt);
    struct block_virt_slot *slot = &virt->slots[index];
    prepare_cache(&virt->config->driver.data, 0, 1, OP_DATA | OP_FILLS);
    slot->request = (struct sddf_blk_request) {
        .code = SDDF_BLK_READ, .io_or_offset = virt->driver_io_base, .block_number = block, .block_count = 1,
    };
    slot->client = BLOCK_VIRT_OWN;
    slot->flags = OP_DATA | OP_FILLS;
    slot->offset_bytes = 0;
    slot->data_blocks = 1;
    slot->deadline_ms = BLOCK_VIRT_NEVER;
    put(virt, index);
    virt->table_read_in_flight = true;
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

/* In the order in which they were put at first. Caches are as they were: nobody but the driver has touched the data. */
static void hand_on_again(struct block_virt *virt)
{
    for (uint32_t i = virt->oldest, newer; i < BLOCK_VIRT_MAX_IN_FLIGHT && virt->again != 0 && may_forward(virt);
         i = newer) {
        newer = virt->slots[i].newer;
        if (virt->slots[i].again) {
            virt->slots[i].again = false;
            virt->again--;
            put(virt, i);
        }
    }
}

void virt_driver_serve(struct block_virt *virt)
{
    if (virt->state != BLOCK_VIRT_SERVE) {
        return;
    }
    hand_on_again(virt);
    while (virt->ready != 0 && virt->again == 0 && virt->free_count != 0 && may_forward(virt)) {
        if (!virt->in_turn || (virt->ready & bit(virt->turn)) == 0) {
            virt->turn = next_ready(virt);
            virt->sessions[virt->turn].credit_blocks += virt_piece_turn_blocks(virt, virt->turn);
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

static void complete_own(struct block_virt *virt, const struct block_virt_slot *slot, bool done)
{
    finish_cache(&virt->config->driver.data, slot);
    virt->table_read_in_flight = false;
    virt->table_read = done ? BLOCK_VIRT_TABLE_READ_DONE : BLOCK_VIRT_TABLE_READ_FAILED;
}

/* Frees the slot of a request and hands its answer to whom it belongs. */
static void complete(struct block_virt *virt, uint32_t index, uint32_t status, uint16_t success_count)
{
    const struct block_virt_slot *slot = &virt->slots[index];
    uint32_t client = slot->client;
    virt_slots_give(virt, index);
    if (client >= virt->client_count) { /* BLOCK_VIRT_OWN */
        complete_own(virt, slot, status == SDDF_BLK_OK && success_count == 1);
        return;
    }
    const struct block_virt_session *session = &virt->sessions[client];
    struct sddf_blk_response response = { .status = status };
    finish_cache(&session->config->data, slot);
    virt->to_look |= bit(client);
    if (slot->late) {
        virt->to_look |= virt->held;
    }
    switch (virt_piece_done(virt, client, slot, status, success_count, &response)) {
    case VIRT_PIECE_ANSWERS:
        virt_client_answer(virt, client, response, slot->asked_ms);
        break;
    case VIRT_PIECE_RELEASES:
        virt_client_release_late(virt, client, response.id);
        break;
    case VIRT_PIECE_GOES_ON:
        break;
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
    uint16_t most = slot->request.block_count;
    uint16_t count = response.success_count < most ? response.success_count : most;
    uint32_t status = known_status(response.status, slot->flags);
    if (slot->live && !slot->again && response.id == id_of(virt, index)) {
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

void virt_driver_fail_in_flight(struct block_virt *virt, uint32_t status)
{
    for (uint32_t i = virt->oldest, newer; i < BLOCK_VIRT_MAX_IN_FLIGHT; i = newer) {
        newer = virt->slots[i].newer;
        complete(virt, i, status, 0);
    }
}

uint32_t virt_driver_head(struct block_virt *virt)
{
    const struct block_queue_end *end = &virt->driver_requests.end;
    uint32_t room = block_queue_room(&virt->driver_requests.end);
    return end->broken ? end->own : end->own - (end->mask + 1 - room);
}

/* A distance from the tail: what was put longer ago than the request at `first`. */
static bool is_before(const struct block_virt *virt, const struct block_virt_slot *slot, uint32_t first)
{
    uint32_t own = virt->driver_requests.end.own;
    return own - slot->position > own - first;
}

void virt_driver_recall(struct block_virt *virt, uint32_t first)
{
    for (uint32_t i = virt->oldest, newer; i < BLOCK_VIRT_MAX_IN_FLIGHT; i = newer) {
        struct block_virt_slot *slot = &virt->slots[i];
        newer = slot->newer;
        if (slot->again || !is_before(virt, slot, first)) {
            continue;
        }
        if (slot->late || slot->client == BLOCK_VIRT_OWN) {
            complete(virt, i, SDDF_BLK_ERR_IO, 0);
        } else {
            slot->again = true;
            slot->generation++;
            virt->again++;
        }
    }
}

void virt_driver_check_recalled(struct block_virt *virt, uint32_t client, bool same)
{
    for (uint32_t i = virt->oldest, newer; i < BLOCK_VIRT_MAX_IN_FLIGHT && virt->again != 0; i = newer) {
        const struct block_virt_slot *slot = &virt->slots[i];
        newer = slot->newer;
        if (slot->again && slot->client == client
            && !(same && virt_client_may(virt, client, &slot->request, slot->flags))) {
            complete(virt, i, SDDF_BLK_ERR_NO_DEVICE, 0);
        }
    }
}

/* A driver that is gone moves no data: what it had is done with. */
static void expire(struct block_virt *virt, uint32_t index, uint32_t client)
{
    struct block_virt_slot *slot = &virt->slots[index];
    uint32_t id;
    if (slot->again) {
        complete(virt, index, SDDF_BLK_ERR_IO, 0);
        return;
    }
    virt->to_look |= bit(client);
    if (virt_piece_be_late(virt, client, slot, &id)) {
        virt_client_tell_late(virt, client, id, slot->asked_ms);
    }
}

void virt_driver_expire(struct block_virt *virt)
{
    for (uint32_t i = virt->oldest, newer; i < BLOCK_VIRT_MAX_IN_FLIGHT; i = newer) {
        const struct block_virt_slot *slot = &virt->slots[i];
        uint32_t client = slot->client;
        newer = slot->newer;
        if (slot->late || client >= virt->client_count) {
            continue;
        }
        if (virt_time_is_over(virt, slot->deadline_ms)) {
            expire(virt, i, client);
        } else {
            virt_time_want(virt, slot->deadline_ms);
        }
    }
}
