/* SPDX-License-Identifier: BSD-2-Clause */
/* Long requests, handed on in pieces; how long others wait beside them. */
#include <string.h>

#include "block_virt_unit.h"

#define PIECE BLOCK_VIRT_QUANTUM_BLOCKS
#define MOST_WAITING 64u

static void serve_and_share(uint32_t clients)
{
    world_serve(clients, 512);
    share();
}

static void a_client_alone_is_handed_on_whole(void)
{
    const uint16_t most = BLOCK_VIRT_ALONE_PIECE_BLOCKS;
    uint32_t id = 0;
    world_serve(2, 512);
    world_ask(0, ask(SDDF_BLK_WRITE, 0, 0, WORLD_DATA_BLOCKS, 2));
    world_ask(0, ask(SDFGEN_BLOCK_WRITE_ZEROES, 0, 0, 3 * most, 1));
    world_step();
    CHECK(driver_sees(SDDF_BLK_WRITE, world.clients[0].io_base, FIRST_BLOCK(0), WORLD_DATA_BLOCKS, &id));
    CHECK(driver_sees(SDFGEN_BLOCK_WRITE_ZEROES, 0, FIRST_BLOCK(0), most, &id) && driver_sees_nothing());
    world_driver_answer(id, SDDF_BLK_OK, most);
    world_step();
    CHECK(driver_sees(SDFGEN_BLOCK_WRITE_ZEROES, 0, FIRST_BLOCK(0) + most, most, &id) && driver_sees_nothing());
}

static void pieces_are_next_to_each_other_and_answered_once(void)
{
    uint32_t ids[2] = { 0 };
    serve_and_share(2);
    world_ask(0, ask(SDDF_BLK_READ, 4 * BLOCK, 7, 2 * PIECE - 4, 9));
    world_step();
    uint64_t first = world.clients[0].io_base + 4 * BLOCK;
    CHECK(driver_sees(SDDF_BLK_READ, first, FIRST_BLOCK(0) + 7, PIECE, &ids[0]));
    CHECK(driver_sees(SDDF_BLK_READ, first + PIECE * BLOCK, FIRST_BLOCK(0) + 7 + PIECE, PIECE - 4, &ids[1]));
    world_driver_answer(ids[1], SDDF_BLK_OK, PIECE - 4);
    world_step();
    CHECK(hears_nothing(0));
    world_driver_answer(ids[0], SDDF_BLK_OK, PIECE);
    world_step();
    CHECK(hears(0, 9, SDDF_BLK_OK, 2 * PIECE - 4) && hears_nothing(0));
    CHECK(block_virt_client_counters(&world.virt, 0)->requests == 1);
}

static void data_in_pieces_arrives_where_it_belongs(void)
{
    serve_and_share(2);
    for (uint32_t i = 0; i < 2 * PIECE; i++) {
        memset(world_data[0][i], (int)i, BLOCK);
    }
    world_ask(0, ask(SDDF_BLK_WRITE, 0, 100, 2 * PIECE, 1));
    world_run();
    CHECK(hears(0, 1, SDDF_BLK_OK, 2 * PIECE));
    for (uint32_t i = 0; i < 2 * PIECE; i++) {
        CHECK(world_disk[FIRST_BLOCK(0) + 100 + i][i] == (uint8_t)i);
    }
}

static void a_range_leaves_no_block_out(void)
{
    serve_and_share(2);
    memset(world_disk[FIRST_BLOCK(0)], 0xee, PARTITION_BLOCKS * BLOCK);
    world_ask(0, ask(SDFGEN_BLOCK_WRITE_ZEROES, 0, 1, PARTITION_BLOCKS - 2, 1));
    world_run();
    CHECK(hears(0, 1, SDDF_BLK_OK, PARTITION_BLOCKS - 2));
    for (uint32_t i = 0; i < PARTITION_BLOCKS; i++) {
        bool kept = i == 0 || i == PARTITION_BLOCKS - 1;
        CHECK(world_disk[FIRST_BLOCK(0) + i][17] == (kept ? 0xee : 0));
    }
}

struct end {
    uint32_t piece; /* of the two that are under way */
    uint32_t status;
    uint16_t count;
};

