/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked, translated, refused and answered. */
#include <string.h>

#include "block_virt_unit.h"

static void a_driver_that_is_not_ready_is_waited_for(void)
{
    world_set_up(2, 8);
    world_begin();
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 5));
    for (int i = 0; i < 3; i++) {
        CHECK(world_step() == 0);
    }
    CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_WAIT_DRIVER && driver_sees_nothing());
    CHECK(world.clients[0].shared.info.ready == 0 && hears_nothing(0));
    world_driver_ready();
    world_run();
    CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_SERVE && hears(0, 5, SDDF_BLK_OK, 1));
}

static void a_client_is_told_what_its_disk_is(void)
{
    world_set_up(2, 8);
    world.client_configs[1].read_only = true;
    world.config.driver.connection.queue_capacity = 4;
    world_begin();
    memset(world.driver.info.serial_number, 'S', sizeof(world.driver.info.serial_number));
    world.driver.info.block_size = 3;
    world.driver.info.cylinders = 7;
    world_driver_ready();
    world_step();
    CHECK(world_driver_work(1) == 1);
    CHECK(world_step() == 3);
    const struct sddf_blk_storage_info *info = &world.clients[1].shared.info;
    CHECK(info->ready == 1 && info->read_only == 1 && world.clients[0].shared.info.read_only == 0);
    CHECK(info->capacity_blocks == PARTITION_BLOCKS && info->sector_bytes == 512 && info->block_size == 3);
    CHECK(info->queue_depth == 4 && info->cylinders == 0 && info->heads == 0 && info->blocks == 0);
    CHECK(memcmp(info->serial_number, world.driver.info.serial_number, sizeof(info->serial_number)) == 0);
    CHECK(block_virt_client_state(&world.virt, 1) == BLOCK_VIRT_CLIENT_SERVED);
    CHECK(block_virt_client_status(&world.virt, 1) == PARTITION_OK);
}

static void offsets_and_blocks_are_translated(void)
{
    uint32_t id;
    world_serve(2, 8);
    world_ask(1, ask(SDDF_BLK_READ, 2 * BLOCK, 5, 3, 0xffffffff));
    CHECK(world_step() == DRIVER_NOTIFIED);
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[1].io_base + 2 * BLOCK, FIRST_BLOCK(1) + 5, 3, &id));
    world_driver_answer(id, SDDF_BLK_OK, 3);
    CHECK(world_step() == 2);
    CHECK(hears(1, 0xffffffff, SDDF_BLK_OK, 3) && hears_nothing(1) && hears_nothing(0));
    CHECK(world_step() == 0);
}

static void data_arrives_where_it_belongs(void)
{
    world_serve(2, 8);
    memset(world_data[0][1], 0xa1, 2 * BLOCK);
    memset(world_data[1][1], 0xb2, BLOCK);
    world_ask(0, ask(SDDF_BLK_WRITE, BLOCK, 10, 2, 1));
    world_ask(1, ask(SDDF_BLK_WRITE, BLOCK, 10, 1, 1));
    world_run();
    CHECK(hears(0, 1, SDDF_BLK_OK, 2) && hears(1, 1, SDDF_BLK_OK, 1));
    CHECK(memcmp(world_disk[FIRST_BLOCK(0) + 10], world_data[0][1], 2 * BLOCK) == 0);
    CHECK(memcmp(world_disk[FIRST_BLOCK(1) + 10], world_data[1][1], BLOCK) == 0);
    world_ask(1, ask(SDDF_BLK_READ, 3 * BLOCK, 10, 1, 2));
    world_run();
    CHECK(hears(1, 2, SDDF_BLK_OK, 1) && memcmp(world_data[1][3], world_data[1][1], BLOCK) == 0);
}

