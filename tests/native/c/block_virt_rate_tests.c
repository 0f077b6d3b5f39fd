/* SPDX-License-Identifier: BSD-2-Clause */
/* Weights and limits: who gets how much of a disk that all want, and how fast. */
#include <string.h>

#include "block_virt_unit.h"

#define PLAYERS 4u
#define TIMEOUT_MS 1000u
#define MS_IN_SECOND 1000u
#define MIB (UINT64_C(1) << 20)
/* A disk that is faster than anybody's limit here, and one that is not fast enough for all. */
#define FAST_BLOCKS 2000u
#define SHARED_MS 1000u
#define BUSY_BLOCKS 40u
#define LINE 1024u

/* A client that keeps so many requests of one kind in its queue. */
struct load {
    uint32_t code;
    uint16_t count;
    uint32_t depth;
};

/* Clients, and a disk that does so many blocks a millisecond, in order of arrival. */
static struct {
    struct load loads[PLAYERS];
    uint32_t waiting[PLAYERS];
    uint64_t requests[PLAYERS]; /* that were answered */
    uint64_t blocks[PLAYERS];   /* that were handed on */
    uint32_t disk_blocks;
    int64_t spare_blocks;
    uint32_t at_once; /* so many answers between two looks of the virtualiser */
    uint64_t late_ms; /* the timer is */
    struct sddf_blk_request line[LINE];
    uint32_t first;
    uint32_t count;
} play;

static void set_up(uint32_t clients, uint32_t timeout_ms)
{
    memset(&play, 0, sizeof(play));
    play.disk_blocks = FAST_BLOCKS;
    play.at_once = LINE;
    world_set_up(clients, 512);
    world_be_resilient(timeout_ms);
}

/* A disk that answers one by one: batches of answers would make clients march in step. */
static void be_busy(void)
{
    play.disk_blocks = BUSY_BLOCKS;
    play.at_once = 1;
}

static void begin(void)
{
    world_begin();
    world_driver_ready();
    world_run();
}

/* True when somebody has put something into its queue. */
static bool clients_act(void)
{
    bool acted = false;
    for (uint32_t i = 0; i < world.config.client_count; i++) {
        struct sddf_blk_response response;
        while (world_hear(i, &response)) {
            CHECK(response.status == SDDF_BLK_OK);
            play.waiting[i]--;
            play.requests[i]++;
        }
        for (; play.waiting[i] < play.loads[i].depth; play.waiting[i]++) {
            world_ask(i, ask(play.loads[i].code, 0, 0, play.loads[i].count, play.waiting[i]));
            acted = true;
        }
    }
    return acted;
}

static uint32_t client_of(const struct sddf_blk_request *request)
{
    return world.virt.slots[request->id % BLOCK_VIRT_MAX_IN_FLIGHT].client;
}

static void disk_takes(void)
{
    struct sddf_blk_request request;
    while (world_driver_take(&request)) {
        play.blocks[client_of(&request)] += request.block_count;
        play.line[(play.first + play.count++) % LINE] = request;
    }
}

static bool disk_acts(void)
{
    bool acted = false;
    for (uint32_t i = 0; i < play.at_once && play.count != 0 && play.spare_blocks > 0; i++, play.count--) {
        const struct sddf_blk_request *request = &play.line[play.first++ % LINE];
        play.spare_blocks -= request->code == SDDF_BLK_FLUSH ? BLOCK_VIRT_QUANTUM_BLOCKS : request->block_count;
        world_driver_answer(request->id, SDDF_BLK_OK, request->block_count);
        acted = true;
    }
    return acted;
}

/* A millisecond, in which the virtualiser is called by who has acted, or by its timer. */
static void play_ms(void)
{
    bool acted = world.now_ms >= play.late_ms && world.now_ms - play.late_ms >= block_virt_wake_ms(&world.virt);
    play.spare_blocks = play.spare_blocks < 0 ? play.spare_blocks : 0;
    play.spare_blocks += play.disk_blocks;
    acted |= disk_acts();
    while (clients_act() || acted) {
        world_step();
        disk_takes();
        acted = disk_acts();
    }
    world.now_ms++;
}

static void play_for(uint64_t time_ms)
{
    for (uint64_t end_ms = world.now_ms + time_ms; world.now_ms < end_ms;) {
        play_ms();
    }
}

