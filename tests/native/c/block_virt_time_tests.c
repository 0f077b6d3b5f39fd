/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests that nobody answers in time, and what is kept of them until somebody does. */
#include "block_virt_unit.h"

#define TIMEOUT_MS 1000u
/* When the tests begin, and when what they ask then has failed. */
#define START_MS 5000u
#define END_MS (START_MS + TIMEOUT_MS)

/* Clients of this project's, or of sDDF's, in front of a driver that is ready. */
static void serve_in_time(uint32_t client_count, bool resilient)
{
    world_set_up(client_count, 8);
    world_be_resilient(TIMEOUT_MS);
    for (uint32_t i = 0; i < client_count; i++) {
        world.client_configs[i].connection.resilient = resilient;
    }
    world_begin();
    world_driver_ready();
    world.now_ms = START_MS;
    world_run();
}

static void serve_in_time_at_depth(uint16_t queue_depth)
{
    world_set_up(1, 8);
    world_be_resilient(TIMEOUT_MS);
    world.driver.info.queue_depth = queue_depth;
    world_begin();
    world_driver_ready();
    world.now_ms = START_MS;
    world_run();
}

/* Asks for one block, which the driver takes, and does not answer; the driver's id for it. */
static uint32_t ask_a_silent_driver(struct sddf_blk_request request)
{
    struct sddf_blk_request seen;
    world_ask(0, request);
    world_step_at(START_MS);
    CHECK(world_driver_take(&seen));
    return seen.id;
}

static void a_request_fails_in_time(void)
{
    serve_in_time(2, false);
    ask_a_silent_driver(ask(SDDF_BLK_READ, 0, 0, 1, 7));
    CHECK(block_virt_wake_ms(&world.virt) == END_MS);
    CHECK(world_step_at(END_MS - 1) == 0 && hears_nothing(0));
    CHECK(world_step_at(END_MS) == 1 && hears(0, 7, SDDF_BLK_ERR_IO, 0) && hears_nothing(0));
    CHECK(block_virt_wake_ms(&world.virt) == BLOCK_VIRT_NEVER && world.virt.in_flight == 1);
}

static void without_a_timeout_a_request_waits(void)
{
    serve_in_time(1, true);
    world.config.timeout_ms = 0;
    uint32_t id = ask_a_silent_driver(ask(SDDF_BLK_READ, 0, 0, 1, 7));
    CHECK(block_virt_wake_ms(&world.virt) == BLOCK_VIRT_NEVER);
    CHECK(world_step_at(UINT64_MAX - 1) == 0 && hears_nothing(0));
    world_driver_answer(id, SDDF_BLK_OK, 1);
    CHECK(world_step() == 1 && hears(0, 7, SDDF_BLK_OK, 1));
}

static void a_client_hears_that_a_request_failed_and_when_it_is_done_with(void)
{
    serve_in_time(1, true);
    uint32_t id = ask_a_silent_driver(ask(SDDF_BLK_READ, 0, 0, 1, 7));
    CHECK(world_step_at(END_MS) == 1 && hears(0, 7, SDFGEN_BLOCK_ERR_LATE, 0) && hears_nothing(0));
    CHECK(world_step_at(END_MS + 5 * TIMEOUT_MS) == 0 && hears_nothing(0));
    world_driver_answer(id, SDDF_BLK_OK, 1);
    CHECK(world_step() == 1 && hears(0, 7, SDDF_BLK_ERR_IO, 0) && hears_nothing(0));
    CHECK(world.virt.in_flight == 0 && block_virt_stray_responses(&world.virt) == 0);
}