static void bounds_are_exact(void)
{
    static const struct {
        uint32_t code;
        uint64_t offset;
        uint64_t block;
        uint16_t count;
        uint32_t status;
    } cases[] = {
        { SDDF_BLK_READ, 0, 0, 1, SDDF_BLK_OK },
        { SDDF_BLK_READ, 0, PARTITION_BLOCKS - 1, 1, SDDF_BLK_OK },
        { SDDF_BLK_READ, 0, PARTITION_BLOCKS - 64, 64, SDDF_BLK_OK },
        { SDDF_BLK_READ, 63 * BLOCK, 0, 1, SDDF_BLK_OK },
        { SDDF_BLK_READ, 0, 0, 0, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_WRITE, 0, 0, 0, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_READ, 0, PARTITION_BLOCKS, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_READ, 0, PARTITION_BLOCKS - 1, 2, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_READ, 0, UINT64_MAX, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_WRITE, 0, UINT64_MAX, 2, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_WRITE, 0, UINT64_MAX - FIRST_BLOCK(0) + 1, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_WRITE, 0, UINT64_C(1) << 52, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_READ, 64 * BLOCK, 0, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_READ, 63 * BLOCK, 0, 2, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_READ, 0, 0, 65, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_READ, 0, 0, UINT16_MAX, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_READ, 1, 0, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_READ, 512, 0, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_WRITE, UINT64_MAX, 0, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { SDDF_BLK_WRITE, UINT64_MAX - BLOCK + 1, 0, 2, SDDF_BLK_ERR_INVALID_PARAM },
        { SDFGEN_BLOCK_DISCARD, 0, 0, PARTITION_BLOCKS, SDDF_BLK_OK },
        { SDFGEN_BLOCK_WRITE_ZEROES, 12345, PARTITION_BLOCKS - 1, 1, SDDF_BLK_OK },
        { SDFGEN_BLOCK_DISCARD, 0, 0, PARTITION_BLOCKS + 1, SDDF_BLK_ERR_INVALID_PARAM },
        { SDFGEN_BLOCK_WRITE_ZEROES, 0, 1, PARTITION_BLOCKS, SDDF_BLK_ERR_INVALID_PARAM },
        { SDFGEN_BLOCK_DISCARD, 0, 0, 0, SDDF_BLK_ERR_INVALID_PARAM },
        { SDFGEN_BLOCK_WRITE_ZEROES_UNMAP, 0, PARTITION_BLOCKS - 1, 1, SDDF_BLK_OK },
        { SDFGEN_BLOCK_WRITE_ZEROES_UNMAP, 0, PARTITION_BLOCKS - 1, 2, SDDF_BLK_ERR_INVALID_PARAM },
        { SDFGEN_BLOCK_WRITE_ZEROES_UNMAP + 1, 0, 0, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { 4, 0, 0, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { 0xff, 0, 0, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { 0x102, 0, 0, 1, SDDF_BLK_ERR_INVALID_PARAM },
        { UINT32_MAX, 0, 0, 1, SDDF_BLK_ERR_INVALID_PARAM },
    };
    uint64_t refused = 0;
    world_serve(1, 8);
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool sound = cases[i].status == SDDF_BLK_OK;
        world_ask(0, ask(cases[i].code, cases[i].offset, cases[i].block, cases[i].count, i));
        world_step();
        CHECK(world_driver_work(8) == (sound ? 1 : 0));
        world_step();
        CHECK(hears(0, i, cases[i].status, sound ? cases[i].count : 0));
        refused += !sound;
    }
    CHECK(block_virt_client_counters(&world.virt, 0)->refused == refused);
    CHECK(block_virt_client_counters(&world.virt, 0)->requests == sizeof(cases) / sizeof(cases[0]));
    CHECK(block_virt_client_counters(&world.virt, 0)->blocks == 1 + 1 + 64 + 1);
}

static void a_flush_names_nothing(void)
{
    uint32_t id;
    world_serve(1, 8);
    world_ask(0, ask(SDDF_BLK_FLUSH, 77, UINT64_MAX, 9, 3));
    world_step();
    CHECK(driver_sees(SDDF_BLK_FLUSH, 0, 0, 0, &id));
    world_driver_answer(id, SDDF_BLK_ERR_IO, 9);
    world_step();
    CHECK(hears(0, 3, SDDF_BLK_ERR_IO, 0));
}

static void a_read_only_client_changes_nothing(void)
{
    world_set_up(2, 8);
    world.client_configs[0].read_only = true;
    world_begin();
    world_driver_ready();
    world_run();
    changes_are_refused(0);
    world_ask(1, ask(SDDF_BLK_WRITE, 0, 0, 1, 9));
    world_run();
    CHECK(hears(1, 9, SDDF_BLK_OK, 1));
}

static void a_read_only_disk_is_not_changed(void)
{
    world_set_up(1, 8);
    world.driver.info.read_only = 0x80;
    world_begin();
    world_driver_ready();
    world_run();
    CHECK(world.clients[0].shared.info.read_only == 1);
    changes_are_refused(0);
}

static void extended_codes_need_both_connections(void)
{
    static const uint32_t codes[] = {
        SDFGEN_BLOCK_DISCARD, SDFGEN_BLOCK_WRITE_ZEROES, SDFGEN_BLOCK_WRITE_ZEROES_UNMAP,
    };
    for (uint32_t i = 0; i < 12; i++) {
        uint32_t mask = i & 3;
        world_set_up(1, 8);
        world.client_configs[0].connection.extended = (mask & 1) != 0;
        world.config.driver.connection.extended = (mask & 2) != 0;
        world_begin();
        world_driver_ready();
        world_run();
        world_ask(0, ask(codes[i >> 2], 0, 0, 1, 1));
        world_run();
        CHECK(hears(0, 1, mask == 3 ? SDDF_BLK_OK : SDDF_BLK_ERR_INVALID_PARAM, mask == 3 ? 1 : 0));
    }
}

static void what_the_disk_cannot_is_told_of_extended_codes_only(void)
{
    static const struct {
        uint32_t code;
        uint32_t status;
    } cases[] = {
        { SDFGEN_BLOCK_DISCARD, SDFGEN_BLOCK_ERR_UNSUPPORTED },
        { SDFGEN_BLOCK_WRITE_ZEROES, SDFGEN_BLOCK_ERR_UNSUPPORTED },
        { SDFGEN_BLOCK_WRITE_ZEROES_UNMAP, SDFGEN_BLOCK_ERR_UNSUPPORTED },
        { SDDF_BLK_WRITE, SDDF_BLK_ERR_UNSPEC },
        { SDDF_BLK_FLUSH, SDDF_BLK_ERR_UNSPEC },
    };
    world_serve(1, 8);
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sddf_blk_request request;
        world_ask(0, ask(cases[i].code, 0, 0, 1, i));
        world_step();
        CHECK(world_driver_take(&request));
        world_driver_answer(request.id, SDFGEN_BLOCK_ERR_UNSUPPORTED, 0);
        world_step();
        CHECK(hears(0, i, cases[i].status, 0));
    }
}

static void what_the_disk_can_is_told_where_both_sides_know_the_words(void)
{
    for (uint32_t mask = 0; mask < 4; mask++) {
        world_set_up(1, 8);
        world.client_configs[0].connection.extended = (mask & 1) != 0;
        world.config.driver.connection.extended = (mask & 2) != 0;
        world.driver.info.sdfgen_traits = 0xff;
        world.driver.info.sdfgen_tail_sectors = 7;
        world_begin();
        world_driver_ready();
        world_run();
        CHECK(world.clients[0].shared.info.sdfgen_traits == (mask == 3 ? 0xff : 0));
        CHECK(world.clients[0].shared.info.sdfgen_tail_sectors == 0);
    }
}

static void a_barrier_waits_for_what_is_in_flight(void)
{
    uint32_t ids[2];
    uint32_t id;
    world_serve(2, 8);
    world_ask(0, ask(SDDF_BLK_WRITE, 0, 0, 1, 1));
    world_ask(0, ask(SDDF_BLK_WRITE, 0, 1, 1, 2));
    world_ask(0, ask(SDDF_BLK_BARRIER, 0, 0, 0, 3));
    world_ask(0, ask(SDDF_BLK_WRITE, 0, 2, 1, 4));
    world_step();
    CHECK(driver_sees(SDDF_BLK_WRITE, world.clients[0].io_base, FIRST_BLOCK(0), 1, &ids[0]));
    CHECK(driver_sees(SDDF_BLK_WRITE, world.clients[0].io_base, FIRST_BLOCK(0) + 1, 1, &ids[1]));
    CHECK(driver_sees_nothing());
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_step();
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[1].io_base, FIRST_BLOCK(1), 1, &id));
    world_driver_answer(ids[1], SDDF_BLK_OK, 1);
    world_step();
    CHECK(hears(0, 2, SDDF_BLK_OK, 1) && hears_nothing(0) && driver_sees_nothing());
    world_driver_answer(ids[0], SDDF_BLK_OK, 1);
    world_step();
    CHECK(hears(0, 1, SDDF_BLK_OK, 1) && hears(0, 3, SDDF_BLK_OK, 0));
    CHECK(driver_sees(SDDF_BLK_WRITE, world.clients[0].io_base, FIRST_BLOCK(0) + 2, 1, &id));
}