static void forget_what_was_done(void)
{
    memset(play.requests, 0, sizeof(play.requests));
    memset(play.blocks, 0, sizeof(play.blocks));
}

static bool is_about(uint64_t found, uint64_t wanted, uint32_t percent)
{
    return 100 * found >= (100 - percent) * wanted && 100 * found <= (100 + percent) * wanted;
}

/* ---- Weights ---- */

static void shares_are(const struct load *load, uint16_t driver_depth)
{
    static const uint32_t weights[PLAYERS] = { 1, 2, 5, 8 };
    set_up(PLAYERS, 0);
    be_busy();
    world.driver.info.queue_depth = driver_depth;
    for (uint32_t i = 0; i < PLAYERS; i++) {
        world.client_configs[i].weight = weights[i];
        play.loads[i] = *load;
    }
    begin();
    play_for(200);
    forget_what_was_done();
    play_for(SHARED_MS);
    const bool flushes = load->code == SDDF_BLK_FLUSH;
    const uint64_t *done = flushes ? play.requests : play.blocks;
    uint64_t all = 0;
    for (uint32_t i = 0; i < PLAYERS; i++) {
        all += done[i];
    }
    CHECK(is_about(all, SHARED_MS * BUSY_BLOCKS / (flushes ? BLOCK_VIRT_QUANTUM_BLOCKS : 1), 2));
    for (uint32_t i = 0; i < PLAYERS; i++) {
        CHECK(is_about(done[i], all * weights[i] / 16, 5));
    }
}

static void weights_share_what_there_is(void)
{
    static const struct load loads[] = {
        { SDDF_BLK_READ, 1, 200 },
        { SDFGEN_BLOCK_WRITE_ZEROES, 256, 4 },
        { SDFGEN_BLOCK_DISCARD, PARTITION_BLOCKS, 2 },
        { SDDF_BLK_FLUSH, 0, 32 },
    };
    for (uint32_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        shares_are(&loads[i], 0);
        shares_are(&loads[i], 2);
    }
}

static void a_weight_is_of_no_use_to_who_wants_little(void)
{
    set_up(2, 0);
    be_busy();
    world.client_configs[0].weight = BLOCK_MAX_WEIGHT;
    play.loads[0] = (struct load) { SDDF_BLK_READ, 1, 1 };
    play.loads[1] = (struct load) { SDDF_BLK_READ, 1, 200 };
    begin();
    play_for(2000);
    CHECK(is_about(play.blocks[0] + play.blocks[1], 2000 * BUSY_BLOCKS, 2));
    CHECK(play.blocks[1] >= (BLOCK_VIRT_BESIDE_SHALLOW_REQUESTS - 1) * play.blocks[0]);
}

static void a_weight_that_makes_no_sense_is_the_nearest(void)
{
    static const uint32_t weights[] = { 0, 1, 16, 17, UINT32_MAX };
    static const uint32_t found[] = { 1, 1, 16, 16, 16 };
    set_up(5, 0);
    for (uint32_t i = 0; i < 5; i++) {
        world.client_configs[i].weight = weights[i];
    }
    begin();
    for (uint32_t i = 0; i < 5; i++) {
        CHECK(world.virt.sessions[i].weight == found[i]);
    }
}

/* ---- Limits ---- */

struct limit {
    uint64_t bandwidth;
    uint32_t iops;
};

static void give_limit(uint32_t client, struct limit limit)
{
    world.client_configs[client].bandwidth = limit.bandwidth;
    world.client_configs[client].iops = limit.iops;
}

/* Client 0 has a limit and wants more, beside others that want nothing. */
static void limit_one(uint32_t clients, struct limit limit, struct load load)
{
    set_up(clients, TIMEOUT_MS);
    give_limit(0, limit);
    play.loads[0] = load;
    begin();
}

