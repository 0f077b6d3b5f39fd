/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtualiser between three clients and a driver that do what the input says. The input is a program of actions of
 * six bytes: honest requests and answers, words of shared memory that change between two steps, and, with FUZZ_REWRITE
 * in the environment, steps during which another thread rewrites shared memory. The first byte says whether all is
 * honest, whether the driver starts ready, who knows what this project adds to sDDF, whether there is a timeout, and
 * whether clients have weights and limits. Drivers take requests and die, and others start in their place; time passes.
 *
 * After each step the virtualiser's own account must be sound; when nobody interfered during the step, each request
 * that it handed on must stay inside its client's data region and partition, and away from what is late. Where all are
 * honest, each request must be answered once in the end.
 */
#include <errno.h>
#include <semaphore.h>
#include <string.h>

#include <sdfgen/block_virt.h>
#include <sdfgen/cache.h>

#include "../c/block_virt_account.h"
#include "fuzz_input.h"

#define BLOCK SDDF_BLK_BLOCK_BYTES
#define CLIENTS 3u
/* A long request, which goes on in pieces, has a few times so many blocks. */
#define LONG 23u
#define CAPACITY 8u
#define DATA_BLOCKS 80u
#define REGION_BYTES (DATA_BLOCKS * BLOCK)
#define DISK_BLOCKS 400u
#define DRIVER CLIENTS
#define ACTION_BYTES 6u
#define MAX_ACTIONS 48u
#define RACE_WRITES 64u
#define IO_BASE(index) (UINT64_C(0x40000000) + UINT64_C(0x100000) * (index))
#define HONEST_ONLY 1u
#define START_READY 2u
#define RESILIENT 4u
#define TIMED 8u
#define LIMITED 16u
#define TIMEOUT_MS 64u
/* A piece in each, of one block where a rate is low and the driver takes one at a time: twice as many as there may be. */
#define MOST_ROUNDS (2u * CLIENTS * (CAPACITY + 1) * 7u * LONG)
/* Longer than any request here takes to be paid for: then its client goes on. */
#define PATIENCE_MS 50u
/* Actions: honest below, hostile from here; with another thread, where there is one, from RACE. */
#define DEATHS 96u
#define HOSTILE 128u
#define RACE 252u

struct side {
    struct sddf_blk_storage_info info; /* these two are a struct sdfgen_block_storage */
    uint64_t start;
    _Alignas(8) uint8_t requests[SDDF_BLK_REQUEST_QUEUE_BYTES(CAPACITY)];
    _Alignas(8) uint8_t responses[SDDF_BLK_RESPONSE_QUEUE_BYTES(CAPACITY)];
};

/* All that the others may write. */
static struct {
    struct side sides[CLIENTS + 1];
    _Alignas(8) uint8_t table_block[BLOCK];
} shared;

static struct {
    struct block_virt virt;
    struct block_request_writer askers[CLIENTS];
    struct block_response_reader hearers[CLIENTS];
    struct block_request_reader driver_requests;
    struct block_response_writer driver_responses;
    uint64_t asked[CLIENTS];
    uint64_t heard[CLIENTS];
    bool raced;
    bool forgotten; /* a driver has taken what it will not answer */
    uint64_t now_ms;
} state;

static uint64_t io_bases[CLIENTS + 1];
static struct block_virt_client clients[CLIENTS];
static struct block_virt_config config;

