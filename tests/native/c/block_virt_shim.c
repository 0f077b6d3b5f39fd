/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtualiser behind a pipe, for a model in another language. Each line is a program of letters with numbers behind
 * them; what happened follows, a line for each thing, and a line with a full stop. The program begins with the world:
 *
 *     S clients resilient eager timeout_ms capacity depth ready
 *
 * `resilient` and `eager` have a bit for each client; an eager one takes its responses after each step. Then
 *
 *     A client code block count    it asks, if its queue has room: "ask client id code block count now"
 *     P                            a step for all who have notified meanwhile: "step now", and after it
 *                                  "look client" for each of these, "put client id first code block count", and "hear"
 *     W ms                         time passes; there are steps for those who have notified, and at the times that the
 *                                  virtualiser asked for: "time now"
 *     T count                      the driver takes so many: "take client id first"
 *     D i                          it does the i-th that it has taken, and says so: "did client id first blocks",
 *                                  "answer client id first status"
 *     L i                          it does that, and says nothing yet
 *     E i                          it fails that without doing it
 *     K                            it dies
 *     N ready depth                another starts in its place: "start"
 *     R                            it is ready
 *     H client                     the client takes its responses: "hear client id status blocks now"
 *     F                            all do their part until nothing is left: "end in_flight strays"
 *
 * The driver's `first` is the block of the client's request at which a piece begins.
 */
#include "block_virt_account.h"
#include "block_virt_unit.h"

#define LINE_BYTES 4096u
#define MOST_HELD 256u
#define MOST_CLIENTS 4u
#define CELL_BLOCKS 2u
#define ROUNDS 2000u

/* What a slot's request is part of. */
struct part {
    uint32_t client;
    uint32_t id;
    uint32_t first;
};

struct held {
    struct sddf_blk_request request;
    struct part part;
    bool done;
};

static struct {
    uint32_t eager;
    uint64_t pending; /* notifications since the last step */
    uint32_t next_id[MOST_CLIENTS];
    uint64_t late[MOST_CLIENTS]; /* a bit for each request that it knows to be */
    struct part parts[BLOCK_VIRT_MAX_IN_FLIGHT];
    uint32_t put_until; /* position in the driver's queue */
    uint32_t held_count;
    struct held held[MOST_HELD];
    bool dead;
} shim;

/* ---- The program ---- */

static uint32_t number(void)
{
    const char *word = strtok(NULL, " \n");
    CHECK(word != NULL);
    return (uint32_t)strtoul(word, NULL, 10);
}

/* ---- Steps ---- */

static uint32_t late_count(uint32_t client)
{
    return (uint32_t)__builtin_popcountll(shim.late[client]);
}

/* Takes all responses, and notifies where block_virt.h wants it to. */
static void hear(uint32_t client)
{
    struct block_response_reader *reader = &world.clients[client].responses;
    uint32_t filled = block_queue_filled(&reader->end);
    uint32_t most_late = late_count(client);
    for (uint32_t i = 0; i < filled; i++) {
        struct sddf_blk_response response;
        block_response_take(reader, &response);
        printf("hear %u %u %u %u %llu\n", client, response.id, response.status, response.success_count,
               (unsigned long long)world.now_ms);
        shim.late[client] &= ~(UINT64_C(1) << response.id % 64);
        shim.late[client] |= (uint64_t)(response.status == SDFGEN_BLOCK_ERR_LATE) << response.id % 64;
        most_late = late_count(client) > most_late ? late_count(client) : most_late;
    }
    if (filled != 0) {
        uint32_t kept = world.client_configs[client].connection.resilient ? 1 + most_late : 0;
        uint32_t found = block_queue_release(&reader->end, filled);
        shim.pending |= found + kept > reader->end.mask ? UINT64_C(1) << client : 0;
    }
}