static void a_bandwidth_is_kept(void)
{
    static const struct load loads[] = {
        { SDDF_BLK_READ, 1, 64 },
        { SDDF_BLK_WRITE, WORLD_DATA_BLOCKS, 4 },
        { SDFGEN_BLOCK_WRITE_ZEROES, 256, 4 },
        { SDFGEN_BLOCK_DISCARD, 256, 1 },
    };
    static const uint64_t bandwidths[] = { 20 * MIB, 3 * MIB + 4567, 200 * MIB, 100000 };
    for (uint32_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        for (uint32_t k = 0; k < sizeof(bandwidths) / sizeof(bandwidths[0]); k++) {
            limit_one(1 + k % 2, (struct limit) { .bandwidth = bandwidths[k] }, loads[i]);
            play.late_ms = i % 2;
            play_for(5 * MS_IN_SECOND);
            CHECK(is_about(play.blocks[0] * BLOCK, 5 * bandwidths[k], 3));
        }
    }
}

static void as_many_requests_a_second_are_served(void)
{
    static const struct load loads[] = {
        { SDDF_BLK_READ, 1, 256 }, { SDDF_BLK_FLUSH, 0, 64 }, { SDFGEN_BLOCK_WRITE_ZEROES, 256, 4 },
    };
    static const uint32_t rates[] = { 3, 500, 999, 1000 };
    for (uint32_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        for (uint32_t k = 0; k < sizeof(rates) / sizeof(rates[0]); k++) {
            limit_one(1 + k % 2, (struct limit) { .iops = rates[k] }, loads[i]);
            play_for(5 * MS_IN_SECOND);
            const uint64_t most = 5u * rates[k] + 1 + rates[k] * BLOCK_VIRT_BURST_MS / MS_IN_SECOND;
            CHECK(play.requests[0] <= most && 100 * play.requests[0] >= 97 * (5 * rates[k] - 1));
        }
    }
}

static void a_request_in_pieces_counts_once(void)
{
    limit_one(2, (struct limit) { .iops = 100 }, (struct load) { SDFGEN_BLOCK_WRITE_ZEROES, 40, 8 });
    be_busy();
    play.loads[1] = (struct load) { SDDF_BLK_READ, 1, 1 };
    play_for(2 * MS_IN_SECOND);
    CHECK(is_about(play.requests[0], 200, 3) && is_about(play.blocks[0], 200 * 40, 3));
}

static void the_lower_of_two_limits_counts(void)
{
    limit_one(2, (struct limit) { .bandwidth = MIB, .iops = 100 }, (struct load) { SDDF_BLK_READ, 1, 64 });
    play_for(5 * MS_IN_SECOND);
    CHECK(is_about(play.requests[0], 500, 3));
    limit_one(2, (struct limit) { .bandwidth = MIB, .iops = 100 }, (struct load) { SDDF_BLK_READ, 16, 4 });
    play_for(5 * MS_IN_SECOND);
    CHECK(is_about(play.blocks[0] * BLOCK, 5 * MIB, 3));
}

/* In no time more than is allowed in it and in that of a burst, and one piece. */
static void bursts_are_bounded_for(struct limit limit, struct load load)
{
    static uint64_t blocks[400];
    limit_one(2, limit, load);
    play.loads[0].depth = 0;
    play_for(10 * MS_IN_SECOND);
    play.loads[0] = load;
    for (uint32_t i = 0; i < 400; i++) {
        play_ms();
        blocks[i] = play.blocks[0];
    }
    const uint64_t piece_bytes = world.virt.sessions[0].rate.piece_blocks * (uint64_t)BLOCK;
    for (uint32_t from = 0; from < 400; from++) {
        for (uint32_t to = from; to < 400; to++) {
            const uint64_t bytes = (blocks[to] - (from != 0 ? blocks[from - 1] : 0)) * BLOCK;
            const uint64_t time_ms = to - from + 1 + BLOCK_VIRT_BURST_MS;
            CHECK(bytes <= limit.bandwidth * time_ms / MS_IN_SECOND + piece_bytes);
        }
    }
    CHECK(piece_bytes <= BLOCK || piece_bytes <= limit.bandwidth * BLOCK_VIRT_BURST_MS / MS_IN_SECOND);
}

static void bursts_are_bounded(void)
{
    static const uint64_t bandwidths[] = { BLOCK, 20 * MIB, 3 * MIB + 4567 };
    for (uint32_t i = 0; i < 3; i++) {
        bursts_are_bounded_for((struct limit) { .bandwidth = bandwidths[i] }, (struct load) { SDDF_BLK_READ, 1, 400 });
        bursts_are_bounded_for((struct limit) { .bandwidth = bandwidths[i] },
                               (struct load) { SDFGEN_BLOCK_WRITE_ZEROES, 900, 4 });
    }
}

