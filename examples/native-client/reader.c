/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the first block of its disk, and says what it begins with. Which addresses and channels it has stands in
 * block_disks, a table that sdfgen generates and that is linked in.
 */
#include <microkit.h>

#include <sdfgen/block_config.h>
#include <sdfgen/block_queue.h>
#include <sdfgen/pd_say.h>
#include <sdfgen/shared.h>

#define SHOWN 32u

static struct block_request_writer requests;
static struct block_response_reader responses;
static bool has_asked;

/* The disk is there once the virtualiser says so; it notifies then. */
static bool is_ready(const struct block_connection *connection)
{
    const volatile struct sddf_blk_storage_info *info = (const void *)connection->storage_info_vaddr;
    return shared_load_acquire_u8(&info->ready) != 0;
}

static void ask(const struct block_client_config *disk)
{
    const struct block_connection *connection = &disk->connection;
    block_request_writer_init(&requests, (void *)connection->request_vaddr, connection->queue_capacity);
    block_response_reader_init(&responses, (void *)connection->response_vaddr, connection->queue_capacity);
    const struct sddf_blk_request first = { .code = SDDF_BLK_READ, .block_count = 1 };
    if (block_queue_room(&requests.end) > 0) {
        block_request_put(&requests, &first);
        block_queue_publish(&requests.end);
        microkit_notify(connection->channel);
    }
    has_asked = true;
}

static void hear(const struct block_client_config *disk)
{
    if (block_queue_filled(&responses.end) == 0) {
        return;
    }
    struct sddf_blk_response response;
    block_response_take(&responses, &response);
    block_queue_release(&responses.end, 1);
    if (response.status != SDDF_BLK_OK) {
        pd_say("the disk can't be read", NULL);
        return;
    }
    char text[SHOWN + 1] = "";
    const volatile uint8_t *data = (const volatile uint8_t *)disk->data.vaddr;
    for (uint32_t i = 0; i < SHOWN; i++) {
        const uint8_t byte = data[i]; /* others can change it: it is loaded once */
        text[i] = byte >= ' ' && byte <= '~' ? (char)byte : '.';
    }
    pd_say("its disk begins with", text);
}

static void turn(void)
{
    const struct block_client_config *disk = &block_disks[0];
    if (!has_asked && is_ready(&disk->connection)) {
        ask(disk);
    }
    if (has_asked) {
        hear(disk);
    }
}

void init(void)
{
    turn();
}

void notified(microkit_channel channel)
{
    (void)channel;
    turn();
}