static void tell_puts(void)
{
    volatile struct sddf_blk_request_queue *queue = world_requests(&world.driver);
    for (; shim.put_until != world.virt.driver_requests.end.own; shim.put_until++) {
        const volatile struct sddf_blk_request *request = &queue->buffers[shim.put_until % WORLD_CAPACITY];
        const uint32_t index = request->id % BLOCK_VIRT_MAX_IN_FLIGHT;
        const struct block_virt_slot *slot = &world.virt.slots[index];
        struct part *part = &shim.parts[index];
        *part = (struct part) { .client = slot->client };
        if (slot->client < world.virt.client_count) {
            part->id = world.virt.wholes[slot->whole].client_id;
            part->first = slot->first;
            printf("put %u %u %u %u %llu %u\n", part->client, part->id, part->first, request->code,
                   (unsigned long long)(request->block_number - world.virt.sessions[slot->client].first_block),
                   request->block_count);
        }
    }
}

static void step(void)
{
    uint64_t channels = shim.pending;
    shim.pending = 0;
    printf("step %llu\n", (unsigned long long)world.now_ms);
    for (uint32_t i = 0; i < world.config.client_count; i++) {
        if ((channels >> i & 1) != 0) {
            printf("look %u\n", i);
        }
    }
    world_step_notified(channels);
    tell_puts();
    for (uint32_t i = 0; i < world.config.client_count; i++) {
        if ((shim.eager >> i & 1) != 0) {
            hear(i);
        }
    }
}

static void pass_time(uint32_t ms)
{
    uint64_t target_ms = world.now_ms + ms;
    for (uint32_t i = 0; shim.pending != 0 || block_virt_wake_ms(&world.virt) <= target_ms; i++) {
        CHECK(i < ROUNDS);
        world.now_ms = shim.pending != 0 ? world.now_ms : block_virt_wake_ms(&world.virt);
        step();
    }
    world.now_ms = target_ms;
    printf("time %llu\n", (unsigned long long)target_ms);
}

/* ---- Who takes part ---- */

static void client_asks(uint32_t client, uint32_t code, uint32_t block, uint32_t count)
{
    if (block_queue_room(&world.clients[client].requests.end) == 0) {
        return;
    }
    uint32_t id = shim.next_id[client]++;
    bool data = code <= SDDF_BLK_WRITE;
    uint64_t offset = data ? (uint64_t)id * CELL_BLOCKS % WORLD_DATA_BLOCKS * BLOCK : 0;
    printf("ask %u %u %u %u %u %llu\n", client, id, code, block, count, (unsigned long long)world.now_ms);
    world_ask(client, ask(code, offset, block, (uint16_t)count, id));
    shim.pending |= UINT64_C(1) << client;
}

static void driver_notifies(void)
{
    shim.pending |= DRIVER_NOTIFIED;
}

/* Reads of the partition tables are answered at once. */
static void driver_takes(uint32_t count)
{
    struct held held;
    while (!shim.dead && count-- != 0 && shim.held_count < MOST_HELD && world_driver_take(&held.request)) {
        held.part = shim.parts[held.request.id % BLOCK_VIRT_MAX_IN_FLIGHT];
        held.done = false;
        if (held.part.client >= world.config.client_count) {
            world_driver_do(&held.request);
            world_driver_answer(held.request.id, SDDF_BLK_OK, held.request.block_count);
            driver_notifies();
        } else {
            printf("take %u %u %u\n", held.part.client, held.part.id, held.part.first);
            shim.held[shim.held_count++] = held;
        }
    }
}

static void driver_does(struct held *held)
{
    if (!held->done) {
        world_driver_do(&held->request);
        printf("did %u %u %u %u\n", held->part.client, held->part.id, held->part.first, held->request.block_count);
        held->done = true;
    }
}