static void who_has_no_limit_is_not_slowed(void)
{
    uint64_t beside[2];
    for (uint32_t limited = 0; limited < 2; limited++) {
        set_up(3, TIMEOUT_MS);
        be_busy();
        give_limit(0, (struct limit) { .bandwidth = limited != 0 ? 2 * MIB : 0 });
        give_limit(1, (struct limit) { .iops = limited != 0 ? 200 : 0 });
        for (uint32_t i = 0; i < 3; i++) {
            play.loads[i] = (struct load) { SDDF_BLK_READ, 4, 32 };
        }
        begin();
        play_for(4 * MS_IN_SECOND);
        CHECK(is_about(play.blocks[0] + play.blocks[1] + play.blocks[2], 4 * MS_IN_SECOND * BUSY_BLOCKS, 2));
        beside[limited] = play.blocks[2];
    }
    CHECK(is_about(beside[0], 4 * MS_IN_SECOND * BUSY_BLOCKS / 3, 3));
    CHECK(is_about(play.blocks[0] * BLOCK, 4 * 2 * MIB, 3) && is_about(play.requests[1], 800, 3));
    CHECK(beside[1] > 2 * beside[0]);
}

static void who_keeps_to_its_limit_does_not_wait(void)
{
    limit_one(1, (struct limit) { .iops = 100 }, (struct load) { SDDF_BLK_READ, 1, 0 });
    for (uint32_t i = 0; i < 100; i++) {
        world_ask(0, ask(SDDF_BLK_READ, 0, 0, 1, i));
        world_run();
        CHECK(hears(0, i, SDDF_BLK_OK, 1));
        world.now_ms += 10;
    }
}

/* ---- Limits and deadlines ---- */

/* Client 0's queue holds so many requests of one block, which came at once. */
static void ask_at_once(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        world_ask(0, ask(SDDF_BLK_READ, (i % WORLD_DATA_BLOCKS) * BLOCK, 0, 1, i));
    }
}

static void the_own_limit_lets_nothing_time_out(void)
{
    set_up(2, TIMEOUT_MS);
    give_limit(0, (struct limit) { .iops = 10 });
    begin();
    ask_at_once(40);
    play.waiting[0] = 40;
    world_step();
    disk_takes();
    play_for(5 * MS_IN_SECOND);
    CHECK(play.requests[0] == 40 && block_virt_client_counters(&world.virt, 0)->errors == 0);
}

static void a_long_request_may_take_longer_than_the_timeout(void)
{
    limit_one(1, (struct limit) { .bandwidth = BLOCK }, (struct load) { SDFGEN_BLOCK_WRITE_ZEROES, 10, 1 });
    play_for(4 * MS_IN_SECOND);
    CHECK(play.requests[0] == 0 && play.blocks[0] >= 4);
    play_for(7 * MS_IN_SECOND);
    CHECK(play.requests[0] == 1);
}

/* Each of them fails after the time that its own rate and the timeout allow it, and not much earlier. */
static void a_silent_driver_ends_all_requests_in_time(void)
{
    const uint32_t interval_ms = 100;
    uint32_t heard = 0;
    set_up(2, TIMEOUT_MS);
    give_limit(0, (struct limit) { .iops = MS_IN_SECOND / interval_ms });
    begin();
    const uint64_t start_ms = world.now_ms;
    ask_at_once(20);
    for (; heard < 20 && world.now_ms < start_ms + 10 * TIMEOUT_MS; world.now_ms++) {
        struct sddf_blk_response response;
        world_step();
        while (world_hear(0, &response)) {
            const uint64_t due_ms = start_ms + TIMEOUT_MS + heard * interval_ms;
            CHECK(response.id == heard++ && response.status == SDFGEN_BLOCK_ERR_LATE);
            CHECK(world.now_ms <= due_ms && world.now_ms + BLOCK_VIRT_BURST_MS >= due_ms);
        }
    }
    CHECK(heard == 20);
}