static void a_late_transfer_reaches_no_other_requests_buffer(void)
{
    serve_in_time(2, false);
    uint32_t id = ask_a_silent_driver(ask(SDDF_BLK_READ, 2 * BLOCK, 0, 2, 7));
    world_step_at(END_MS);
    CHECK(hears(0, 7, SDDF_BLK_ERR_IO, 0));
    world_ask(0, ask(SDDF_BLK_WRITE, 3 * BLOCK, 100, 1, 1));
    world_ask(0, ask(SDDF_BLK_WRITE, BLOCK, 100, 2, 2));
    world_ask(0, ask(SDDF_BLK_READ, 0, 100, 64, 3));
    world_step();
    CHECK(driver_sees_nothing());
    CHECK(hears(0, 1, SDDF_BLK_ERR_IO, 0) && hears(0, 2, SDDF_BLK_ERR_IO, 0) && hears(0, 3, SDDF_BLK_ERR_IO, 0));
    world_ask(0, ask(SDDF_BLK_WRITE, 4 * BLOCK, 100, 1, 4));
    world_ask(0, ask(SDDF_BLK_WRITE, BLOCK, 101, 1, 5));
    world_ask(1, ask(SDDF_BLK_WRITE, 2 * BLOCK, 101, 1, 6));
    world_run();
    CHECK(hears(0, 4, SDDF_BLK_OK, 1) && hears(0, 5, SDDF_BLK_OK, 1) && hears(1, 6, SDDF_BLK_OK, 1));
    world_driver_answer(id, SDDF_BLK_OK, 2);
    world_ask(0, ask(SDDF_BLK_WRITE, 3 * BLOCK, 100, 1, 8));
    world_run();
    CHECK(hears(0, 8, SDDF_BLK_OK, 1) && hears_nothing(0));
}

/* The first of two requests with one buffer becomes late while the second waits for the driver. */
static void what_waits_gets_no_buffer_that_is_late(void)
{
    struct sddf_blk_request first;
    struct sddf_blk_request other;
    world_set_up(1, 8);
    world_be_resilient(TIMEOUT_MS);
    world.driver.info.queue_depth = 2;
    world_begin();
    world_driver_ready();
    world_run();
    world_ask(0, ask(SDDF_BLK_READ, 2 * BLOCK, 0, 2, 1));
    world_step_at(START_MS);
    CHECK(world_driver_take(&first));
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 2));
    world_ask(0, ask(SDDF_BLK_WRITE, 3 * BLOCK, 100, 2, 3));
    world_step_at(END_MS - 100);
    CHECK(world_driver_take(&other) && driver_sees_nothing());
    world_step_at(END_MS);
    CHECK(hears(0, 1, SDFGEN_BLOCK_ERR_LATE, 0) && hears(0, 3, SDDF_BLK_ERR_IO, 0));
    world_driver_answer(other.id, SDDF_BLK_OK, 1);
    world_step();
    CHECK(driver_sees_nothing() && hears(0, 2, SDDF_BLK_OK, 1));
}

/* It was taken before, and waits for the driver to take more; what uses other data goes on. */
static void what_waits_for_data_that_becomes_late_fails(void)
{
    uint32_t id;
    serve_in_time_at_depth(2);
    ask_a_silent_driver(ask(SDDF_BLK_READ, 2 * BLOCK, 0, 2, 7));
    world.now_ms = START_MS + TIMEOUT_MS / 2;
    world_ask(0, ask(SDDF_BLK_READ, 8 * BLOCK, 0, 1, 1));
    world_ask(0, ask(SDDF_BLK_READ, BLOCK, 100, 2, 2));
    world_ask(0, ask(SDDF_BLK_READ, 0, 200, 2, 3));
    world_step();
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base + 8 * BLOCK, FIRST_BLOCK(0), 1, &id));
    CHECK(hears_nothing(0) && world.virt.sessions[0].has_head);
    world_step_at(END_MS);
    CHECK(hears(0, 7, SDFGEN_BLOCK_ERR_LATE, 0) && hears(0, 2, SDDF_BLK_ERR_IO, 0) && hears_nothing(0));
    world_driver_answer(id, SDDF_BLK_OK, 1);
    world_step();
    CHECK(hears(0, 1, SDDF_BLK_OK, 1));
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base, FIRST_BLOCK(0) + 200, 2, &id));
}

