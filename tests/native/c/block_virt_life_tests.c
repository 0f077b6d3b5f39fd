/* SPDX-License-Identifier: BSD-2-Clause */
/* Start, partitions, caches, restarts. */
#include <string.h>

#include "block_virt_unit.h"

static void a_client_without_a_partition_has_an_empty_disk(void)
{
    world_set_up(2, 8);
    world.client_configs[0].partition = 4;
    world_begin();
    world_driver_ready();
    world_run();
    CHECK(block_virt_client_status(&world.virt, 0) == PARTITION_ERR_MISSING);
    CHECK(block_virt_client_state(&world.virt, 0) == BLOCK_VIRT_CLIENT_NO_PARTITION);
    CHECK(world.clients[0].shared.info.ready == 1 && world.clients[0].shared.info.capacity_blocks == 0);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_run();
    CHECK(hears(0, 1, SDDF_BLK_ERR_NO_DEVICE, 0) && hears(1, 1, SDDF_BLK_OK, 1));
}

/* The driver fails the reading of the tables' first block that often; what the last step notified. */
static uint64_t fail_table_reads(uint32_t times)
{
    struct sddf_blk_request request;
    uint64_t notified = 0;
    for (uint32_t i = 0; i < times; i++) {
        CHECK(world_driver_take(&request) && request.block_number == 0 && request.block_count == 1);
        CHECK(request.io_or_offset == world.driver_io_base);
        world_driver_answer(request.id, i % 2 != 0 ? SDDF_BLK_OK : SDDF_BLK_ERR_IO, 0);
        notified = world_step();
    }
    return notified;
}

static void begin_with_a_disk_that_fails(uint32_t times)
{
    world_set_up(2, 8);
    world_begin();
    world_driver_ready();
    world_step();
    CHECK(fail_table_reads(times) == (times < BLOCK_VIRT_TABLE_TRIES ? DRIVER_NOTIFIED : 3));
}

static bool has_no_disk(uint32_t client)
{
    return world.clients[client].shared.info.ready == 1 && world.clients[client].shared.info.capacity_blocks == 0
        && block_virt_client_state(&world.virt, client) == BLOCK_VIRT_CLIENT_NO_PARTITION;
}

static bool has_its_disk(uint32_t client)
{
    return world.clients[client].shared.info.ready == 1
        && world.clients[client].shared.info.capacity_blocks == PARTITION_BLOCKS
        && block_virt_client_state(&world.virt, client) == BLOCK_VIRT_CLIENT_SERVED;
}

static void a_table_that_cannot_be_read_is_no_table(void)
{
    begin_with_a_disk_that_fails(BLOCK_VIRT_TABLE_TRIES);
    CHECK(block_virt_client_status(&world.virt, 0) == PARTITION_ERR_DISK && has_no_disk(0) && has_no_disk(1));
    CHECK(block_virt_partition_table(&world.virt)->code == PARTITION_ERR_DISK);
    CHECK(driver_sees_nothing());
}

static void a_failed_read_of_the_table_is_tried_again(void)
{
    begin_with_a_disk_that_fails(BLOCK_VIRT_TABLE_TRIES - 1);
    world_run();
    CHECK(has_its_disk(0) && has_its_disk(1));
}

static void each_block_of_the_table_has_its_tries(void)
{
    struct sddf_blk_request request;
    begin_with_a_disk_that_fails(BLOCK_VIRT_TABLE_TRIES - 1);
    world_disk[0][446 + 4] = 0xee; /* a GPT then, of which neither copy is there */
    world_disk[0][446 + 8] = 1;
    world_disk[0][446 + 9] = 0;
    CHECK(world_driver_work(1) == 1);
    world_step();
    for (uint32_t i = 0; i < BLOCK_VIRT_TABLE_TRIES; i++) {
        CHECK(world_driver_take(&request) && request.block_number == 0);
        world_driver_answer(request.id, SDDF_BLK_ERR_IO, 0);
        world_step();
    }
    CHECK(world_driver_take(&request) && request.block_number == WORLD_DISK_BLOCKS - 1);
    CHECK(block_virt_partition_table(&world.virt)->gpt_codes[0] == PARTITION_ERR_GPT_READ);
}