/* They end so, in this order; then nothing more of the request is handed on. */
static void ends(struct end first, struct end second, uint32_t status, uint16_t count)
{
    struct sddf_blk_request pieces[2];
    serve_and_share(2);
    world_ask(0, ask(SDFGEN_BLOCK_DISCARD, 0, 0, 10 * PIECE, 5));
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 6));
    world_step();
    CHECK(world_driver_take(&pieces[0]) && world_driver_take(&pieces[1]) && driver_sees_nothing());
    world_driver_answer(pieces[first.piece].id, first.status, first.count);
    world_driver_answer(pieces[second.piece].id, second.status, second.count);
    world_step();
    CHECK(hears(0, 5, status, count) && hears_nothing(0));
    CHECK(world_driver_work(UINT32_MAX) == 1);
    world_run();
    CHECK(hears(0, 6, SDDF_BLK_OK, 1));
}

static void the_worst_status_of_all_pieces_counts(void)
{
    const struct end done[] = { { 0, SDDF_BLK_OK, PIECE }, { 1, SDDF_BLK_OK, PIECE } };
    const struct end failed[] = { { 0, SDDF_BLK_ERR_IO, 7 }, { 1, SDDF_BLK_ERR_IO, 3 } };
    const struct end gone[] = { { 0, SDDF_BLK_ERR_NO_DEVICE, 0 }, { 1, SDDF_BLK_ERR_NO_DEVICE, 0 } };
    ends(failed[1], done[0], SDDF_BLK_ERR_IO, PIECE + 3);
    ends(done[1], failed[0], SDDF_BLK_ERR_IO, 7);
    ends(failed[0], failed[1], SDDF_BLK_ERR_IO, 7);
    ends(gone[1], failed[0], SDDF_BLK_ERR_NO_DEVICE, 7);
    ends(failed[1], gone[0], SDDF_BLK_ERR_NO_DEVICE, 0);
}

static void a_barrier_waits_for_all_pieces(void)
{
    struct sddf_blk_request piece;
    serve_and_share(2);
    world_ask(0, ask(SDFGEN_BLOCK_WRITE_ZEROES, 0, 0, 5 * PIECE, 1));
    world_ask(0, ask(SDDF_BLK_BARRIER, 0, 0, 0, 2));
    world_ask(0, ask(SDDF_BLK_FLUSH, 0, 0, 0, 3));
    for (uint32_t i = 0; i < 5; i++) {
        world_step();
        CHECK(hears_nothing(0) && world_driver_take(&piece) && piece.code == SDFGEN_BLOCK_WRITE_ZEROES);
        world_driver_answer(piece.id, SDDF_BLK_OK, piece.block_count);
    }
    CHECK(driver_sees_nothing());
    world_run();
    CHECK(hears(0, 1, SDDF_BLK_OK, 5 * PIECE) && hears(0, 2, SDDF_BLK_OK, 0) && hears(0, 3, SDDF_BLK_OK, 0));
}

static void a_flush_comes_after_the_last_piece(void)
{
    struct sddf_blk_request request;
    serve_and_share(2);
    world_ask(0, ask(SDFGEN_BLOCK_WRITE_ZEROES, 0, 0, 3 * PIECE, 1));
    world_ask(0, ask(SDDF_BLK_FLUSH, 0, 0, 0, 2));
    for (uint32_t i = 0; i < 4; i++) {
        world_step();
        CHECK(world_driver_take(&request) && request.code == (i < 3 ? SDFGEN_BLOCK_WRITE_ZEROES : SDDF_BLK_FLUSH));
        world_driver_answer(request.id, SDDF_BLK_OK, request.block_count);
    }
}

/* ---- Ends of clients and drivers in the middle of a request ---- */

static void begin_a_long_request(uint32_t answered)
{
    serve_and_share(2);
    world_ask(0, ask(SDFGEN_BLOCK_WRITE_ZEROES, 0, 0, 10 * PIECE, 5));
    world_step();
    CHECK(world_driver_work(answered) == answered);
}

/* Nothing has leaked: as many requests in pieces as there can be are served. */
static void all_is_free(uint32_t client)
{
    for (uint32_t i = 0; i < 2 * BLOCK_VIRT_MAX_WHOLES; i++) {
        world_ask(client, ask(SDFGEN_BLOCK_DISCARD, 0, 0, PIECE + 1, i));
        world_run();
        CHECK(hears(client, i, SDDF_BLK_OK, PIECE + 1));
    }
    CHECK(world.virt.free_count == BLOCK_VIRT_MAX_IN_FLIGHT && world.virt.free_whole_count == BLOCK_VIRT_MAX_WHOLES);
}