/* Requests to block 10 and around, after a change of blocks 10 and 11 that is late. */
static void what_is_held_behind(uint32_t code)
{
    uint32_t id;
    serve_in_time(1, true);
    uint32_t late = ask_a_silent_driver(ask(code, 0, 10, 2, 7));
    world_step_at(END_MS);
    CHECK(hears(0, 7, SDFGEN_BLOCK_ERR_LATE, 0));
    world_ask(0, ask(SDDF_BLK_WRITE, 2 * BLOCK, 9, 1, 1));
    world_ask(0, ask(SDDF_BLK_READ, 2 * BLOCK, 12, 1, 2));
    world_run();
    CHECK(hears(0, 1, SDDF_BLK_OK, 1) && hears(0, 2, SDDF_BLK_OK, 1));
    world_ask(0, ask(SDDF_BLK_WRITE, 2 * BLOCK, 11, 1, 3));
    world_ask(0, ask(SDDF_BLK_READ, 3 * BLOCK, 9, 2, 4));
    CHECK(world_step() == 0 && driver_sees_nothing() && hears_nothing(0));
    world_driver_answer(late, SDDF_BLK_OK, 2);
    world_step();
    CHECK(driver_sees(SDDF_BLK_WRITE, world.clients[0].io_base + 2 * BLOCK, FIRST_BLOCK(0) + 11, 1, &id));
    CHECK(driver_sees(SDDF_BLK_READ, world.clients[0].io_base + 3 * BLOCK, FIRST_BLOCK(0) + 9, 2, &id));
}

static void a_late_change_overwrites_no_newer_one(void)
{
    what_is_held_behind(SDDF_BLK_WRITE);
    what_is_held_behind(SDFGEN_BLOCK_WRITE_ZEROES);
    what_is_held_behind(SDFGEN_BLOCK_DISCARD);
}

static void a_late_read_holds_up_nothing(void)
{
    serve_in_time(1, true);
    ask_a_silent_driver(ask(SDDF_BLK_READ, 0, 10, 1, 7));
    world_step_at(END_MS);
    world_ask(0, ask(SDDF_BLK_WRITE, BLOCK, 10, 1, 1));
    world_ask(0, ask(SDDF_BLK_FLUSH, 0, 0, 0, 2));
    world_run();
    CHECK(hears(0, 7, SDFGEN_BLOCK_ERR_LATE, 0) && hears(0, 1, SDDF_BLK_OK, 1) && hears(0, 2, SDDF_BLK_OK, 0));
}

static void what_is_held_up_fails_in_time(void)
{
    serve_in_time(1, true);
    ask_a_silent_driver(ask(SDDF_BLK_WRITE, 0, 10, 1, 7));
    world_step_at(END_MS);
    world_ask(0, ask(SDDF_BLK_WRITE, BLOCK, 10, 1, 1));
    world_ask(0, ask(SDDF_BLK_WRITE, BLOCK, 20, 1, 2));
    world_step();
    world_step_at(END_MS + TIMEOUT_MS / 2);
    world_ask(0, ask(SDDF_BLK_WRITE, BLOCK, 30, 1, 3));
    world_step();
    CHECK(hears(0, 7, SDFGEN_BLOCK_ERR_LATE, 0) && hears_nothing(0));
    world_step_at(END_MS + TIMEOUT_MS);
    CHECK(hears(0, 1, SDDF_BLK_ERR_IO, 0) && hears(0, 2, SDDF_BLK_ERR_IO, 0) && hears_nothing(0));
    CHECK(world_driver_work(UINT32_MAX) == 1 && world_step() == 1 && hears(0, 3, SDDF_BLK_OK, 1));
}