static void what_could_not_be_read_is_read_when_the_driver_notifies(void)
{
    begin_with_a_disk_that_fails(BLOCK_VIRT_TABLE_TRIES);
    CHECK(block_virt_step_notified(&world.virt, 1, 0) == 0 && driver_sees_nothing());
    CHECK(block_virt_step_notified(&world.virt, DRIVER_NOTIFIED, 0) == DRIVER_NOTIFIED);
    CHECK(fail_table_reads(BLOCK_VIRT_TABLE_TRIES) == 0 && driver_sees_nothing() && has_no_disk(0));
    CHECK(block_virt_step_notified(&world.virt, DRIVER_NOTIFIED, 0) == DRIVER_NOTIFIED);
    CHECK(world_driver_work(1) == 1 && world_step() == 3);
    CHECK(has_its_disk(0) && has_its_disk(1));
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_run();
    CHECK(hears(1, 1, SDDF_BLK_OK, 1));
    CHECK(block_virt_step_notified(&world.virt, DRIVER_NOTIFIED, 0) == 0 && driver_sees_nothing());
}

static void what_could_not_be_read_is_read_when_the_driver_comes_back(void)
{
    begin_with_a_disk_that_fails(BLOCK_VIRT_TABLE_TRIES);
    world.driver.info.ready = 0;
    world_step();
    world_driver_ready();
    world_run();
    CHECK(has_its_disk(0) && has_its_disk(1));
}

static void a_table_that_was_read_is_not_read_again(void)
{
    world_set_up(1, 8);
    world_disk[0][510] = 0;
    world_begin();
    world_driver_ready();
    world_run();
    CHECK(block_virt_client_status(&world.virt, 0) == PARTITION_ERR_NO_TABLE);
    CHECK(block_virt_step_notified(&world.virt, DRIVER_NOTIFIED, 0) == 0 && driver_sees_nothing());
}

static void a_partition_may_be_named_by_its_identifier(void)
{
    world_set_up(2, 8);
    world_disk[0][440] = 0x0f;
    world.client_configs[0].partuuid = "0000000f-03";
    world.client_configs[1].partlabel = "logs";
    world_begin();
    world_driver_ready();
    world_run();
    CHECK(has_its_disk(0) && has_no_disk(1));
    CHECK(block_virt_client_status(&world.virt, 1) == PARTITION_ERR_MISSING);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_step();
    uint32_t id;
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base, FIRST_BLOCK(2), 1, &id));
}

/* Clients 0 and 1, one by index and one by identifier, of which the first is client `named`. */
static void share_a_partition(uint32_t named, bool first_only_reads, bool second_only_reads)
{
    world_set_up(3, 8);
    world.client_configs[1].partition = 0;
    world.client_configs[named].partition = 7;
    world.client_configs[named].partuuid = "00000000-01";
    world.client_configs[0].read_only = first_only_reads;
    world.client_configs[1].read_only = second_only_reads;
    world_begin();
    world_driver_ready();
    world_run();
    CHECK(has_its_disk(0) && has_its_disk(2));
}

static void a_partition_with_two_names_is_written_by_one(void)
{
    for (uint32_t i = 0; i < 8; i++) {
        bool both_read = (i & 6) == 6;
        share_a_partition(i & 1, (i & 2) != 0, (i & 4) != 0);
        CHECK(both_read ? has_its_disk(1) : has_no_disk(1));
        CHECK(block_virt_client_status(&world.virt, 1) == (both_read ? PARTITION_OK : PARTITION_ERR_SHARED));
    }
    world.driver.info.ready = 0;
    world_step();
    world_driver_ready();
    world_run();
    CHECK(has_its_disk(0) && has_its_disk(1));
}

static void store_le(uint8_t *bytes, uint64_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> 8 * i);
    }
}

static void the_mirrors_block_that_is_not_whole_is_asked_for(void)
{
    static const bool extended[] = { true, false };
    for (uint32_t i = 0; i < 2; i++) {
        struct sddf_blk_request request;
        world_set_up(1, 8);
        world.config.driver.connection.extended = extended[i];
        world_mbr_entry(0, 0, 1000);
        world_disk[0][446 + 4] = 0xee;
        store_le(&world_disk[0][446 + 8], 1, 4);
        memset(&world_disk[0][512], 0, 512);
        world_begin();
        world.driver.info.sdfgen_tail_sectors = 5;
        world_driver_ready();
        world_step();
        for (uint32_t block = 0; block < 2; block++) {
            CHECK(world_driver_work(1) == 1);
            world_step();
        }
        CHECK(world_driver_take(&request) && request.block_count == 1);
        CHECK(request.block_number == (extended[i] ? WORLD_DISK_BLOCKS : WORLD_DISK_BLOCKS - 1));
    }
}

static void a_disk_that_makes_no_sense_has_no_partitions(void)
{
    world_set_up(1, 8);
    world_begin();
    world.driver.info.sector_bytes = 520;
    world.driver.info.capacity_blocks = WORLD_DISK_BLOCKS;
    world.driver.info.ready = 1;
    CHECK(world_step() == 1 && driver_sees_nothing());
    CHECK(block_virt_client_status(&world.virt, 0) == PARTITION_ERR_DISK);
    CHECK(world.clients[0].shared.info.sector_bytes == 512);
}