static void a_barrier_alone_is_answered_at_once(void)
{
    world_serve(1, 8);
    world_ask(0, ask(SDDF_BLK_BARRIER, 0, 0, 0, 1));
    world_ask(0, ask(SDDF_BLK_BARRIER, 0, 0, 0, 2));
    CHECK(world_step() == 1);
    CHECK(hears(0, 1, SDDF_BLK_OK, 0) && hears(0, 2, SDDF_BLK_OK, 0) && driver_sees_nothing());
}

static void the_drivers_answers_are_bounded(void)
{
    uint32_t id;
    world_serve(1, 8);
    for (uint32_t i = 0; i < 2; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, 0, 2, i));
        world_step();
        CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base, FIRST_BLOCK(0), 2, &id));
        world_driver_answer(id, i == 0 ? SDDF_BLK_OK : 5, i == 0 ? UINT16_MAX : 1);
        world_step();
        CHECK(hears(0, i, i == 0 ? SDDF_BLK_OK : SDDF_BLK_ERR_UNSPEC, i == 0 ? 2 : 1));
    }
}

static void an_id_is_answered_once(void)
{
    uint32_t id;
    uint32_t next;
    world_serve(1, 8);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_step();
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base, FIRST_BLOCK(0), 1, &id));
    world_driver_answer(id ^ 1, SDDF_BLK_OK, 1);
    world_driver_answer(id ^ 0x80000000, SDDF_BLK_OK, 1);
    world_driver_answer(UINT32_MAX, SDDF_BLK_OK, 1);
    CHECK(world_step() == 0 && block_virt_stray_responses(&world.virt) == 3);
    world_driver_answer(id, SDDF_BLK_OK, 1);
    world_driver_answer(id, SDDF_BLK_OK, 1);
    world_step();
    CHECK(hears(0, 1, SDDF_BLK_OK, 1) && hears_nothing(0) && block_virt_stray_responses(&world.virt) == 4);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 2));
    world_step();
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base, FIRST_BLOCK(0), 1, &next) && next != id);
    world_driver_answer(id, SDDF_BLK_OK, 1);
    CHECK(world_step() == 0 && block_virt_stray_responses(&world.virt) == 5);
}

const struct unit_test block_virt_requests_tests[] = {
    UNIT_TEST(a_driver_that_is_not_ready_is_waited_for),
    UNIT_TEST(a_client_is_told_what_its_disk_is),
    UNIT_TEST(offsets_and_blocks_are_translated),
    UNIT_TEST(data_arrives_where_it_belongs),
    UNIT_TEST(bounds_are_exact),
    UNIT_TEST(a_flush_names_nothing),
    UNIT_TEST(a_read_only_client_changes_nothing),
    UNIT_TEST(a_read_only_disk_is_not_changed),
    UNIT_TEST(extended_codes_need_both_connections),
    UNIT_TEST(what_the_disk_cannot_is_told_of_extended_codes_only),
    UNIT_TEST(what_the_disk_can_is_told_where_both_sides_know_the_words),
    UNIT_TEST(a_barrier_waits_for_what_is_in_flight),
    UNIT_TEST(a_barrier_alone_is_answered_at_once),
    UNIT_TEST(the_drivers_answers_are_bounded),
    UNIT_TEST(an_id_is_answered_once),
    { .name = NULL },
};