static void what_waits_for_its_turn_fails_in_time(void)
{
    world_set_up(2, 8);
    world_be_resilient(TIMEOUT_MS);
    world.driver.info.queue_depth = 1;
    world_begin();
    world_driver_ready();
    world_run();
    ask_a_silent_driver(ask(SDDF_BLK_READ, 0, 0, 1, 0));
    for (uint32_t i = 0; i < 3; i++) {
        world_ask(0, ask(SDDF_BLK_READ, BLOCK, 0, 1, 1 + i));
        world_ask(1, ask(SDDF_BLK_READ, BLOCK, 0, 1, i));
        world_step_at(START_MS + i * 100);
    }
    CHECK(hears_nothing(0) && hears_nothing(1));
    world_step_at(END_MS);
    CHECK(hears(0, 0, SDFGEN_BLOCK_ERR_LATE, 0) && hears(0, 1, SDDF_BLK_ERR_IO, 0) && hears_nothing(0));
    CHECK(hears(1, 0, SDDF_BLK_ERR_IO, 0) && hears_nothing(1));
    world_step_at(END_MS + 200);
    CHECK(hears(0, 2, SDDF_BLK_ERR_IO, 0) && hears(0, 3, SDDF_BLK_ERR_IO, 0));
    CHECK(hears(1, 1, SDDF_BLK_ERR_IO, 0) && hears(1, 2, SDDF_BLK_ERR_IO, 0) && driver_sees_nothing());
}

/* Late requests keep all slots of the response queue but one. */
static void what_waits_for_room_fails_in_time(void)
{
    uint64_t now_ms = START_MS;
    serve_in_time(1, true);
    for (uint32_t i = 0; i < 7; i++) {
        world_ask(0, ask(SDDF_BLK_READ, i * BLOCK, 0, 1, i));
        world_step();
        now_ms += TIMEOUT_MS;
        world_step_at(now_ms);
        CHECK(hears(0, i, SDFGEN_BLOCK_ERR_LATE, 0));
    }
    world_ask(0, ask(SDDF_BLK_READ, 7 * BLOCK, 0, 1, 7));
    world_step();
    CHECK(world.virt.in_flight == 7 && block_virt_wake_ms(&world.virt) == now_ms + TIMEOUT_MS);
    world_step_at(now_ms + TIMEOUT_MS);
    CHECK(hears(0, 7, SDDF_BLK_ERR_IO, 0) && hears_nothing(0));
    world_run();
    CHECK(world.virt.in_flight == 0 && block_queue_filled(&world.clients[0].responses.end) == 7);
}

/* Asks once a millisecond, in bursts that share a mark, and hears each error within its part of the timeout. */
static void arrivals_are_kept_apart_well_enough(void)
{
    uint32_t heard = 0;
    world_set_up(1, 512);
    world_be_resilient(TIMEOUT_MS);
    world_begin();
    for (uint32_t at = 0; at < 3 * TIMEOUT_MS; at += 5) {
        struct sddf_blk_response response;
        world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, at));
        world_step_at(at);
        while (world_hear(0, &response)) {
            uint32_t waited_ms = at - response.id;
            CHECK(response.status == SDDF_BLK_ERR_IO && response.id == 5 * heard++);
            CHECK(waited_ms <= TIMEOUT_MS && waited_ms + TIMEOUT_MS / BLOCK_VIRT_ARRIVAL_MARKS >= TIMEOUT_MS - 5);
        }
    }
    CHECK(heard >= 2 * TIMEOUT_MS / 5);
}

static void a_barrier_does_not_wait_for_what_has_failed(void)
{
    serve_in_time(1, true);
    ask_a_silent_driver(ask(SDDF_BLK_READ, 0, 0, 1, 7));
    world_ask(0, ask(SDDF_BLK_BARRIER, 0, 0, 0, 8));
    world_ask(0, ask(SDDF_BLK_READ, BLOCK, 0, 1, 9));
    world_step();
    CHECK(hears_nothing(0));
    world_step_at(END_MS);
    CHECK(hears(0, 7, SDFGEN_BLOCK_ERR_LATE, 0) && hears(0, 8, SDDF_BLK_OK, 0) && hears(0, 9, SDDF_BLK_ERR_IO, 0));
}