static bool cache_call_is(uint32_t index, bool invalidate, const void *at, size_t size_bytes)
{
    const struct world_cache_call *call = &world.cache_calls[index];
    return call->invalidate == invalidate && call->vaddr == (uintptr_t)at && call->size_bytes == size_bytes;
}

static void caches_are_kept_where_they_are_mapped_so(void)
{
    world_set_up(2, 8);
    world.client_configs[0].data.cached = true;
    world.config.driver.data.cached = true;
    world_begin();
    world_driver_ready();
    world_run();
    CHECK(world.cache_call_count == 2);
    CHECK(cache_call_is(0, true, world_driver_data, BLOCK) && cache_call_is(1, true, world_driver_data, BLOCK));
    world_ask(0, ask(SDDF_BLK_WRITE, BLOCK, 0, 2, 1));
    world_ask(0, ask(SDDF_BLK_READ, 5 * BLOCK, 0, 3, 2));
    world_ask(0, ask(SDDF_BLK_FLUSH, 0, 0, 0, 3));
    world_ask(0, ask(SDFGEN_BLOCK_WRITE_ZEROES, 0, 0, 9, 4));
    world_ask(0, ask(SDDF_BLK_READ, 64 * BLOCK, 0, 3, 5));
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 3, 5));
    world_step();
    CHECK(world.cache_call_count == 4);
    CHECK(cache_call_is(2, false, world_data[0][1], 2 * BLOCK));
    CHECK(cache_call_is(3, true, world_data[0][5], 3 * BLOCK));
    world_run();
    CHECK(world.cache_call_count == 5 && cache_call_is(4, true, world_data[0][5], 3 * BLOCK));
}

static void what_a_restarting_driver_had_taken_is_done_by_its_successor(void)
{
    uint32_t id;
    world_serve(1, 8);
    for (uint32_t i = 0; i < 3; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, i, 1, i));
    }
    world_step();
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base, FIRST_BLOCK(0), 1, &id));
    world.driver.info.ready = 0;
    world_ask(0, ask(SDDF_BLK_READ, 0, 3, 1, 3));
    CHECK(world_step() == 0 && hears_nothing(0));
    CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_WAIT_DRIVER);
    world_driver_ready();
    world_driver_answer(id, SDDF_BLK_OK, 1);
    world_run();
    CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_SERVE && block_virt_stray_responses(&world.virt) == 1);
    static const uint32_t queued_taken_new[] = { 1, 2, 0, 3 };
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(hears(0, queued_taken_new[i], SDDF_BLK_OK, 1));
    }
}

static void a_restart_with_another_disk_ends_service(void)
{
    world_serve(2, 8);
    world.driver.info.ready = 0;
    world_step();
    world_mbr_entry(0, 16, 992);
    world_driver_ready();
    world_run();
    CHECK(block_virt_client_state(&world.virt, 0) == BLOCK_VIRT_CLIENT_NO_PARTITION);
    CHECK(block_virt_client_state(&world.virt, 1) == BLOCK_VIRT_CLIENT_SERVED);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_run();
    CHECK(hears(0, 1, SDDF_BLK_ERR_NO_DEVICE, 0) && hears(1, 1, SDDF_BLK_OK, 1));
    CHECK(world.clients[0].shared.info.capacity_blocks == PARTITION_BLOCKS);
}

static void a_restart_with_a_disk_now_read_only_changes_nothing(void)
{
    uint32_t id;
    world_set_up(1, 8);
    world.driver.info.queue_depth = 1;
    world_begin();
    world_driver_ready();
    world_run();
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_ask(0, ask(SDDF_BLK_WRITE, 0, 0, 1, 2));
    world_step();
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base, FIRST_BLOCK(0), 1, &id));
    world.driver.info.ready = 0;
    world_step();
    CHECK(hears_nothing(0));
    world.driver.info.read_only = 1;
    world_driver_ready();
    world_run();
    CHECK(hears(0, 2, SDDF_BLK_ERR_NO_DEVICE, 0) && hears(0, 1, SDDF_BLK_OK, 1));
    changes_are_refused(0);
}

