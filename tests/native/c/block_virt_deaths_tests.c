/* SPDX-License-Identifier: BSD-2-Clause */
/* Drivers that die and start again, at any moment and with whatever disk. */
#include "block_virt_unit.h"

#define TIMEOUT_MS 1000u

static void serve_resilient(uint32_t client_count)
{
    world_set_up(client_count, 16);
    world_be_resilient(TIMEOUT_MS);
    world_begin();
    world_driver_ready();
    world_run();
}

static void get_ready_and_serve(uint32_t id)
{
    world_driver_ready();
    world_run();
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, id));
    world_run();
    CHECK(hears(0, id, SDDF_BLK_OK, 1));
}

static void start_and_read_tables(void)
{
    world_driver_start();
    world_driver_ready();
    world_step();
    CHECK(world_driver_work(UINT32_MAX) == 1);
    world_step();
}

static void a_restart_between_two_looks_is_seen(void)
{
    uint32_t id;
    serve_resilient(1);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_step();
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base, FIRST_BLOCK(0), 1, &id));
    world_driver_start();
    world_driver_ready();
    world_run();
    CHECK(hears(0, 1, SDDF_BLK_OK, 1) && hears_nothing(0) && world.virt.in_flight == 0);
}

/* The driver has taken three of five, and answered one of these, in whatever order. */
static void what_was_in_flight_comes_first_and_in_order(void)
{
    struct sddf_blk_request taken[3];
    uint32_t id;
    serve_resilient(1);
    for (uint32_t i = 0; i < 5; i++) {
        world_ask(0, ask(SDDF_BLK_WRITE, i * BLOCK, 10 + i, 1, i));
    }
    world_step();
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(world_driver_take(&taken[i]));
    }
    world_driver_answer(taken[1].id, SDDF_BLK_OK, 1);
    world_ask(0, ask(SDDF_BLK_WRITE, 5 * BLOCK, 15, 1, 5));
    start_and_read_tables();
    CHECK(hears(0, 1, SDDF_BLK_OK, 1) && hears_nothing(0));
    static const uint32_t order[] = { 0, 2, 3, 4, 5 };
    for (uint32_t i = 0; i < 5; i++) {
        uint64_t at = world.clients[0].io_base + order[i] * BLOCK;
        CHECK(driver_sees(SDDF_BLK_WRITE, at, FIRST_BLOCK(0) + 10 + order[i], 1, &id));
        CHECK(id != taken[0].id && id != taken[2].id);
        world_driver_answer(id, SDDF_BLK_OK, 1);
    }
    world_driver_answer(taken[2].id, SDDF_BLK_OK, 1);
    world_step();
    for (uint32_t i = 0; i < 5; i++) {
        CHECK(hears(0, order[i], SDDF_BLK_OK, 1));
    }
    CHECK(hears_nothing(0) && block_virt_stray_responses(&world.virt) == 1);
}

static void it_may_die_again_and_again(void)
{
    struct sddf_blk_request request;
    serve_resilient(2);
    for (uint32_t i = 0; i < 8; i++) {
        world_ask(i % 2, ask(SDDF_BLK_READ, i * BLOCK, i, 1, i));
    }
    world_step();
    for (uint32_t i = 0; i < 4; i++) {
        world_driver_start();
        world_step();
        CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_WAIT_DRIVER && driver_sees_nothing());
        start_and_read_tables();
        CHECK(world_driver_take(&request) && world_driver_work(1) == 1);
    }
    start_and_read_tables();
    world_run();
    for (uint32_t client = 0; client < 2; client++) {
        uint32_t heard = 0;
        struct sddf_blk_response response;
        while (world_hear(client, &response)) {
            CHECK(response.status == SDDF_BLK_OK && response.id % 2 == client && (heard & 1u << response.id) == 0);
            heard |= 1u << response.id;
        }
        CHECK(heard == 0x55u << client);
    }
    CHECK(world.virt.in_flight == 0 && block_virt_stray_responses(&world.virt) == 0);
}

static void a_new_driver_with_less_depth_gets_it_in_parts(void)
{
    serve_resilient(1);
    for (uint32_t i = 0; i < 6; i++) {
        world_ask(0, ask(SDDF_BLK_READ, i * BLOCK, i, 1, i));
    }
    world_step();
    world.driver.info.queue_depth = 2;
    start_and_read_tables();
    for (uint32_t i = 0; i < 6; i += 2) {
        CHECK(block_queue_filled(&world.driver_requests.end) == 2 && world_driver_work(UINT32_MAX) == 2);
        world_step();
        CHECK(hears(0, i, SDDF_BLK_OK, 1) && hears(0, i + 1, SDDF_BLK_OK, 1));
    }
}