struct action {
    uint8_t what;
    uint8_t where;
    uint32_t value;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static volatile struct sddf_blk_request_queue *requests_of(uint32_t side)
{
    return (volatile struct sddf_blk_request_queue *)(void *)shared.sides[side].requests;
}

static volatile struct sddf_blk_response_queue *responses_of(uint32_t side)
{
    return (volatile struct sddf_blk_response_queue *)(void *)shared.sides[side].responses;
}

/* The data regions are never touched but by cache operations, which have to stay inside. */
static void check_cache_range(uintptr_t vaddr, size_t size_bytes)
{
    bool own = vaddr == (uintptr_t)shared.table_block && size_bytes == BLOCK;
    uint64_t offset = vaddr % IO_BASE(0) % 0x100000;
    REQUIRE(own || (size_bytes != 0 && size_bytes <= REGION_BYTES && offset <= REGION_BYTES - size_bytes));
}

void cache_clean_range(uintptr_t vaddr, size_t size_bytes)
{
    check_cache_range(vaddr, size_bytes);
}

void cache_clean_and_invalidate_range(uintptr_t vaddr, size_t size_bytes)
{
    check_cache_range(vaddr, size_bytes);
}

/* The thread that interferes: a number of writes for each post, so that nobody spins. */
static sem_t race_start;
static sem_t race_end;
static uint32_t race_seed;
static bool may_race;

static uint32_t next_random(uint32_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random;
}

static void write_word(uint32_t at, uint32_t value)
{
    volatile uint32_t *words = (volatile uint32_t *)(void *)&shared;
    __atomic_store_n(&words[at % (sizeof(shared) / sizeof(uint32_t))], value, __ATOMIC_RELAXED);
}

/* libFuzzer's alarms interrupt it. */
static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
        REQUIRE(errno == EINTR);
    }
}

static void *interfere(void *unused)
{
    for (;;) {
        wait_for(&race_start);
        uint32_t random = race_seed | 1;
        for (uint32_t i = 0; i < RACE_WRITES; i++) {
            uint32_t at = next_random(&random);
            write_word(at % (sizeof(struct side) * (CLIENTS + 1) / 4), next_random(&random) >> (at >> 27));
        }
        sem_post(&race_end);
    }
    return unused;
}

static struct block_connection connect(uint32_t side)
{
    return (struct block_connection) {
        .storage_info_vaddr = (uintptr_t)&shared.sides[side].info,
        .request_vaddr = (uintptr_t)shared.sides[side].requests,
        .response_vaddr = (uintptr_t)shared.sides[side].responses,
        .queue_capacity = CAPACITY,
        .channel = side,
        .extended = true,
    };
}

static struct block_virt_data_region region(uint32_t side)
{
    io_bases[side] = IO_BASE(side);
    return (struct block_virt_data_region) {
        .vaddr = side == DRIVER ? (uintptr_t)shared.table_block : (uintptr_t)IO_BASE(side),
        .size_bytes = side == DRIVER ? BLOCK : REGION_BYTES,
        .io_base = &io_bases[side],
        .cached = true,
    };
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    pthread_t thread;
    for (uint32_t i = 0; i < CLIENTS; i++) {
        clients[i] = (struct block_virt_client) { .connection = connect(i), .data = region(i), .partition = i };
    }
    clients[2].read_only = true;
    config = (struct block_virt_config) {
        .driver = { connect(DRIVER), region(DRIVER) }, .clients = clients, .client_count = CLIENTS,
    };
    may_race = getenv("FUZZ_REWRITE") != NULL;
    REQUIRE(sem_init(&race_start, 0, 0) == 0 && sem_init(&race_end, 0, 0) == 0);
    REQUIRE(!may_race || pthread_create(&thread, NULL, interfere, NULL) == 0);
    return argc == NULL || argv == NULL;
}

static void store_le16(uint8_t *bytes, int value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

/* What the honest driver has on its first block: partitions of 8, 160 and 184 blocks. */
static void fill_table(uint8_t *block)
{
    static const uint16_t partitions[CLIENTS][2] = { { 1, 8 }, { 9, 160 }, { 169, 184 } };
    memset(block, 0, BLOCK);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        block[446 + 16 * i + 4] = 0x83;
        store_le16(&block[446 + 16 * i + 8], partitions[i][0] * 8);
        store_le16(&block[446 + 16 * i + 12], partitions[i][1] * 8);
    }
    block[510] = 0x55;
    block[511] = 0xaa;
}

