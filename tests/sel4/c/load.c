/*
 * A native client that keeps its disk's queue full: it writes what each block is to hold, reads it back in another
 * round, and says how far it has come. What it waits for it is notified of; a notification that is lost ends it.
 */
#include <microkit.h>

#include <sdfgen/block_config.h>
#include <sdfgen/block_queue.h>
#include <sdfgen/pd_say.h>
#include <sdfgen/shared.h>

/* REQUESTS comes from who compiles this. */
#define SAY_EVERY 500u
#define CELLS 16u
#define WORDS (SDDF_BLK_BLOCK_BYTES / sizeof(uint64_t))

static struct block_request_writer requests;
static struct block_response_reader responses;
static const struct block_client_config *disk;
static uint32_t asked;
static uint32_t heard;
static uint32_t free_count;
static uint32_t free_cells[CELLS];
static uint32_t request_of[CELLS];
static bool started;

/* A round of writes, then a round of reads, and again. */
static bool is_write(uint32_t request)
{
    return request / CELLS % 2 == 0;
}

static uint64_t content(uint32_t request, uint32_t word)
{
    const uint64_t name = (uint64_t)(uint8_t)microkit_name[4] << 8 | (uint8_t)microkit_name[5];
    return ((uint64_t)(request / CELLS / 2) << 32 | request % CELLS << 16 | word) ^ name << 48;
}

static volatile uint64_t *cell_at(uint32_t cell)
{
    return (volatile uint64_t *)(disk->data.vaddr + (uintptr_t)cell * SDDF_BLK_BLOCK_BYTES);
}

static void ask_next(void)
{
    const uint32_t cell = free_cells[--free_count];
    const struct sddf_blk_request request = {
        .code = is_write(asked) ? SDDF_BLK_WRITE : SDDF_BLK_READ,
        .io_or_offset = (uint64_t)cell * SDDF_BLK_BLOCK_BYTES,
        .block_number = asked % CELLS,
        .block_count = 1,
        .id = cell,
    };
    for (uint32_t i = 0; i < WORDS; i++) {
        cell_at(cell)[i] = is_write(asked) ? content(asked, i) : 0;
    }
    request_of[cell] = asked;
    block_request_put(&requests, &request);
    asked++;
}

static void hear_next(void)
{
    struct sddf_blk_response response;
    block_response_take(&responses, &response);
    if (response.id >= CELLS || response.status != SDDF_BLK_OK) {
        pd_say("a request failed", NULL);
        return;
    }
    for (uint32_t i = 0; i < WORDS && !is_write(request_of[response.id]); i++) {
        if (cell_at(response.id)[i] != content(request_of[response.id] - CELLS, i)) {
            pd_say("other data than was written", NULL);
            return;
        }
    }
    free_cells[free_count++] = response.id;
    heard++;
    if (heard == REQUESTS || heard % SAY_EVERY == 0) {
        pd_say(heard == REQUESTS ? "all done" : "so far so good", NULL);
    }
}

/* What is asked next must not overtake the round before it. */
static bool may_ask(void)
{
    return asked < REQUESTS && free_count > 0 && (asked % CELLS != 0 || heard == asked);
}

static void turn(void)
{
    const uint32_t filled = block_queue_filled(&responses.end);
    for (uint32_t i = 0; i < filled; i++) {
        hear_next();
    }
    bool notify = filled != 0 && block_queue_release(&responses.end, filled) > responses.end.mask;
    const uint32_t before = asked;
    for (uint32_t room = block_queue_room(&requests.end); room > 0 && may_ask(); room--) {
        ask_next();
    }
    if (asked != before) {
        block_queue_publish(&requests.end);
        notify = true;
    }
    if (notify) {
        microkit_notify(disk->connection.channel);
    }
}

static void start(void)
{
    const struct block_connection *connection = &disk->connection;
    const volatile struct sddf_blk_storage_info *info = (const void *)connection->storage_info_vaddr;
    if (shared_load_acquire_u8(&info->ready) == 0) {
        return;
    }
    started = true;
    for (free_count = 0; free_count < CELLS; free_count++) {
        free_cells[free_count] = free_count;
    }
    block_request_writer_init(&requests, (void *)connection->request_vaddr, connection->queue_capacity);
    block_response_reader_init(&responses, (void *)connection->response_vaddr, connection->queue_capacity);
}

void init(void)
{
    disk = &block_disks[0];
    start();
    if (started) {
        turn();
    }
}

void notified(microkit_channel channel)
{
    (void)channel;
    if (!started) {
        start();
    }
    if (started) {
        turn();
        turn();
    }
}
