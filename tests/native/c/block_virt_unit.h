/* SPDX-License-Identifier: BSD-2-Clause */
/* What the virtualiser's unit tests say in one line, and their tables. */
#pragma once

#include <stdint.h>

#include "block_virt_world.h"
#include "unit.h"

#define BLOCK SDDF_BLK_BLOCK_BYTES
/* Client i's partition: as world_set_up lays them out. */
#define FIRST_BLOCK(client) (8u + 1000u * (client))
#define PARTITION_BLOCKS 1000u
#define DRIVER_NOTIFIED (UINT64_C(1) << WORLD_DRIVER_CHANNEL)

/* A file's tests; an entry without a name ends them. */
extern const struct unit_test block_virt_requests_tests[];
extern const struct unit_test block_virt_turns_tests[];
extern const struct unit_test block_virt_pieces_tests[];
extern const struct unit_test block_virt_hostile_tests[];
extern const struct unit_test block_virt_life_tests[];
extern const struct unit_test block_virt_time_tests[];
extern const struct unit_test block_virt_deaths_tests[];
extern const struct unit_test block_virt_rate_tests[];

static inline struct sddf_blk_request ask(uint32_t code, uint64_t offset, uint64_t block, uint16_t count, uint32_t id)
{
    return (struct sddf_blk_request) {
        .code = code, .io_or_offset = offset, .block_number = block, .block_count = count, .id = id,
    };
}

static inline bool hears(uint32_t client, uint32_t id, uint32_t status, uint16_t success_count)
{
    struct sddf_blk_response response;
    return world_hear(client, &response) && response.id == id && response.status == status
        && response.success_count == success_count;
}

static inline bool hears_nothing(uint32_t client)
{
    struct sddf_blk_response response;
    return !world_hear(client, &response);
}

static inline bool driver_sees(uint32_t code, uint64_t io_address, uint64_t block, uint16_t count, uint32_t *id)
{
    struct sddf_blk_request request;
    bool seen = world_driver_take(&request) && request.code == code && request.io_or_offset == io_address
        && request.block_number == block && request.block_count == count;
    *id = request.id;
    return seen;
}

static inline bool driver_sees_nothing(void)
{
    struct sddf_blk_request request;
    return !world_driver_take(&request);
}

static inline void changes_are_refused(uint32_t client)
{
    static const uint32_t codes[] = { SDDF_BLK_WRITE, SDFGEN_BLOCK_DISCARD, SDFGEN_BLOCK_WRITE_ZEROES };
    for (uint32_t i = 0; i < 3; i++) {
        world_ask(client, ask(codes[i], 0, 0, 1, i));
        world_run();
        CHECK(hears(client, i, SDDF_BLK_ERR_INVALID_PARAM, 0));
    }
    world_ask(client, ask(SDDF_BLK_READ, 0, 0, 1, 3));
    world_ask(client, ask(SDDF_BLK_FLUSH, 0, 0, 0, 4));
    world_run();
    CHECK(hears(client, 3, SDDF_BLK_OK, 1) && hears(client, 4, SDDF_BLK_OK, 0));
}

/* Client 1 asks for more than a shallow one has, and hears of it: client 0 is beside a busy one that is none. */
static inline void share(void)
{
    for (uint32_t id = 0; id <= BLOCK_VIRT_SHALLOW_PIECES; id++) {
        world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, id));
    }
    world_run();
    for (uint32_t id = 0; id <= BLOCK_VIRT_SHALLOW_PIECES; id++) {
        CHECK(hears(1, id, SDDF_BLK_OK, 1));
    }
}