/* No more data was handed on than a client's rate allows since the beginning, and no client waits longer for it. */
static void check_rate(uint32_t index)
{
    const struct block_virt_session *session = &state.virt.sessions[index];
    const struct block_virt_rate *rate = &session->rate;
    const uint64_t now_ms = state.virt.now_ms;
    const uint64_t most = rate->bandwidth * (now_ms + BLOCK_VIRT_BURST_MS) / 1000 + BLOCK * rate->piece_blocks;
    REQUIRE(rate->bandwidth == 0 || session->counters.blocks * BLOCK <= most);
    REQUIRE(rate->iops == 0 || rate->requests.ms <= now_ms + BLOCK_VIRT_BURST_MS + 1000 / rate->iops + 1);
    REQUIRE(session->arrivals.count <= BLOCK_VIRT_ARRIVAL_MARKS);
    for (uint32_t i = 0; i < session->arrivals.count; i++) {
        REQUIRE(session->arrivals.marks[(session->arrivals.first + i) % BLOCK_VIRT_ARRIVAL_MARKS].seen_ms <= now_ms);
    }
    if ((state.virt.limited >> index & 1) != 0) {
        REQUIRE(rate->bandwidth != 0 || rate->iops != 0);
        REQUIRE(session->has_head && ((state.virt.ready | state.virt.held) >> index & 1) == 0);
        REQUIRE(rate->since_ms <= now_ms && rate->until_ms > now_ms && state.virt.wake_ms <= rate->until_ms);
    }
}

static void check_account(void)
{
    const struct block_virt *virt = &state.virt;
    REQUIRE(account_fault(virt) == NULL);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        const struct block_virt_session *session = &virt->sessions[i];
        bool cut_off = session->state == BLOCK_VIRT_CLIENT_CUT_OFF;
        REQUIRE(session->data_blocks <= session->region_blocks);
        REQUIRE(cut_off || session->owed <= session->room);
        REQUIRE(session->in_flight <= BLOCK_VIRT_SHARED_REQUESTS || session->cost_blocks <= BLOCK_VIRT_ALONE_BLOCKS);
        REQUIRE(cut_off || session->room <= CAPACITY);
        REQUIRE(session->first_block + session->block_count >= session->block_count);
        check_rate(i);
    }
    REQUIRE(((virt->ready | virt->limited) >> CLIENTS) == 0);
    REQUIRE(virt->taken == 0 && virt->answered == 0 && !virt->forwarded);
}

static bool overlap(uint64_t first, uint64_t count, uint64_t other, uint64_t other_count)
{
    return count != 0 && other_count != 0 && first < other + other_count && other < first + count;
}

/* What is handed on touches neither blocks nor memory that a late request may still change. */
static void check_late(uint32_t index, const volatile struct sddf_blk_request *request)
{
    const struct block_virt_slot *own = &state.virt.slots[index];
    for (uint32_t i = 0; i < BLOCK_VIRT_MAX_IN_FLIGHT; i++) {
        const struct block_virt_slot *slot = &state.virt.slots[i];
        if (!slot->live || !slot->late || i == index) {
            continue;
        }
        bool changes = slot->request.code == SDDF_BLK_WRITE || slot->request.code >= SDFGEN_BLOCK_DISCARD;
        REQUIRE(!changes || !overlap(slot->request.block_number, slot->request.block_count, request->block_number,
                                     request->code == SDDF_BLK_FLUSH ? 0 : request->block_count));
        REQUIRE(slot->client != own->client || !overlap(slot->offset_bytes, slot->data_blocks * BLOCK,
                                                        own->offset_bytes, own->data_blocks * BLOCK));
    }
}