static void a_client_cut_off_between_pieces_leaves_nothing(void)
{
    for (uint32_t answered = 0; answered <= 2; answered++) {
        begin_a_long_request(answered);
        world_requests(&world.clients[0].shared)->tail += 4000;
        world_run();
        CHECK(block_virt_client_state(&world.virt, 0) == BLOCK_VIRT_CLIENT_CUT_OFF);
        all_is_free(1);
    }
}

static void a_driver_that_restarts_between_pieces_does_them_again(void)
{
    for (uint32_t answered = 0; answered <= 2; answered++) {
        begin_a_long_request(answered);
        struct sddf_blk_request request;
        while (answered < 2 && world_driver_take(&request)) {
        }
        world.driver.info.ready = 0;
        world_step();
        world_driver_ready();
        world_run();
        CHECK(hears(0, 5, SDDF_BLK_OK, 10 * PIECE) && hears_nothing(0));
        all_is_free(0);
    }
}

static void a_driver_lost_between_pieces_fails_the_request(void)
{
    for (uint32_t answered = 0; answered <= 2; answered++) {
        begin_a_long_request(answered);
        world_responses(&world.driver)->tail += 4000;
        world_run();
        struct sddf_blk_response response;
        CHECK(world_hear(0, &response) && response.id == 5 && response.status == SDDF_BLK_ERR_NO_DEVICE);
        CHECK(hears_nothing(0));
        CHECK(world.virt.free_whole_count == BLOCK_VIRT_MAX_WHOLES);
    }
}

/* ---- How long others wait ---- */

/* Clients from 1 on keep their queues full of these; after `idle` pieces client 0 asks, a block at a time. */
struct flood {
    uint32_t clients;
    uint32_t code;
    uint16_t count;
    uint32_t idle;
    uint32_t weight; /* of each of them */
};

static uint32_t cost(const struct sddf_blk_request *request)
{
    return request->code == SDDF_BLK_FLUSH ? BLOCK_VIRT_QUANTUM_BLOCKS : request->block_count;
}

static void keep_flooding(const struct flood *flood)
{
    for (uint32_t i = 1; i < flood->clients; i++) {
        while (!hears_nothing(i)) {
        }
        while (block_queue_room(&world.clients[i].requests.end) != 0) {
            world_ask(i, ask(flood->code, 0, 0, flood->count, i));
        }
    }
}

/* A driver that serves in order of arrival, one at a time. The most that it does before an answer of client 0's. */
static uint32_t worst_wait(const struct flood *flood)
{
    static struct sddf_blk_request line[BLOCK_VIRT_MAX_IN_FLIGHT];
    uint32_t waited = 0;
    uint32_t worst = 0;
    uint32_t reads = 0;
    world_set_up(flood->clients, MOST_WAITING);
    world.driver.info.queue_depth = 64;
    for (uint32_t i = 1; i < flood->clients; i++) {
        world.client_configs[i].weight = flood->weight;
    }
    world_begin();
    world_driver_ready();
    world_run();
    uint32_t head = 0;
    for (uint32_t tail = 0, done = 0; reads < 20 && done < 100000; done++) {
        keep_flooding(flood);
        bool asks = done == flood->idle;
        if (asks || (done > flood->idle && hears(0, 7, SDDF_BLK_OK, 1))) {
            reads += !asks;
            worst = !asks && waited > worst ? waited : worst;
            waited = 0;
            world_ask(0, ask(SDDF_BLK_READ, 0, 5, 1, 7));
        }
        world_step();
        while (world_driver_take(&line[tail % BLOCK_VIRT_MAX_IN_FLIGHT])) {
            tail++;
        }
        CHECK(head != tail);
        const struct sddf_blk_request *request = &line[head++ % BLOCK_VIRT_MAX_IN_FLIGHT];
        waited += request->io_or_offset == world.clients[0].io_base ? 0 : cost(request);
        world_driver_answer(request->id, SDDF_BLK_OK, request->block_count);
        world_step();
    }
    CHECK(reads == 20);
    return worst;
}

