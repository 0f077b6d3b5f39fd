/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients and drivers whose indices make no sense, and addresses that were never patched in. */
#include <string.h>

#include "block_virt_unit.h"

/* One index of client 0's that makes no sense, while a request of its is in flight. */
static void cut_off_by(volatile uint32_t *word, uint32_t value)
{
    uint32_t id;
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_step();
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base, FIRST_BLOCK(0), 1, &id));
    *word = value;
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 2));
    world_step();
    CHECK(block_virt_client_state(&world.virt, 0) == BLOCK_VIRT_CLIENT_CUT_OFF);
    world_driver_answer(id, SDDF_BLK_OK, 1);
    CHECK(world_driver_work(UINT32_MAX) == 1);
    CHECK(world_step() == 2 && hears(1, 2, SDDF_BLK_OK, 1));
    *word = 0;
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 3));
    CHECK(world_step() == 0 && driver_sees_nothing());
    CHECK(block_virt_client_state(&world.virt, 1) == BLOCK_VIRT_CLIENT_SERVED);
}

static void a_client_with_a_wild_request_tail_is_cut_off(void)
{
    world_serve(2, 8);
    cut_off_by(&world_requests(&world.clients[0].shared)->tail, 100);
}

static void a_client_with_a_wild_response_head_is_cut_off(void)
{
    world_serve(2, 8);
    cut_off_by(&world_responses(&world.clients[0].shared)->head, 1);
}

static void a_client_that_takes_back_room_is_cut_off(void)
{
    world_serve(2, 8);
    for (uint32_t i = 0; i < 8; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, i));
        world_run();
        CHECK(hears(0, i, SDDF_BLK_OK, 1));
    }
    cut_off_by(&world_responses(&world.clients[0].shared)->head, 0);
}

static void a_driver_with_a_wild_index_is_cut_off(volatile uint32_t *word)
{
    world_set_up(3, 8);
    world.driver.info.queue_depth = 1;
    world_begin();
    world_driver_ready();
    world_run();
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_ask(2, ask(SDDF_BLK_BARRIER, 0, 0, 1, 1));
    world_step();
    CHECK(hears(2, 1, SDDF_BLK_OK, 0));
    *word += 5000;
    world_step();
    CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_DRIVER_LOST);
    CHECK(hears(0, 1, SDDF_BLK_ERR_NO_DEVICE, 0) && hears(1, 1, SDDF_BLK_ERR_NO_DEVICE, 0));
    *word -= 5000;
    world_ask(2, ask(SDDF_BLK_READ, 0, 0, 1, 2));
    CHECK(world_step() == 4 && hears(2, 2, SDDF_BLK_ERR_NO_DEVICE, 0));
}

static void a_driver_with_a_wild_request_head_is_cut_off(void)
{
    a_driver_with_a_wild_index_is_cut_off(&world_requests(&world.driver)->head);
}

static void a_driver_with_a_wild_response_tail_is_cut_off(void)
{
    a_driver_with_a_wild_index_is_cut_off(&world_responses(&world.driver)->tail);
}

static void a_driver_lost_before_it_served_leaves_clients_without_a_disk(void)
{
    world_set_up(1, 8);
    world_begin();
    world_driver_ready();
    world_responses(&world.driver)->tail = 9999;
    CHECK(world_step() == 1);
    CHECK(world.clients[0].shared.info.ready == 1 && world.clients[0].shared.info.capacity_blocks == 0);
    CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_DRIVER_LOST);
    CHECK(block_virt_client_status(&world.virt, 0) == PARTITION_ERR_DISK);
}

static void indices_wrap(void)
{
    world_set_up(1, 4);
    world_requests(&world.clients[0].shared)->head = UINT32_MAX - 5;
    world_requests(&world.clients[0].shared)->tail = UINT32_MAX - 5;
    world_responses(&world.clients[0].shared)->head = UINT32_MAX - 2;
    world_responses(&world.clients[0].shared)->tail = UINT32_MAX - 2;
    world_requests(&world.driver)->head = UINT32_MAX - 7;
    world_requests(&world.driver)->tail = UINT32_MAX - 7;
    world_begin();
    world_driver_ready();
    world_run();
    for (uint32_t i = 0; i < 20; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, i, 1, i));
        world_run();
        CHECK(hears(0, i, SDDF_BLK_OK, 1));
    }
}