static void a_full_response_queue_is_not_written_over(void)
{
    serve_in_time(1, true);
    for (uint32_t i = 0; i < 8; i++) {
        world_ask(0, ask(SDDF_BLK_READ, i * BLOCK, 0, 1, i));
    }
    world_step();
    CHECK(block_queue_filled(&world.driver_requests.end) == 4);
    world_step_at(END_MS);
    CHECK(block_queue_filled(&world.clients[0].responses.end) == 4);
    CHECK(world_driver_work(UINT32_MAX) == 4);
    world_step();
    CHECK(block_queue_filled(&world.clients[0].responses.end) == 8);
    CHECK(block_virt_client_state(&world.virt, 0) == BLOCK_VIRT_CLIENT_SERVED);
    for (uint32_t i = 0; i < 8; i++) {
        CHECK(hears(0, i % 4, i < 4 ? SDFGEN_BLOCK_ERR_LATE : SDDF_BLK_ERR_IO, 0));
    }
    world_step();
    CHECK(hears(0, 4, SDDF_BLK_ERR_IO, 0));
}

static void a_client_that_is_cut_off_leaves_nothing_behind(void)
{
    serve_in_time(1, true);
    uint32_t id = ask_a_silent_driver(ask(SDDF_BLK_WRITE, 0, 10, 1, 7));
    world_requests(&world.clients[0].shared)->tail += 100;
    world_step_at(END_MS);
    CHECK(block_virt_client_state(&world.virt, 0) == BLOCK_VIRT_CLIENT_CUT_OFF && world.virt.late == 1);
    world_driver_answer(id, SDDF_BLK_OK, 1);
    CHECK(world_step() == 0 && world.virt.in_flight == 0 && world.virt.late == 0);
}

/* Two clients that are busy, so that a long request of client 0 is with the driver in two pieces, which it has taken. */
static void hand_on_two_pieces(struct sddf_blk_request pieces[2])
{
    serve_in_time(2, true);
    share();
    world_ask(0, ask(SDFGEN_BLOCK_WRITE_ZEROES, 0, 10, 4 * BLOCK_VIRT_QUANTUM_BLOCKS, 7));
    world_step_at(START_MS);
    CHECK(world_driver_take(&pieces[0]) && world_driver_take(&pieces[1]) && driver_sees_nothing());
}

static void a_request_in_pieces_is_late_once(void)
{
    for (uint32_t first = 0; first < 2; first++) {
        struct sddf_blk_request pieces[2];
        hand_on_two_pieces(pieces);
        world_step_at(END_MS);
        CHECK(hears(0, 7, SDFGEN_BLOCK_ERR_LATE, 0) && hears_nothing(0) && driver_sees_nothing());
        const struct block_virt_client_counters *counters = block_virt_client_counters(&world.virt, 0);
        CHECK(counters->errors == 1 && counters->refused == 0);
        world_driver_answer(pieces[first].id, SDDF_BLK_OK, BLOCK_VIRT_QUANTUM_BLOCKS);
        CHECK(world_step() == 0 && hears_nothing(0) && driver_sees_nothing());
        world_driver_answer(pieces[1 - first].id, SDDF_BLK_OK, BLOCK_VIRT_QUANTUM_BLOCKS);
        world_step();
        CHECK(hears(0, 7, SDDF_BLK_ERR_IO, 0) && hears_nothing(0) && driver_sees_nothing());
        CHECK(world.virt.in_flight == 0 && world.virt.free_whole_count == BLOCK_VIRT_MAX_WHOLES);
    }
}