/* The second driver has had two of four. */
static void a_driver_that_dies_before_it_had_all_again_changes_no_order(void)
{
    uint32_t id;
    serve_resilient(1);
    for (uint32_t i = 0; i < 4; i++) {
        world_ask(0, ask(SDDF_BLK_READ, i * BLOCK, i, 1, i));
    }
    world_step();
    world.driver.info.queue_depth = 2;
    start_and_read_tables();
    CHECK(world.virt.again == 2);
    world.driver.info.queue_depth = 0;
    start_and_read_tables();
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base + i * BLOCK, FIRST_BLOCK(0) + i, 1, &id));
    }
}

static void a_return_that_takes_too_long_is_an_error(void)
{
    uint32_t id;
    serve_resilient(1);
    world_ask(0, ask(SDDF_BLK_WRITE, 0, 1, 1, 1));
    world_step();
    CHECK(driver_sees(SDDF_BLK_WRITE, world.clients[0].io_base, FIRST_BLOCK(0) + 1, 1, &id));
    world_driver_start();
    world_ask(0, ask(SDDF_BLK_WRITE, BLOCK, 2, 1, 2));
    CHECK(world_step_at(TIMEOUT_MS - 1) == 0 && hears_nothing(0));
    world_step_at(TIMEOUT_MS);
    CHECK(hears(0, 1, SDDF_BLK_ERR_IO, 0) && hears_nothing(0) && world.virt.in_flight == 0);
    world_step_at(2 * TIMEOUT_MS);
    CHECK(hears(0, 2, SDDF_BLK_ERR_IO, 0) && hears_nothing(0));
    get_ready_and_serve(3);
}

static void a_start_ends_the_wait_for_what_is_late(void)
{
    struct sddf_blk_request request;
    serve_resilient(1);
    world_ask(0, ask(SDDF_BLK_WRITE, 0, 1, 1, 1));
    world_step();
    CHECK(world_driver_take(&request));
    world_step_at(TIMEOUT_MS);
    CHECK(hears(0, 1, SDFGEN_BLOCK_ERR_LATE, 0));
    world_ask(0, ask(SDDF_BLK_WRITE, BLOCK, 1, 1, 2));
    CHECK(world_step() == 0 && driver_sees_nothing());
    world_driver_start();
    world_driver_ready();
    CHECK(world_step() != 0 && hears(0, 1, SDDF_BLK_ERR_IO, 0));
    world_run();
    CHECK(hears(0, 2, SDDF_BLK_OK, 1) && world.virt.in_flight == 0);
}

static void a_driver_that_dies_while_tables_are_read_is_waited_for(void)
{
    struct sddf_blk_request request;
    world_set_up(1, 8);
    world_be_resilient(TIMEOUT_MS);
    world_begin();
    world_driver_ready();
    world_step();
    CHECK(world_driver_take(&request));
    world_driver_start();
    world_driver_ready();
    world_run();
    CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_SERVE && world.virt.in_flight == 0);
}

static void another_disk_gets_nothing_that_was_meant_for_the_first(void)
{
    serve_resilient(2);
    world.driver.info.queue_depth = 1;
    start_and_read_tables();
    for (uint32_t i = 0; i < 2; i++) {
        world_ask(i, ask(SDDF_BLK_WRITE, 0, 0, 1, 1));
        world_ask(i, ask(SDDF_BLK_WRITE, BLOCK, 0, 1, 2));
    }
    world_step();
    uint64_t descriptions = world.clients[1].shared.start;
    world_mbr_entry(0, 16, 992);
    start_and_read_tables();
    struct sddf_blk_response response;
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(world_hear(0, &response) && response.status == SDDF_BLK_ERR_NO_DEVICE);
    }
    CHECK(hears_nothing(0));
    CHECK(world.clients[0].shared.info.capacity_blocks == 992 && world.clients[1].shared.start == descriptions);
    world_run();
    CHECK(hears(1, 1, SDDF_BLK_OK, 1) && hears(1, 2, SDDF_BLK_OK, 1));
    world_ask(0, ask(SDDF_BLK_WRITE, 0, 991, 1, 3));
    world_run();
    CHECK(hears(0, 3, SDDF_BLK_OK, 1));
    world_ask(0, ask(SDDF_BLK_WRITE, 0, 0, 1, 4));
    world_step();
    world.driver.info.serial_number[63] = 'x';
    world_driver_start();
    world_driver_ready();
    world_run();
    CHECK(hears(0, 4, SDDF_BLK_ERR_NO_DEVICE, 0) && world.clients[1].shared.start == descriptions + 1);
}

