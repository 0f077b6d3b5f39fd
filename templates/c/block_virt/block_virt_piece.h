/* SPDX-License-Identifier: BSD-2-Clause */
/* How much of a client's request may be handed on next, and what has become of the pieces before. */
#pragma once

#include "block_virt_internal.h"

/* The next piece of what a client has first in line. */
struct virt_piece {
    uint16_t block_count;
    uint32_t data_blocks; /* that it moves */
    uint32_t cost_blocks; /* against the client's credit */
};

void virt_piece_init(struct block_virt *virt);

/* The client has asked for something. */
void virt_piece_note_busy(struct block_virt *virt, uint32_t index);

/* How much it wants to have with the driver may have changed. */
void virt_piece_note_depth(struct block_virt *virt, uint32_t index);

/* What a client may have served in one turn. */
static inline uint32_t virt_piece_turn_blocks(const struct block_virt *virt, uint32_t index)
{
    return virt->sessions[index].weight * BLOCK_VIRT_QUANTUM_BLOCKS;
}

/* Whether a piece of the client's head may be handed on when its turn comes; then, which. */
bool virt_piece_next(const struct block_virt *virt, uint32_t index, struct virt_piece *piece);

/* It is handed on in that slot, whose client, whole, first, offset, data_blocks and flags are filled in. */
void virt_piece_hand_on(struct block_virt *virt, uint32_t index, const struct virt_piece *piece,
                        struct block_virt_slot *slot);

/* What becomes of a request with one of its pieces. */
enum virt_piece_end {
    VIRT_PIECE_GOES_ON,
    VIRT_PIECE_ANSWERS,  /* all of it was done, or it failed and nothing of it is with the driver any more */
    VIRT_PIECE_RELEASES, /* it was answered while it was with the driver, which is done with it now */
};

/* The client's piece was answered, as that slot says; with the ends of its request, `response` is that one's. */
enum virt_piece_end virt_piece_done(struct block_virt *virt, uint32_t index, const struct block_virt_slot *slot,
                                    uint32_t status, uint16_t success_count, struct sddf_blk_response *response);

/* The time of the client's piece is over while the driver has it. True the first time for its request, of that id. */
bool virt_piece_be_late(struct block_virt *virt, uint32_t index, struct block_virt_slot *slot, uint32_t *id);

/* Drops the client's head. True when it is to be answered with `response` now, which `status` is in. */
bool virt_piece_drop_head(struct block_virt *virt, uint32_t index, uint32_t status, struct sddf_blk_response *response);