static void a_request_of_which_pieces_were_done_has_one_deadline(void)
{
    uint32_t id = 0;
    struct sddf_blk_request pieces[2];
    hand_on_two_pieces(pieces);
    world_driver_answer(pieces[0].id, SDDF_BLK_OK, BLOCK_VIRT_QUANTUM_BLOCKS);
    world_step_at(END_MS - 1);
    CHECK(driver_sees(SDFGEN_BLOCK_WRITE_ZEROES, 0, FIRST_BLOCK(0) + 10 + 2 * BLOCK_VIRT_QUANTUM_BLOCKS,
                      BLOCK_VIRT_QUANTUM_BLOCKS, &id));
    world_step_at(END_MS);
    CHECK(hears(0, 7, SDFGEN_BLOCK_ERR_LATE, 0) && hears_nothing(0) && driver_sees_nothing());
    world_driver_answer(id, SDDF_BLK_ERR_IO, 0);
    world_driver_answer(pieces[1].id, SDDF_BLK_OK, BLOCK_VIRT_QUANTUM_BLOCKS);
    world_step();
    CHECK(hears(0, 7, SDDF_BLK_ERR_IO, 0) && hears_nothing(0) && driver_sees_nothing());
}

/* A piece that waits for another driver fails at once, one that is with the next one is late. */
static void pieces_of_two_drivers_are_told_of_once(void)
{
    struct sddf_blk_request pieces[2];
    hand_on_two_pieces(pieces);
    world_driver_start();
    world_step();
    CHECK(world.virt.again == 2);
    world.driver.info.queue_depth = 1;
    world_driver_ready();
    world_step();
    CHECK(world_driver_work(1) == 1); /* the tables */
    world_step();
    CHECK(world.virt.again == 1 && world.virt.in_flight == 2);
    world_step_at(END_MS);
    CHECK(hears(0, 7, SDFGEN_BLOCK_ERR_LATE, 0) && hears_nothing(0) && world.virt.late == 1 && world.virt.again == 0);
    CHECK(world_driver_work(1) == 1);
    world_step();
    CHECK(hears(0, 7, SDDF_BLK_ERR_IO, 0) && hears_nothing(0) && world.virt.in_flight == 0);
    CHECK(world.virt.free_whole_count == BLOCK_VIRT_MAX_WHOLES);
}

static void time_does_not_go_back(void)
{
    serve_in_time(1, true);
    ask_a_silent_driver(ask(SDDF_BLK_READ, 0, 0, 1, 7));
    world.now_ms = 0;
    CHECK(block_virt_step(&world.virt, 0) == 0 && block_virt_wake_ms(&world.virt) == END_MS);
}

static void what_was_answered_lends_its_time_to_nobody(void)
{
    serve_in_time(1, true);
    world_driver_answer(ask_a_silent_driver(ask(SDDF_BLK_READ, 0, 0, 1, 7)), SDDF_BLK_OK, 1);
    world_step();
    CHECK(hears(0, 7, SDDF_BLK_OK, 1));
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 8));
    world_step_at(START_MS + 1);
    world_step_at(END_MS);
    CHECK(hears_nothing(0) && block_virt_wake_ms(&world.virt) == END_MS + 1);
    world_step_at(END_MS + 1);
    CHECK(hears(0, 8, SDFGEN_BLOCK_ERR_LATE, 0));
}

static bool longest_wait_is(uint32_t client, uint64_t wait_ms)
{
    return block_virt_client_counters(&world.virt, client)->longest_wait_ms == wait_ms;
}

/* With the driver, for one, and to be told that it is late. */
static void the_longest_wait_is_kept(void)
{
    uint32_t id;
    serve_in_time(2, true);
    id = ask_a_silent_driver(ask(SDDF_BLK_READ, 0, 0, 1, 7));
    world_driver_answer(id, SDDF_BLK_OK, 1);
    world_step_at(START_MS + 300);
    CHECK(longest_wait_is(0, 300));
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 8));
    world_step();
    CHECK(world_driver_work(1) == 1);
    world_step_at(START_MS + 500);
    CHECK(longest_wait_is(0, 300));
    world_ask(0, ask(SDDF_BLK_WRITE, 0, 0, 1, 9));
    world_step();
    CHECK(driver_sees(SDDF_BLK_WRITE, world.clients[0].io_base, FIRST_BLOCK(0), 1, &id));
    world_step_at(START_MS + 500 + TIMEOUT_MS);
    world_driver_answer(id, SDDF_BLK_OK, 1);
    world_step_at(START_MS + 10 * TIMEOUT_MS);
    CHECK(longest_wait_is(0, TIMEOUT_MS) && longest_wait_is(1, 0));
}

