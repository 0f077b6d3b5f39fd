/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose turn it is, and how much is with the driver at once. */
#include <string.h>

#include "block_virt_unit.h"

static void a_queue_is_published_and_notified_once(void)
{
    world_serve(2, 64);
    uint32_t notifications = world.driver_notifications;
    for (uint32_t i = 0; i < BLOCK_VIRT_SHARED_REQUESTS; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, i, 1, i));
        world_ask(1, ask(SDDF_BLK_READ, 0, i, 1, i));
    }
    CHECK(world_step() == DRIVER_NOTIFIED);
    CHECK(world_driver_work(UINT32_MAX) == 2 * BLOCK_VIRT_SHARED_REQUESTS);
    CHECK(world_step() == 3 && world_step() == 0);
    CHECK(world.driver_notifications == notifications + 1);
}

/* Client 0 keeps its queue full of the largest requests. */
static uint32_t flood(uint16_t count, uint32_t id)
{
    while (block_queue_room(&world.clients[0].requests.end) != 0) {
        world_ask(0, ask(SDDF_BLK_READ, 0, 0, count, id++));
    }
    while (!hears_nothing(0)) {
    }
    return id;
}

/* How many blocks of client 0's the driver does, one request at a time, until client 1 hears of its one request. */
static uint32_t blocks_before_an_answer(uint16_t flood_count, uint16_t queue_depth)
{
    struct sddf_blk_request request;
    uint32_t blocks = 0;
    world_set_up(2, 64);
    world.driver.info.queue_depth = queue_depth;
    world_begin();
    world_driver_ready();
    world_run();
    uint32_t id = flood(flood_count, 0);
    world_step();
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 7));
    while (hears_nothing(1) && blocks < 100000) {
        id = flood(flood_count, id);
        world_step();
        CHECK(world_driver_take(&request));
        blocks += request.io_or_offset >= world.clients[1].io_base ? 0 : request.block_count;
        world_driver_answer(request.id, SDDF_BLK_OK, request.block_count);
        world_step();
    }
    return blocks;
}

static void a_flood_delays_others_by_what_is_in_flight_and_a_turn(void)
{
    CHECK(blocks_before_an_answer(WORLD_DATA_BLOCKS, 0) <= WORLD_DATA_BLOCKS);
    CHECK(blocks_before_an_answer(WORLD_DATA_BLOCKS, 4) <= WORLD_DATA_BLOCKS);
    CHECK(blocks_before_an_answer(1, 0) <= WORLD_DATA_BLOCKS + BLOCK_VIRT_QUANTUM_BLOCKS);
    CHECK(blocks_before_an_answer(1, 4) <= 4 + BLOCK_VIRT_QUANTUM_BLOCKS);
    CHECK(blocks_before_an_answer(16, 1) <= 16 + BLOCK_VIRT_QUANTUM_BLOCKS);
}

static void turns_share_blocks_not_requests(void)
{
    static const uint16_t counts[] = { 1, 8, 32, 60 };
    uint32_t blocks[4] = { 0 };
    struct sddf_blk_request request;
    world_set_up(4, 512);
    world.driver.info.queue_depth = 2;
    world_begin();
    world_driver_ready();
    world_run();
    for (uint32_t done = 0; done < 4000;) {
        for (uint32_t i = 0; i < 4; i++) {
            while (block_queue_room(&world.clients[i].requests.end) != 0) {
                world_ask(i, ask(SDDF_BLK_READ, 0, 0, counts[i], 0));
            }
            while (!hears_nothing(i)) {
            }
        }
        world_step();
        while (world_driver_take(&request)) {
            blocks[(request.io_or_offset - world.clients[0].io_base) >> 28] += request.block_count;
            done += request.block_count;
            world_driver_answer(request.id, SDDF_BLK_OK, request.block_count);
        }
    }
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(blocks[i] >= 1000 - 120 && blocks[i] <= 1000 + 120);
    }
}

static void who_has_nothing_to_send_saves_nothing_up(void)
{
    struct sddf_blk_request request;
    world_set_up(2, 64);
    world.driver.info.queue_depth = 1;
    world_begin();
    world_driver_ready();
    world_run();
    for (uint32_t i = 0; i < 50; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, i));
        world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, i));
        world_run();
        CHECK(hears(0, i, SDDF_BLK_OK, 1) && hears(1, i, SDDF_BLK_OK, 1));
    }
    (void)flood(1, 0);
    world_step();
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 7));
    for (uint32_t i = 0; hears_nothing(1); i++) {
        CHECK(i <= 1 + BLOCK_VIRT_QUANTUM_BLOCKS);
        world_step();
        CHECK(world_driver_take(&request));
        world_driver_answer(request.id, SDDF_BLK_OK, request.block_count);
        world_step();
    }
}