static void a_client_without_an_io_base_is_not_served(uint64_t io_base)
{
    world_set_up(2, 8);
    world.clients[0].io_base = io_base;
    world_begin();
    world_driver_ready();
    world_run();
    CHECK(block_virt_client_state(&world.virt, 0) == BLOCK_VIRT_CLIENT_NO_IO_BASE);
    CHECK(block_virt_client_state(&world.virt, 1) == BLOCK_VIRT_CLIENT_SERVED);
    CHECK(world.clients[0].shared.info.ready == 1 && world.clients[0].shared.info.capacity_blocks == 0);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_run();
    CHECK(hears(0, 1, SDDF_BLK_ERR_NO_DEVICE, 0));
}

static void an_io_base_must_be_patched_and_make_sense(void)
{
    a_client_without_an_io_base_is_not_served(PHYS_ADDR_UNPATCHED);
    a_client_without_an_io_base_is_not_served(0x80000800);
    a_client_without_an_io_base_is_not_served(UINT64_MAX - 0xfff);
}

static void without_its_own_io_base_it_serves_nobody(void)
{
    world_set_up(1, 8);
    world.driver_io_base = PHYS_ADDR_UNPATCHED;
    world_begin();
    CHECK(world.notified == 1);
    world_driver_ready();
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    CHECK(world_step() == 1 && driver_sees_nothing() && hears(0, 1, SDDF_BLK_ERR_NO_DEVICE, 0));
    CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_NO_IO_BASE && world.clients[0].shared.info.ready == 1);
    CHECK(world.clients[0].shared.info.capacity_blocks == 0 && world.clients[0].shared.info.sector_bytes == 512);
}

static void what_is_done_is_counted(void)
{
    world_serve(2, 8);
    const struct block_virt_client_counters *counters = block_virt_client_counters(&world.virt, 0);
    (void)block_virt_take_counted(&world.virt);
    CHECK(block_virt_take_counted(&world.virt) == 0);
    for (uint32_t i = 0; i < 3; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, i));
    }
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 0, 3));
    world_step();
    CHECK(block_virt_take_counted(&world.virt) == 1 && block_virt_take_counted(&world.virt) == 0);
    CHECK(counters->requests == 4 && counters->refused == 1 && counters->errors == 1 && counters->most_in_flight == 3);
    CHECK(block_virt_counters(&world.virt)->most_in_flight == 3);
    world_run();
    CHECK(block_virt_take_counted(&world.virt) == 1 && counters->errors == 1 && counters->cut_offs == 0);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 4));
    world_step();
    world.driver.info.ready = 0;
    struct sddf_blk_request request;
    CHECK(world_driver_take(&request));
    world_step();
    CHECK(counters->errors == 1 && counters->refused == 1 && block_virt_counters(&world.virt)->restarts == 0);
    world_driver_ready();
    world_run();
    CHECK(block_virt_counters(&world.virt)->restarts == 1);
    world_requests(&world.clients[0].shared)->tail += 100;
    world_step();
    CHECK(counters->cut_offs == 1 && block_virt_counters(&world.virt)->cut_offs == 0);
    world_responses(&world.driver)->tail += 10000;
    world_step();
    world_step();
    CHECK(block_virt_counters(&world.virt)->cut_offs == 1 && block_virt_counters(&world.virt)->most_in_flight == 3);
}

const struct unit_test block_virt_hostile_tests[] = {
    UNIT_TEST(a_client_with_a_wild_request_tail_is_cut_off),
    UNIT_TEST(a_client_with_a_wild_response_head_is_cut_off),
    UNIT_TEST(a_client_that_takes_back_room_is_cut_off),
    UNIT_TEST(a_driver_with_a_wild_request_head_is_cut_off),
    UNIT_TEST(a_driver_with_a_wild_response_tail_is_cut_off),
    UNIT_TEST(a_driver_lost_before_it_served_leaves_clients_without_a_disk),
    UNIT_TEST(indices_wrap),
    UNIT_TEST(an_io_base_must_be_patched_and_make_sense),
    UNIT_TEST(without_its_own_io_base_it_serves_nobody),
    UNIT_TEST(what_is_done_is_counted),
    { .name = NULL },
};