static void nobody_waits_longer_than_is_stated(void)
{
    static const struct flood floods[] = {
        { 2, SDFGEN_BLOCK_WRITE_ZEROES, PARTITION_BLOCKS, 0, 1 },
        { 2, SDFGEN_BLOCK_DISCARD, PARTITION_BLOCKS, 0, 1 },
        { 2, SDDF_BLK_WRITE, WORLD_DATA_BLOCKS, 0, 1 },
        { 2, SDDF_BLK_WRITE, 1, 0, 1 },
        { 2, SDDF_BLK_FLUSH, 0, 0, 1 },
        { 4, SDFGEN_BLOCK_WRITE_ZEROES, PARTITION_BLOCKS, 0, 1 },
        { 4, SDDF_BLK_FLUSH, 0, 0, 1 },
        { 4, SDDF_BLK_READ, WORLD_DATA_BLOCKS, 0, 1 },
    };
    for (uint32_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        const uint32_t others = floods[i].clients - 1;
        CHECK(worst_wait(&floods[i]) <= others * (BLOCK_VIRT_BESIDE_SHALLOW_BLOCKS + BLOCK_VIRT_QUANTUM_BLOCKS));
    }
}

static void heavier_clients_are_waited_for_as_long_as_is_stated(void)
{
    static const uint32_t codes[] = { SDFGEN_BLOCK_WRITE_ZEROES, SDDF_BLK_WRITE, SDDF_BLK_FLUSH };
    static const uint16_t counts[] = { PARTITION_BLOCKS, 1, 0 };
    for (uint32_t weight = 2; weight <= BLOCK_MAX_WEIGHT; weight *= 2) {
        for (uint32_t i = 0; i < 3; i++) {
            const struct flood flood = { 2 + i, codes[i], counts[i], 0, weight };
            const uint32_t all = (flood.clients - 1) * weight;
            const uint32_t worst = worst_wait(&flood);
            CHECK(worst <= all * (BLOCK_VIRT_BESIDE_SHALLOW_BLOCKS + BLOCK_VIRT_QUANTUM_BLOCKS));
            CHECK(i != 0 || worst > (weight - 1) * BLOCK_VIRT_BESIDE_SHALLOW_BLOCKS);
        }
    }
}

static void who_was_idle_waits_once_for_what_one_alone_has(void)
{
    static const struct flood alone = { 2, SDFGEN_BLOCK_WRITE_ZEROES, PARTITION_BLOCKS, 50, 1 };
    static const struct flood flushes = { 2, SDDF_BLK_FLUSH, 0, 200, 1 };
    CHECK(worst_wait(&alone) <= BLOCK_VIRT_ALONE_BLOCKS + BLOCK_VIRT_QUANTUM_BLOCKS);
    CHECK(worst_wait(&flushes) <= BLOCK_VIRT_ALONE_BLOCKS + BLOCK_VIRT_QUANTUM_BLOCKS);
}

static void one_long_request_keeps_its_client_busy(void)
{
    struct sddf_blk_request piece;
    world_set_up(2, 512);
    world_mbr_entry(0, 8, 2000);
    world_mbr_entry(1, 2008, 2000);
    world_begin();
    world_driver_ready();
    world_run();
    for (uint32_t i = 0; i < 2; i++) {
        world_ask(i, ask(SDFGEN_BLOCK_WRITE_ZEROES, 0, 0, 1900, 1));
    }
    world_step();
    while (world_driver_take(&piece)) {
        CHECK(piece.block_count <= PIECE);
        world_driver_answer(piece.id, SDDF_BLK_OK, piece.block_count);
        world_step();
    }
    CHECK(hears(0, 1, SDDF_BLK_OK, 1900) && hears(1, 1, SDDF_BLK_OK, 1900));
}

static void caches_are_kept_piece_by_piece(void)
{
    const struct world_cache_call *calls = world.cache_calls;
    world_set_up(2, 8);
    world.client_configs[0].data.cached = true;
    world_begin();
    world_driver_ready();
    world_run();
    share();
    world_ask(0, ask(SDDF_BLK_READ, 3 * BLOCK, 0, PIECE + 5, 1));
    world_run();
    CHECK(world.cache_call_count == 4);
    for (uint32_t i = 0; i < 4; i++) {
        const uint32_t blocks = i % 2 == 0 ? PIECE : 5;
        CHECK(calls[i].vaddr == (uintptr_t)world_data[0][i % 2 == 0 ? 3 : 3 + PIECE]);
        CHECK(calls[i].invalidate && calls[i].size_bytes == blocks * BLOCK);
    }
}