static void a_disk_may_get_another_size(void)
{
    serve_resilient(4);
    world_ask(3, ask(SDDF_BLK_WRITE, 0, 10, 1, 1));
    world_step();
    uint64_t descriptions = world.clients[3].shared.start;
    world_mbr_entry(3, FIRST_BLOCK(3), 1050);
    world_driver_start();
    world_driver_ready();
    world_run();
    CHECK(hears(3, 1, SDDF_BLK_OK, 1));
    CHECK(world.clients[3].shared.info.capacity_blocks == 1050 && world.clients[3].shared.start == descriptions + 1);
    world_ask(3, ask(SDDF_BLK_WRITE, 0, 1049, 1, 2));
    world_run();
    CHECK(hears(3, 2, SDDF_BLK_OK, 1));
    world_ask(3, ask(SDDF_BLK_WRITE, 0, 1049, 1, 3));
    world_step();
    world_mbr_entry(3, FIRST_BLOCK(3), 1049);
    world_driver_start();
    world_driver_ready();
    world_run();
    CHECK(hears(3, 3, SDDF_BLK_ERR_NO_DEVICE, 0) && world.clients[3].shared.info.capacity_blocks == 1049);
}

static void a_client_may_start_before_its_disk(void)
{
    world_set_up(2, 8);
    world_be_resilient(TIMEOUT_MS);
    world.client_configs[1].connection.resilient = false;
    world_begin();
    CHECK(block_virt_wake_ms(&world.virt) == TIMEOUT_MS && world_step_at(TIMEOUT_MS - 1) == 0);
    CHECK(world_step_at(TIMEOUT_MS) == 1 && world.clients[1].shared.info.ready == 0);
    CHECK(world.clients[0].shared.info.ready == 1 && world.clients[0].shared.info.capacity_blocks == 0);
    uint64_t descriptions = world.clients[0].shared.start;
    world_driver_ready();
    world_step();
    CHECK(world_driver_work(UINT32_MAX) == 1 && world_step() == 3);
    CHECK(world.clients[0].shared.info.capacity_blocks == PARTITION_BLOCKS && world.clients[1].shared.info.ready == 1);
    CHECK(world.clients[0].shared.start == descriptions + 1);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_run();
    CHECK(hears(0, 1, SDDF_BLK_OK, 1));
}

static void a_table_that_could_not_be_read_may_be_read_by_the_next_driver(void)
{
    struct sddf_blk_request request;
    world_set_up(1, 8);
    world_be_resilient(TIMEOUT_MS);
    world_begin();
    world_driver_ready();
    world_step();
    CHECK(world_driver_take(&request));
    world_driver_answer(request.id, SDDF_BLK_ERR_IO, 0);
    world_run();
    world_driver_start();
    world_driver_ready();
    world_run();
    CHECK(block_virt_client_state(&world.virt, 0) == BLOCK_VIRT_CLIENT_SERVED);
    CHECK(world.clients[0].shared.info.capacity_blocks == PARTITION_BLOCKS);
}

static void a_driver_that_broke_the_protocol_may_start_again(void)
{
    serve_resilient(1);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_step();
    world_requests(&world.driver)->head += 5000;
    world_step();
    CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_DRIVER_LOST && hears(0, 1, SDDF_BLK_ERR_NO_DEVICE, 0));
    world_driver_start();
    get_ready_and_serve(2);
}

static void a_start_that_makes_no_sense_changes_nothing_for_others(void)
{
    uint32_t id;
    serve_resilient(1);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_step();
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base, FIRST_BLOCK(0), 1, &id));
    world.driver.start = UINT64_MAX;
    world_step();
    world_driver_answer(id, SDDF_BLK_OK, 1);
    world_run();
    CHECK(hears(0, 1, SDDF_BLK_OK, 1));
    world.driver.start = 0;
    world_step_at(TIMEOUT_MS);
    world_run();
    CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_SERVE && world.virt.in_flight == 0);
}

const struct unit_test block_virt_deaths_tests[] = {
    UNIT_TEST(a_restart_between_two_looks_is_seen),
    UNIT_TEST(what_was_in_flight_comes_first_and_in_order),
    UNIT_TEST(it_may_die_again_and_again),
    UNIT_TEST(a_new_driver_with_less_depth_gets_it_in_parts),
    UNIT_TEST(a_driver_that_dies_before_it_had_all_again_changes_no_order),
    UNIT_TEST(a_return_that_takes_too_long_is_an_error),
    UNIT_TEST(a_start_ends_the_wait_for_what_is_late),
    UNIT_TEST(a_driver_that_dies_while_tables_are_read_is_waited_for),
    UNIT_TEST(another_disk_gets_nothing_that_was_meant_for_the_first),
    UNIT_TEST(a_disk_may_get_another_size),
    UNIT_TEST(a_client_may_start_before_its_disk),
    UNIT_TEST(a_table_that_could_not_be_read_may_be_read_by_the_next_driver),
    UNIT_TEST(a_driver_that_broke_the_protocol_may_start_again),
    UNIT_TEST(a_start_that_makes_no_sense_changes_nothing_for_others),
    { .name = NULL },
};