static void driver_answers(uint32_t index, uint32_t status)
{
    const struct held held = shim.held[index];
    const uint16_t done = status == SDDF_BLK_OK ? held.request.block_count : 0;
    shim.held_count--;
    memmove(&shim.held[index], &shim.held[index + 1], (shim.held_count - index) * sizeof(held));
    world_driver_answer(held.request.id, status, done);
    printf("answer %u %u %u %u\n", held.part.client, held.part.id, held.part.first, status);
    driver_notifies();
}

static void driver_starts(bool ready, uint32_t depth)
{
    world_driver_start();
    shim.held_count = 0;
    shim.dead = false;
    world.driver.info.queue_depth = (uint16_t)depth;
    puts("start");
    if (ready) {
        world_driver_ready();
    }
    driver_notifies();
}

static void driver_is_ready(void)
{
    if (!shim.dead) {
        world_driver_ready();
        driver_notifies();
    }
}

static void finish(void)
{
    if (shim.dead || world.driver.info.ready == 0) {
        driver_starts(true, 0);
    }
    uint32_t round = 0;
    do {
        CHECK(round++ < ROUNDS);
        step();
        driver_takes(UINT32_MAX);
        while (shim.held_count != 0) {
            driver_does(&shim.held[0]);
            driver_answers(0, SDDF_BLK_OK);
        }
        for (uint32_t i = 0; i < world.config.client_count; i++) {
            hear(i);
        }
    } while (shim.pending != 0);
    printf("end %u %llu\n", world.virt.in_flight, (unsigned long long)block_virt_stray_responses(&world.virt));
}

/* ---- Actions ---- */

static void begin(void)
{
    memset(&shim, 0, sizeof(shim));
    uint32_t client_count = number();
    uint32_t resilient = number();
    shim.eager = number();
    uint32_t timeout_ms = number();
    uint32_t capacity = number();
    world_set_up(client_count, capacity);
    world_be_resilient(timeout_ms);
    for (uint32_t i = 0; i < client_count; i++) {
        world.client_configs[i].connection.resilient = (resilient >> i & 1) != 0;
    }
    world.driver.info.queue_depth = (uint16_t)number();
    world_begin();
    if (number() != 0) {
        world_driver_ready();
        world_run();
    }
    shim.put_until = world.virt.driver_requests.end.own;
}

static void with_held(char action, uint32_t index)
{
    if (shim.held_count == 0) {
        return;
    }
    index %= shim.held_count;
    if (action != 'E') {
        driver_does(&shim.held[index]);
    }
    if (action != 'L') {
        driver_answers(index, action == 'E' && !shim.held[index].done ? SDDF_BLK_ERR_IO : SDDF_BLK_OK);
    }
}

/* How many numbers follow, that of a client apart. */
static uint32_t more_numbers(char action)
{
    if (action == 'A') {
        return 3;
    }
    return action == 'N' ? 2 : strchr("WTDLE", action) != NULL;
}

static void act(char action)
{
    uint32_t client = action == 'A' || action == 'H' ? number() % world.config.client_count : 0;
    uint32_t words[3] = { 0 };
    for (uint32_t i = 0; i < more_numbers(action); i++) {
        words[i] = number();
    }
    switch (action) {
    case 'A':
        client_asks(client, words[0], words[1], words[2]);
        break;
    case 'P':
        step();
        break;
    case 'W':
        pass_time(words[0]);
        break;
    case 'T':
        driver_takes(words[0]);
        break;
    case 'K':
        shim.held_count = 0;
        shim.dead = true;
        break;
    case 'N':
        driver_starts(words[0] != 0, words[1]);
        break;
    case 'R':
        driver_is_ready();
        break;
    case 'H':
        hear(client);
        break;
    case 'F':
        finish();
        break;
    default:
        with_held(action, words[0]);
        break;
    }
}

int main(void)
{
    static char line[LINE_BYTES];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *word = strtok(line, " \n");
        CHECK(word != NULL && word[0] == 'S');
        begin();
        while ((word = strtok(NULL, " \n")) != NULL) {
            act(word[0]);
        }
        puts(".");
        fflush(stdout);
    }
    return 0;
}