/* A client that waits for its rate first and then for a driver that takes nothing waits for that no longer than any. */
static void only_the_wait_for_the_rate_is_forgiven(void)
{
    struct sddf_blk_request request;
    set_up(2, TIMEOUT_MS);
    world.driver.info.queue_depth = 1;
    give_limit(0, (struct limit) { .iops = 2 });
    begin();
    world.now_ms = 5 * MS_IN_SECOND;
    ask_at_once(3);
    world_step();
    CHECK(world_driver_work(1) == 1);
    world_ask(1, ask(SDDF_BLK_READ, 0, 0, 1, 7));
    world_step();
    CHECK(hears(0, 0, SDDF_BLK_OK, 1) && world_driver_take(&request));
    const uint64_t free_ms = block_virt_wake_ms(&world.virt);
    const uint64_t waited_ms = free_ms - world.now_ms;
    CHECK(waited_ms > 480 && waited_ms < 500);
    CHECK(world_step_at(free_ms + 300) == 0);
    world_step_at(5 * MS_IN_SECOND + waited_ms + TIMEOUT_MS - 1);
    CHECK(hears_nothing(0));
    world_step_at(5 * MS_IN_SECOND + waited_ms + TIMEOUT_MS);
    CHECK(hears(0, 1, SDDF_BLK_ERR_IO, 0));
}

/* What comes while others wait for the rate has its own time. */
static void who_comes_later_is_not_forgiven_what_was_before(void)
{
    set_up(1, TIMEOUT_MS);
    give_limit(0, (struct limit) { .iops = 1 });
    begin();
    world.now_ms = 5 * MS_IN_SECOND;
    ask_at_once(2);
    world_step();
    CHECK(world_driver_work(1) == 1);
    world_step();
    CHECK(hears(0, 0, SDDF_BLK_OK, 1));
    world.now_ms += 800;
    world_ask(0, ask(SDDF_BLK_READ, BLOCK, 0, 1, 9));
    world_step();
    const struct block_virt_arrivals *arrivals = &world.virt.sessions[0].arrivals;
    const struct block_virt_arrival *last = &arrivals->marks[(arrivals->first + arrivals->count - 1) % 16];
    CHECK(last->seen_ms == world.now_ms);
    CHECK(world.virt.sessions[0].head.deadline_ms == 5 * MS_IN_SECOND + 800 + TIMEOUT_MS);
    world.now_ms += 100;
    world_step();
    CHECK(last->seen_ms == world.now_ms);
}

static void without_a_timeout_a_limit_is_kept(void)
{
    set_up(2, 0);
    give_limit(0, (struct limit) { .bandwidth = 4 * MIB });
    play.loads[0] = (struct load) { SDDF_BLK_READ, 1, 64 };
    begin();
    CHECK(block_virt_wake_ms(&world.virt) == BLOCK_VIRT_NEVER);
    play_for(3 * MS_IN_SECOND);
    CHECK(is_about(play.blocks[0] * BLOCK, 3 * 4 * MIB, 3) && block_virt_wake_ms(&world.virt) != BLOCK_VIRT_NEVER);
}

static void a_client_that_is_cut_off_waits_for_no_rate(void)
{
    limit_one(2, (struct limit) { .iops = 1 }, (struct load) { SDDF_BLK_READ, 1, 4 });
    play_for(10);
    CHECK(world.virt.limited == 1);
    world_requests(&world.clients[0].shared)->tail += 4000;
    world_step();
    CHECK(world.virt.limited == 0 && block_virt_client_state(&world.virt, 0) == BLOCK_VIRT_CLIENT_CUT_OFF);
}

/* ---- Numbers at their ends, and time that jumps ---- */

static void the_lowest_limits_are_kept(void)
{
    limit_one(1, (struct limit) { .bandwidth = BLOCK }, (struct load) { SDDF_BLK_READ, WORLD_DATA_BLOCKS, 2 });
    play_for(20 * MS_IN_SECOND);
    CHECK(play.blocks[0] >= 20 && play.blocks[0] <= 21);
    limit_one(1, (struct limit) { .iops = 1 }, (struct load) { SDDF_BLK_READ, 1, 2 });
    play_for(20 * MS_IN_SECOND);
    CHECK(play.requests[0] >= 20 && play.requests[0] <= 21);
}