static void a_driver_that_answers_without_taking_is_not_overrun(void)
{
    world_set_up(1, 64);
    world.config.driver.connection.queue_capacity = 4;
    world_begin();
    world_driver_ready();
    world_run();
    for (uint32_t i = 0; i < 8; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, i, 1, i));
    }
    world_step();
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t index = (world.driver_requests.end.own + i) % 4;
        world_driver_answer(world_requests(&world.driver)->buffers[index].id, SDDF_BLK_OK, 1);
    }
    CHECK(world_step() == 1 && hears(0, 0, SDDF_BLK_OK, 1));
    CHECK(block_queue_filled(&world.driver_requests.end) == 4 && block_virt_state(&world.virt) == BLOCK_VIRT_SERVE);
    CHECK(world_driver_work(UINT32_MAX) == 4 && block_virt_stray_responses(&world.virt) == 0);
    world_step();
    CHECK(block_virt_stray_responses(&world.virt) == 4 && world_driver_work(UINT32_MAX) == 4);
}

static void the_driver_gets_no_more_than_it_asked_for(void)
{
    world_set_up(2, 64);
    world.driver.info.queue_depth = 3;
    world_begin();
    world_driver_ready();
    world_run();
    for (uint32_t i = 0; i < 20; i++) {
        world_ask(i % 2, ask(SDDF_BLK_READ, 0, 0, 1, i));
    }
    for (uint32_t done = 0; done < 20; done += 2) {
        world_step();
        CHECK(block_queue_filled(&world.driver_requests.end) <= 3);
        CHECK(world_driver_work(2) == 2);
    }
    CHECK(driver_sees_nothing());
}

static void as_many_as_there_are_slots(void)
{
    world_serve(1, 512);
    for (uint32_t i = 0; i < 512; i++) {
        world_ask(0, ask(SDFGEN_BLOCK_DISCARD, 0, i, 1, i));
    }
    world_step();
    CHECK(world_driver_work(UINT32_MAX) == BLOCK_VIRT_MAX_IN_FLIGHT);
    world_run();
    for (uint32_t i = 0; i < 512; i++) {
        CHECK(hears(0, i, SDDF_BLK_OK, 1));
    }
}

static void a_client_has_its_regions_blocks_in_flight_at_most(void)
{
    world_serve(1, 64);
    for (uint32_t i = 0; i < 5; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, 0, 30, i));
    }
    world_step();
    CHECK(world_driver_work(UINT32_MAX) == 2);
    world_step();
    CHECK(world_driver_work(UINT32_MAX) == 2);
    world_step();
    CHECK(world_driver_work(UINT32_MAX) == 1);
}

static void a_full_response_queue_stalls_its_client_only(void)
{
    world_serve(2, 4);
    for (uint32_t i = 0; i < 4; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, i));
    }
    world_run();
    for (uint32_t i = 4; i < 8; i++) {
        world_ask(0, ask(i % 2 != 0 ? SDDF_BLK_READ : 99, 0, 0, 1, i));
    }
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_run();
    CHECK(hears(1, 1, SDDF_BLK_OK, 1));
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(hears(0, i, SDDF_BLK_OK, 1));
    }
    CHECK(hears_nothing(0));
    CHECK(block_virt_step_notified(&world.virt, UINT64_C(1) << 1, 0) != 0);
    world_run();
    CHECK(hears(0, 4, SDDF_BLK_ERR_INVALID_PARAM, 0) && hears(0, 6, SDDF_BLK_ERR_INVALID_PARAM, 0));
    CHECK(hears(0, 5, SDDF_BLK_OK, 1) && hears(0, 7, SDDF_BLK_OK, 1) && hears_nothing(0));
}

const struct unit_test block_virt_turns_tests[] = {
    UNIT_TEST(a_queue_is_published_and_notified_once),
    UNIT_TEST(a_flood_delays_others_by_what_is_in_flight_and_a_turn),
    UNIT_TEST(turns_share_blocks_not_requests),
    UNIT_TEST(who_has_nothing_to_send_saves_nothing_up),
    UNIT_TEST(a_driver_that_answers_without_taking_is_not_overrun),
    UNIT_TEST(the_driver_gets_no_more_than_it_asked_for),
    UNIT_TEST(as_many_as_there_are_slots),
    UNIT_TEST(a_client_has_its_regions_blocks_in_flight_at_most),
    UNIT_TEST(a_full_response_queue_stalls_its_client_only),
    { .name = NULL },
};