/* In the client's queue, while there is no driver; a barrier's is that of what it waits for. */
static void waiting_for_a_driver_or_a_barrier_is_waiting(void)
{
    serve_in_time(2, false);
    world_driver_start();
    world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, 7));
    world_step_at(START_MS + 1);
    world_driver_ready();
    world_step_at(START_MS + 401);
    world_run();
    CHECK(hears(0, 7, SDDF_BLK_OK, 1) && longest_wait_is(0, 400));
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 1));
    world_step_at(START_MS + 500);
    world_ask(1, ask(SDDF_BLK_BARRIER, 0, 0, 0, 2));
    world_step_at(START_MS + 550);
    world_step_at(START_MS + 600);
    world_run();
    CHECK(hears(1, 1, SDDF_BLK_OK, 1) && hears(1, 2, SDDF_BLK_OK, 0) && longest_wait_is(1, 100));
}

/* Those that share a mark were asked for when the last of them was, as far as is known: none waits for longer. */
static void no_wait_is_told_that_was_not(void)
{
    serve_in_time(1, true);
    world_driver_start();
    for (uint32_t i = 0; i < 2; i++) {
        world_ask(0, ask(SDDF_BLK_READ, i * BLOCK, 0, 1, i));
        world_step_at(START_MS + i * 50);
    }
    world_driver_ready();
    world_step_at(START_MS + 300);
    world_run();
    CHECK(hears(0, 0, SDDF_BLK_OK, 1) && hears(0, 1, SDDF_BLK_OK, 1) && longest_wait_is(0, 250));
}

const struct unit_test block_virt_time_tests[] = {
    UNIT_TEST(a_request_fails_in_time),
    UNIT_TEST(without_a_timeout_a_request_waits),
    UNIT_TEST(a_client_hears_that_a_request_failed_and_when_it_is_done_with),
    UNIT_TEST(a_late_transfer_reaches_no_other_requests_buffer),
    UNIT_TEST(what_waits_gets_no_buffer_that_is_late),
    UNIT_TEST(what_waits_for_data_that_becomes_late_fails),
    UNIT_TEST(a_late_change_overwrites_no_newer_one),
    UNIT_TEST(a_late_read_holds_up_nothing),
    UNIT_TEST(what_is_held_up_fails_in_time),
    UNIT_TEST(what_waits_for_its_turn_fails_in_time),
    UNIT_TEST(what_waits_for_room_fails_in_time),
    UNIT_TEST(arrivals_are_kept_apart_well_enough),
    UNIT_TEST(a_barrier_does_not_wait_for_what_has_failed),
    UNIT_TEST(a_full_response_queue_is_not_written_over),
    UNIT_TEST(a_client_that_is_cut_off_leaves_nothing_behind),
    UNIT_TEST(a_request_in_pieces_is_late_once),
    UNIT_TEST(a_request_of_which_pieces_were_done_has_one_deadline),
    UNIT_TEST(pieces_of_two_drivers_are_told_of_once),
    UNIT_TEST(time_does_not_go_back),
    UNIT_TEST(what_was_answered_lends_its_time_to_nobody),
    UNIT_TEST(the_longest_wait_is_kept),
    UNIT_TEST(waiting_for_a_driver_or_a_barrier_is_waiting),
    UNIT_TEST(no_wait_is_told_that_was_not),
    { .name = NULL },
};