static void few_requests_of_one_are_with_the_driver_while_another_is_busy(void)
{
    serve_and_share(2);
    for (uint32_t i = 0; i < 32; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, i, 1, i));
    }
    world_step();
    CHECK(block_queue_filled(&world.driver_requests.end) == BLOCK_VIRT_SHARED_REQUESTS);
    for (uint32_t done = 0; done < 2 * BLOCK_VIRT_BUSY_BLOCKS; done++) {
        CHECK(world_driver_work(1) == 1);
        world_step();
        struct sddf_blk_response response;
        while (world_hear(0, &response)) {
            world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 1));
        }
    }
    world_step();
    CHECK(block_queue_filled(&world.driver_requests.end) == 32);
}

/* Blocks of client 0's, who wants all he can have, that are with the driver while client 1 has asked for so much. */
static uint32_t blocks_beside(uint32_t requests, uint16_t block_count, uint16_t own_block_count)
{
    struct sddf_blk_request piece;
    uint32_t blocks = 0;
    world_serve(2, 512);
    for (uint32_t i = 0; i < requests; i++) {
        world_ask(1, ask(SDFGEN_BLOCK_WRITE_ZEROES, 0, 0, block_count, i));
    }
    for (uint32_t i = 0; i < 64; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, 0, own_block_count, i));
    }
    world_step();
    while (world_driver_take(&piece)) {
        blocks += piece.io_or_offset - world.clients[0].io_base < WORLD_DATA_BLOCKS * BLOCK ? piece.block_count : 0;
    }
    return blocks;
}

static void who_has_little_at_a_time_waits_for_little(void)
{
    const uint32_t few = BLOCK_VIRT_SHALLOW_PIECES;
    for (uint32_t i = 1; i <= few; i++) {
        CHECK(blocks_beside(i, 1, 1) == BLOCK_VIRT_BESIDE_SHALLOW_REQUESTS);
        CHECK(blocks_beside(i, 1, WORLD_DATA_BLOCKS) == BLOCK_VIRT_BESIDE_SHALLOW_BLOCKS);
    }
    CHECK(blocks_beside(few + 1, 1, 1) == BLOCK_VIRT_SHARED_REQUESTS);
    CHECK(blocks_beside(few + 1, 1, WORLD_DATA_BLOCKS) == BLOCK_VIRT_SHARED_BLOCKS);
    CHECK(blocks_beside(1, (uint16_t)(few * PIECE), 1) == BLOCK_VIRT_BESIDE_SHALLOW_REQUESTS);
    CHECK(blocks_beside(1, (uint16_t)(few * PIECE + 1), 1) == BLOCK_VIRT_SHARED_REQUESTS);
}

const struct unit_test block_virt_pieces_tests[] = {
    UNIT_TEST(a_client_alone_is_handed_on_whole),
    UNIT_TEST(pieces_are_next_to_each_other_and_answered_once),
    UNIT_TEST(data_in_pieces_arrives_where_it_belongs),
    UNIT_TEST(a_range_leaves_no_block_out),
    UNIT_TEST(the_worst_status_of_all_pieces_counts),
    UNIT_TEST(a_barrier_waits_for_all_pieces),
    UNIT_TEST(a_flush_comes_after_the_last_piece),
    UNIT_TEST(a_client_cut_off_between_pieces_leaves_nothing),
    UNIT_TEST(a_driver_that_restarts_between_pieces_does_them_again),
    UNIT_TEST(a_driver_lost_between_pieces_fails_the_request),
    UNIT_TEST(nobody_waits_longer_than_is_stated),
    UNIT_TEST(heavier_clients_are_waited_for_as_long_as_is_stated),
    UNIT_TEST(who_was_idle_waits_once_for_what_one_alone_has),
    UNIT_TEST(one_long_request_keeps_its_client_busy),
    UNIT_TEST(caches_are_kept_piece_by_piece),
    UNIT_TEST(few_requests_of_one_are_with_the_driver_while_another_is_busy),
    UNIT_TEST(who_has_little_at_a_time_waits_for_little),
    { .name = NULL },
};