/* One request that the driver would see. */
static void check_request(const volatile struct sddf_blk_request *request)
{
    const struct block_virt_slot *slot = &state.virt.slots[request->id % BLOCK_VIRT_MAX_IN_FLIGHT];
    REQUIRE(slot->live || state.virt.state != BLOCK_VIRT_SERVE);
    if (slot->client >= CLIENTS) {
        REQUIRE(request->code == SDDF_BLK_READ && request->io_or_offset == IO_BASE(DRIVER));
        REQUIRE(request->block_count == 1);
        return;
    }
    check_late(request->id % BLOCK_VIRT_MAX_IN_FLIGHT, request);
    const struct block_virt_session *session = &state.virt.sessions[slot->client];
    uint64_t offset = request->io_or_offset - IO_BASE(slot->client);
    bool data = request->code <= SDDF_BLK_WRITE;
    REQUIRE(!data || offset % BLOCK == 0);
    REQUIRE(!data || offset + (uint64_t)request->block_count * BLOCK <= REGION_BYTES);
    REQUIRE(data || request->io_or_offset == 0);
    REQUIRE(request->code == SDDF_BLK_READ || request->code == SDDF_BLK_FLUSH || !session->read_only);
    if (request->code != SDDF_BLK_FLUSH) {
        REQUIRE(request->block_count != 0 && request->block_number >= session->first_block);
        REQUIRE(request->block_number + request->block_count <= session->first_block + session->block_count);
    }
}

static void step(uint64_t channels)
{
    uint32_t tail = state.virt.driver_requests.end.own;
    (void)block_virt_step_notified(&state.virt, channels, state.now_ms);
    check_account();
    for (; !state.raced && tail != state.virt.driver_requests.end.own; tail++) {
        check_request(&requests_of(DRIVER)->buffers[tail % CAPACITY]);
    }
}

static void step_in_a_race(const struct action *action)
{
    state.raced = true;
    race_seed = action->value;
    sem_post(&race_start);
    step(UINT64_MAX);
    wait_for(&race_end);
    step(action->where);
    state.raced = false;
}

/* Codes and numbers near the bounds, from a byte. */
static void client_asks(const struct action *action)
{
    static const uint32_t codes[] = {
        0, 0, 1, SDFGEN_BLOCK_WRITE_ZEROES_UNMAP, 2, 3, SDFGEN_BLOCK_DISCARD, SDFGEN_BLOCK_WRITE_ZEROES,
    };
    uint32_t index = action->where % CLIENTS;
    struct block_request_writer *asker = &state.askers[index];
    uint32_t value = action->value;
    struct sddf_blk_request request = {
        .code = codes[value & 7],
        .io_or_offset = (value >> 3 & 7) * BLOCK + (value >> 6 & 1),
        .block_number = (value >> 7 & 31) - (uint64_t)(value >> 12 & 1),
        .block_count = (uint16_t)((value >> 13 & 7) * (value >> 31 != 0 ? LONG : 1)),
        .id = value >> 16,
    };
    if (block_queue_room(&asker->end) != 0) {
        block_request_put(asker, &request);
        block_queue_publish(&asker->end);
        state.asked[index]++;
    }
}

static void client_hears(uint32_t index)
{
    struct sddf_blk_response response;
    struct block_response_reader *hearer = &state.hearers[index];
    uint32_t filled = block_queue_filled(&hearer->end);
    for (uint32_t i = 0; i < filled; i++) {
        block_response_take(hearer, &response);
        state.heard[index] += response.status != SDFGEN_BLOCK_ERR_LATE;
    }
    block_queue_publish(&hearer->end);
}

static void driver_answers(uint32_t limit, uint32_t status)
{
    struct sddf_blk_request request;
    uint32_t filled = block_queue_filled(&state.driver_requests.end);
    for (uint32_t i = 0; i < filled && i < limit && block_queue_room(&state.driver_responses.end) != 0; i++) {
        block_request_take(&state.driver_requests, &request);
        if (request.io_or_offset == IO_BASE(DRIVER) && request.block_number == 0) {
            fill_table(shared.table_block);
        }
        struct sddf_blk_response response = { status, request.block_count, request.id };
        block_response_put(&state.driver_responses, &response);
    }
    block_queue_publish(&state.driver_requests.end);
    block_queue_publish(&state.driver_responses.end);
}