static void the_highest_limits_limit_nothing_here(void)
{
    static const struct limit limits[] = {
        { .bandwidth = UINT64_MAX },
        { .bandwidth = UINT64_MAX / BLOCK },
        { .iops = BLOCK_MAX_IOPS },
        { .iops = UINT32_MAX },
    };
    for (uint32_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        limit_one(1, limits[i], (struct load) { SDFGEN_BLOCK_WRITE_ZEROES, PARTITION_BLOCKS, 4 });
        play_for(MS_IN_SECOND);
        CHECK(is_about(play.blocks[0], MS_IN_SECOND * FAST_BLOCKS, 2));
    }
}

static void at_the_end_of_time_nothing_overflows(void)
{
    static const struct limit limits[] = { { .bandwidth = BLOCK }, { .iops = 1 }, { .bandwidth = MIB, .iops = 1000 } };
    for (uint32_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        limit_one(2, limits[i], (struct load) { SDDF_BLK_READ, 1, 64 });
        world.now_ms = BLOCK_VIRT_NEVER - 1500;
        play_for(1499);
        CHECK(play.requests[0] >= 1);
    }
}

static void time_that_jumps_gives_a_burst(void)
{
    limit_one(2, (struct limit) { .bandwidth = 4 * MIB }, (struct load) { SDDF_BLK_READ, 1, 400 });
    play_for(MS_IN_SECOND);
    for (uint32_t i = 0; i < 4; i++) {
        forget_what_was_done();
        play.loads[0].depth = 0;
        play_for(MS_IN_SECOND);
        forget_what_was_done();
        world.now_ms += UINT64_C(1) << (20 + 10 * i);
        play.loads[0].depth = 400;
        play_ms();
        CHECK(play.blocks[0] * BLOCK <= 4 * MIB * BLOCK_VIRT_BURST_MS / MS_IN_SECOND + 21 * BLOCK);
        play_for(MS_IN_SECOND);
        CHECK(is_about(play.blocks[0] * BLOCK, 4 * MIB, 5));
    }
}

static void time_that_goes_back_stands_still(void)
{
    limit_one(1, (struct limit) { .iops = 10 }, (struct load) { SDDF_BLK_READ, 1, 40 });
    play_for(2 * MS_IN_SECOND);
    const uint64_t requests = play.requests[0];
    const uint64_t wake_ms = block_virt_wake_ms(&world.virt);
    world.now_ms = 0;
    play_for(MS_IN_SECOND);
    world_step_at(1);
    CHECK(play.requests[0] == requests && block_virt_wake_ms(&world.virt) == wake_ms);
    world.now_ms = wake_ms;
    play_for(MS_IN_SECOND);
    CHECK(play.requests[0] >= requests + 9 && play.requests[0] <= requests + 11);
}

const struct unit_test block_virt_rate_tests[] = {
    UNIT_TEST(weights_share_what_there_is),
    UNIT_TEST(a_weight_is_of_no_use_to_who_wants_little),
    UNIT_TEST(a_weight_that_makes_no_sense_is_the_nearest),
    UNIT_TEST(a_bandwidth_is_kept),
    UNIT_TEST(as_many_requests_a_second_are_served),
    UNIT_TEST(a_request_in_pieces_counts_once),
    UNIT_TEST(the_lower_of_two_limits_counts),
    UNIT_TEST(bursts_are_bounded),
    UNIT_TEST(who_has_no_limit_is_not_slowed),
    UNIT_TEST(who_keeps_to_its_limit_does_not_wait),
    UNIT_TEST(the_own_limit_lets_nothing_time_out),
    UNIT_TEST(a_long_request_may_take_longer_than_the_timeout),
    UNIT_TEST(a_silent_driver_ends_all_requests_in_time),
    UNIT_TEST(only_the_wait_for_the_rate_is_forgiven),
    UNIT_TEST(who_comes_later_is_not_forgiven_what_was_before),
    UNIT_TEST(without_a_timeout_a_limit_is_kept),
    UNIT_TEST(a_client_that_is_cut_off_waits_for_no_rate),
    UNIT_TEST(the_lowest_limits_are_kept),
    UNIT_TEST(the_highest_limits_limit_nothing_here),
    UNIT_TEST(at_the_end_of_time_nothing_overflows),
    UNIT_TEST(time_that_jumps_gives_a_burst),
    UNIT_TEST(time_that_goes_back_stands_still),
    { .name = NULL },
};
