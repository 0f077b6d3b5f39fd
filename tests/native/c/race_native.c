/* SPDX-License-Identifier: BSD-2-Clause */
/* A client that speaks sDDF's protocol, and asks as much as it can. */
#include <stdio.h>
#include <string.h>

#include <sdfgen/block_queue.h>

#include "race_internal.h"

static struct block_request_writer requests;
static struct block_response_reader responses;
static uint32_t wanted;
static uint32_t asked;
static uint32_t heard;
static uint32_t free_count;
static uint32_t free_cells[RACE_CELLS];
static uint64_t block_of[RACE_CELLS];
static bool writes[RACE_CELLS];

void race_native_set_up(const struct scenario *scenario, uint32_t request_count)
{
    struct block_client_config config = race_client_config(scenario);
    block_request_writer_init(&requests, (void *)config.connection.request_vaddr, scenario->queue_capacity);
    block_response_reader_init(&responses, (void *)config.connection.response_vaddr, scenario->queue_capacity);
    wanted = request_count;
    asked = heard = 0;
    for (free_count = 0; free_count < RACE_CELLS; free_count++) {
        free_cells[free_count] = free_count;
    }
}

static void ask_next(void)
{
    uint32_t cell = free_cells[--free_count];
    uint64_t content = race_content(asked % 1000);
    struct sddf_blk_request request = {
        .code = asked % 2 != 0 ? SDDF_BLK_WRITE : SDDF_BLK_READ,
        .io_or_offset = (uint64_t)cell * SDDF_BLK_BLOCK_BYTES,
        .block_number = asked % 1000,
        .block_count = 1,
        .id = cell,
    };
    block_of[cell] = request.block_number;
    writes[cell] = request.code == SDDF_BLK_WRITE;
    if (writes[cell]) {
        memcpy(race_data[cell], &content, sizeof(content));
    } else {
        memset(race_data[cell], 0, sizeof(content));
    }
    block_request_put(&requests, &request);
    asked++;
}

static void hear_next(void)
{
    struct sddf_blk_response response;
    uint64_t content;
    block_response_take(&responses, &response);
    if (response.id >= RACE_CELLS || response.status != SDDF_BLK_OK || response.success_count != 1) {
        race_fail("an answer makes no sense");
    }
    content = race_content(block_of[response.id]);
    if (!writes[response.id] && memcmp(race_data[response.id], &content, sizeof(content)) != 0) {
        race_fail("something else was read than the disk holds");
    }
    free_cells[free_count++] = response.id;
    heard++;
}

static void turn(void)
{
    uint32_t filled = block_queue_filled(&responses.end);
    for (uint32_t i = 0; i < filled; i++) {
        hear_next();
    }
    bool notify = filled != 0 && block_queue_release(&responses.end, filled) > responses.end.mask;
    uint32_t room = block_queue_room(&requests.end);
    uint32_t before = asked;
    while (room > 0 && asked < wanted && free_count > 0) {
        ask_next();
        room--;
    }
    if (asked != before) {
        block_queue_publish(&requests.end);
        notify = true;
    }
    if (notify) {
        party_notify(PARTY_VIRT, UINT64_C(1) << CHANNEL_CLIENT);
    }
}

/* Twice, since it has room for more requests long before they are answered, which nobody tells it. */
void race_native_body(void)
{
    while (heard < wanted) {
        turn();
        party_yield();
        turn();
        if (heard < wanted) {
            (void)party_wait();
        }
    }
}

bool race_native_done(void)
{
    return heard == wanted;
}

void race_native_describe(void)
{
    fprintf(stderr, "native client: asked %u of %u, heard %u\n", asked, wanted, heard);
}