static void a_block_of_an_earlier_reading_is_not_parsed(void)
{
    world_set_up(1, 8);
    world_begin();
    world_driver_ready();
    world_step();
    world.driver.info.ready = 0;
    world_step();
    world_driver_ready();
    world_step();
    CHECK(block_queue_filled(&world.driver_requests.end) == 1);
    CHECK(world_driver_work(UINT32_MAX) == 1);
    world_step();
    CHECK(block_virt_state(&world.virt) == BLOCK_VIRT_READ_PARTITIONS && world_driver_work(UINT32_MAX) == 1);
    CHECK(world_step() == 1 && block_virt_state(&world.virt) == BLOCK_VIRT_SERVE);
}

static void only_notified_clients_are_looked_at(void)
{
    world_serve(BLOCK_MAX_CLIENTS, 8);
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    CHECK(block_virt_step_notified(&world.virt, UINT64_C(1) << 1 | UINT64_C(1) << 63, 0) == DRIVER_NOTIFIED);
    CHECK(world_driver_work(UINT32_MAX) == 1);
    CHECK(block_virt_step_notified(&world.virt, DRIVER_NOTIFIED, 0) == 2 && driver_sees_nothing());
    CHECK(block_virt_step_notified(&world.virt, 1, 0) == DRIVER_NOTIFIED);
}

static void as_many_clients_as_there_can_be(void)
{
    world_serve(BLOCK_MAX_CLIENTS, 8);
    for (uint32_t i = 0; i < BLOCK_MAX_CLIENTS; i++) {
        CHECK(world.clients[i].shared.info.ready == 1);
        CHECK(block_virt_client_status(&world.virt, i) == (i < 4 ? PARTITION_OK : PARTITION_ERR_MISSING));
        world_ask(i, ask(SDDF_BLK_READ, 0, 0, 1, i));
    }
    world_run();
    for (uint32_t i = 0; i < BLOCK_MAX_CLIENTS; i++) {
        CHECK(hears(i, i, i < 4 ? SDDF_BLK_OK : SDDF_BLK_ERR_NO_DEVICE, i < 4 ? 1 : 0));
    }
    CHECK(block_virt_client_state(&world.virt, BLOCK_MAX_CLIENTS) == BLOCK_VIRT_CLIENT_CUT_OFF);
    CHECK(block_virt_client_status(&world.virt, BLOCK_MAX_CLIENTS) == PARTITION_ERR_MISSING);
    CHECK(block_virt_client_counters(&world.virt, BLOCK_MAX_CLIENTS) == NULL);
}

static void every_state_has_a_text_of_its_own(void)
{
    const char *texts[10];
    for (uint32_t i = 0; i < 5; i++) {
        texts[i] = block_virt_state_text((enum block_virt_state)i);
        texts[5 + i] = block_virt_client_state_text((enum block_virt_client_state)i);
    }
    for (uint32_t i = 0; i < 10; i++) {
        CHECK(texts[i] != NULL && strcmp(texts[i], "unknown state") != 0);
        for (uint32_t j = 0; j < i; j++) {
            CHECK(strcmp(texts[i], texts[j]) != 0);
        }
    }
    CHECK(strcmp(block_virt_state_text((enum block_virt_state)5), "unknown state") == 0);
    CHECK(strcmp(block_virt_client_state_text((enum block_virt_client_state)5), "unknown state") == 0);
}

const struct unit_test block_virt_life_tests[] = {
    UNIT_TEST(a_client_without_a_partition_has_an_empty_disk),
    UNIT_TEST(a_table_that_cannot_be_read_is_no_table),
    UNIT_TEST(a_failed_read_of_the_table_is_tried_again),
    UNIT_TEST(each_block_of_the_table_has_its_tries),
    UNIT_TEST(what_could_not_be_read_is_read_when_the_driver_notifies),
    UNIT_TEST(what_could_not_be_read_is_read_when_the_driver_comes_back),
    UNIT_TEST(a_table_that_was_read_is_not_read_again),
    UNIT_TEST(the_mirrors_block_that_is_not_whole_is_asked_for),
    UNIT_TEST(a_partition_may_be_named_by_its_identifier),
    UNIT_TEST(a_partition_with_two_names_is_written_by_one),
    UNIT_TEST(a_disk_that_makes_no_sense_has_no_partitions),
    UNIT_TEST(caches_are_kept_where_they_are_mapped_so),
    UNIT_TEST(what_a_restarting_driver_had_taken_is_done_by_its_successor),
    UNIT_TEST(a_restart_with_another_disk_ends_service),
    UNIT_TEST(a_restart_with_a_disk_now_read_only_changes_nothing),
    UNIT_TEST(a_block_of_an_earlier_reading_is_not_parsed),
    UNIT_TEST(only_notified_clients_are_looked_at),
    UNIT_TEST(as_many_clients_as_there_can_be),
    UNIT_TEST(every_state_has_a_text_of_its_own),
    { .name = NULL },
};