/* What it takes is not answered before another driver starts. One of sDDF's begins only when it was seen to be ready. */
static void driver_forgets(uint32_t limit)
{
    struct sddf_blk_request request;
    if (!config.driver.connection.resilient && state.virt.state == BLOCK_VIRT_WAIT_DRIVER) {
        return;
    }
    uint32_t filled = block_queue_filled(&state.driver_requests.end);
    for (uint32_t i = 0; i < filled && i < limit; i++) {
        block_request_take(&state.driver_requests, &request);
        state.forgotten = true;
    }
    block_queue_publish(&state.driver_requests.end);
}

static void driver_makes_up(const struct action *action)
{
    struct sddf_blk_response response = { action->where & 7u, (uint16_t)(action->value >> 16), action->value };
    if (block_queue_room(&state.driver_responses.end) != 0) {
        block_response_put(&state.driver_responses, &response);
        block_queue_publish(&state.driver_responses.end);
    }
}

static void set_ready(bool ready, uint16_t queue_depth)
{
    struct sddf_blk_storage_info *info = &shared.sides[DRIVER].info;
    if (ready) {
        info->queue_depth = queue_depth;
        info->sector_bytes = 512;
        info->capacity_blocks = DISK_BLOCKS;
    }
    __atomic_store_n(&info->ready, (uint8_t)ready, __ATOMIC_RELEASE);
}

/* Another driver starts; one of sDDF's is seen to be gone, one of ours need not be. */
static void driver_starts(void)
{
    volatile struct sddf_blk_request_queue *requests = requests_of(DRIVER);
    set_ready(false, 0);
    if (config.driver.connection.resilient) {
        requests->head = requests->tail;
        shared.sides[DRIVER].start = ((shared.sides[DRIVER].start >> 32) + 1) << 32 | requests->tail;
    } else {
        step(UINT64_MAX);
    }
    block_request_reader_init(&state.driver_requests, requests, CAPACITY);
    state.forgotten = false;
}

/* An index of some queue, near what it is now. */
static void change_index(const struct action *action)
{
    uint32_t side = action->where & 3u;
    volatile uint32_t *const words[] = {
        &requests_of(side)->head, &requests_of(side)->tail, &responses_of(side)->head, &responses_of(side)->tail,
    };
    *words[action->where >> 2 & 3] += action->value & 0xf0000000u ? action->value : (action->value & 15u) - 8u;
}

static void do_honest(const struct action *action)
{
    switch (action->what % 8) {
    case 0:
    case 1:
        client_asks(action);
        break;
    case 2:
        client_hears(action->where % CLIENTS);
        break;
    case 3:
        driver_answers(action->where & 7u, (action->value & 7u) == 7u ? action->value >> 3 : 0);
        break;
    case 4:
        step(UINT64_MAX);
        break;
    case 5:
        step(action->where);
        break;
    case 6:
        set_ready(true, action->where & 3u);
        break;
    default:
        driver_answers(CAPACITY, SDDF_BLK_OK);
        step(UINT64_MAX);
        break;
    }
}

static void do_death(const struct action *action)
{
    switch (action->what % 8) {
    case 0:
    case 1:
        driver_starts();
        set_ready((action->where & 1) != 0, action->where >> 5);
        break;
    case 2:
    case 3:
        driver_forgets(action->where & 7u);
        break;
    case 4:
        state.now_ms += action->where;
        break;
    default:
        state.now_ms += action->where & 15u;
        step(action->value);
        break;
    }
}

static void do_hostile(const struct action *action)
{
    if (may_race && action->what >= RACE) {
        step_in_a_race(action);
        return;
    }
    switch (action->what % 8) {
    case 0:
        write_word(action->where | (action->value & 0xffu) << 8, action->value >> 8);
        break;
    case 1:
        change_index(action);
        break;
    case 2:
        driver_makes_up(action);
        break;
    case 3:
        set_ready((action->where & 1) != 0, action->where >> 5);
        break;
    case 4:
        shared.sides[DRIVER].start += action->value;
        break;
    default:
        step(action->value);
        break;
    }
}

static bool all_heard(void)
{
    return memcmp(state.asked, state.heard, sizeof(state.asked)) == 0;
}

static bool nothing_is_left(void)
{
    return state.virt.in_flight == state.virt.table_read_in_flight;
}

/* All that was asked is answered, and once, when everybody does his part a few times more. */
static void finish_honest(void)
{
    if (state.forgotten) {
        driver_starts();
    }
    set_ready(true, 0);
    for (uint32_t round = 0; round < MOST_ROUNDS && !(all_heard() && nothing_is_left()); round++) {
        step(UINT64_MAX);
        driver_answers(CAPACITY, SDDF_BLK_OK);
        step(UINT64_MAX);
        for (uint32_t i = 0; i < CLIENTS; i++) {
            client_hears(i);
        }
        state.now_ms += state.virt.limited != 0 ? PATIENCE_MS : 0;
    }
    step(UINT64_MAX);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        REQUIRE(state.asked[i] == state.heard[i] && state.virt.sessions[i].owed == 0);
    }
    REQUIRE(nothing_is_left() && state.virt.stray_responses == 0);
}

/* The second client is one of sDDF's in any case. */
static void set_up(bool resilient, bool timed, bool limited)
{
    static const struct { uint32_t weight; uint64_t bandwidth; uint32_t iops; } limits[CLIENTS] = {
        { 16, 1000000, 200 }, { 3, 0, 0 }, { 1, 300000, 20 },
    };
    for (uint32_t i = 0; i < CLIENTS; i++) {
        clients[i].weight = limited ? limits[i].weight : 1;
        clients[i].bandwidth = limited ? limits[i].bandwidth : 0;
        clients[i].iops = limited ? limits[i].iops : 0;
    }
    config.timeout_ms = timed ? TIMEOUT_MS : 0;
    config.driver.connection.resilient = resilient;
    clients[0].connection.resilient = resilient;
    clients[2].connection.resilient = resilient;
}

static void start(bool ready)
{
    memset(&shared, 0, sizeof(shared));
    memset(&state.asked, 0, sizeof(state.asked));
    memset(&state.heard, 0, sizeof(state.heard));
    state.forgotten = false;
    state.now_ms = 0;
    set_ready(ready, 0);
    block_virt_init(&state.virt, &config);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        block_request_writer_init(&state.askers[i], requests_of(i), CAPACITY);
        block_response_reader_init(&state.hearers[i], responses_of(i), CAPACITY);
    }
    block_request_reader_init(&state.driver_requests, requests_of(DRIVER), CAPACITY);
    block_response_writer_init(&state.driver_responses, responses_of(DRIVER), CAPACITY);
    if (ready) {
        step(UINT64_MAX);
        driver_answers(CAPACITY, SDDF_BLK_OK);
        step(UINT64_MAX);
        REQUIRE(state.virt.state == BLOCK_VIRT_SERVE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 1 + MAX_ACTIONS * ACTION_BYTES) {
        return -1;
    }
    bool honest = (data[0] & HONEST_ONLY) != 0;
    set_up((data[0] & RESILIENT) != 0, (data[0] & TIMED) != 0, (data[0] & LIMITED) != 0);
    start((data[0] & START_READY) != 0);
    for (size_t at = 1; at + ACTION_BYTES <= size; at += ACTION_BYTES) {
        struct action action = { .what = data[at], .where = data[at + 1] };
        memcpy(&action.value, &data[at + 2], sizeof(action.value));
        uint8_t what = honest ? action.what % HOSTILE : action.what;
        if (what >= DEATHS && what < HOSTILE) {
            do_death(&action);
        } else if (what < DEATHS) {
            do_honest(&action);
        } else {
            do_hostile(&action);
        }
    }
    if (honest) {
        finish_honest();
    }
    return 0;
}
