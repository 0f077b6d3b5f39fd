/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtualiser's PD with its generated table where requests may take any time and clients have limits. */
#include <sdfgen/block_virt.h>
#include <sdfgen/cache.h>
#include <sdfgen/shared.h>

#include "glue_fake.h"

/* The fixture's own symbols, which a build patches and a test sets. */
extern uint64_t io_base_virt_data;
extern uint64_t io_base_client1_0_data;
extern uint64_t io_base_client2_0_data;

#define DRIVER (&block_virt_config.driver.connection)
#define CLIENT (&block_virt_config.clients[0].connection)
#define TIMER (&block_virt_config.timer)

static struct block_request_writer asker;
static struct block_request_reader requests;
static struct block_response_writer responses;
static const struct guest_timer_page *timer_page;
static uint8_t *own_data;

void cache_clean_range(uintptr_t vaddr, size_t size_bytes)
{
    CHECK(vaddr != 0 && size_bytes != 0);
}

void cache_clean_and_invalidate_range(uintptr_t vaddr, size_t size_bytes)
{
    CHECK(vaddr != 0 && size_bytes != 0);
}

static struct sddf_blk_storage_info *map_connection(const struct block_connection *connection)
{
    fake_map(connection->request_vaddr, SDDF_BLK_REQUEST_QUEUE_BYTES(connection->queue_capacity));
    fake_map(connection->response_vaddr, SDDF_BLK_RESPONSE_QUEUE_BYTES(connection->queue_capacity));
    return fake_map(connection->storage_info_vaddr, SDDF_BLK_BLOCK_BYTES);
}

static void write_mbr(void)
{
    const uint32_t first_and_count[] = { 8 * 256, 8 * 1000 };
    own_data[510] = 0x55;
    own_data[511] = 0xaa;
    own_data[446 + 4] = 0x83;
    memcpy(own_data + 446 + 8, first_and_count, sizeof(first_and_count));
}

static void driver_answers(void)
{
    struct sddf_blk_request request;
    CHECK(block_queue_filled(&requests.end) != 0);
    block_request_take(&requests, &request);
    block_queue_publish(&requests.end);
    block_response_put(&responses, &(struct sddf_blk_response) { .success_count = 1, .id = request.id });
    block_queue_publish(&responses.end);
    notified(DRIVER->channel);
}

static void set_up(void)
{
    io_base_virt_data = 0x60a00000;
    io_base_client1_0_data = 0x60c00000;
    io_base_client2_0_data = 0x60e00000;
    timer_page = fake_map(TIMER->page_vaddr, sizeof(*timer_page));
    own_data = fake_map(block_virt_config.driver.data.vaddr, block_virt_config.driver.data.size_bytes);
    struct sddf_blk_storage_info *info = map_connection(DRIVER);
    for (uint32_t i = 0; i < block_virt_config.client_count; i++) {
        (void)map_connection(&block_virt_config.clients[i].connection);
        fake_map(block_virt_config.clients[i].data.vaddr, block_virt_config.clients[i].data.size_bytes);
    }
    block_request_reader_init(&requests, (void *)DRIVER->request_vaddr, DRIVER->queue_capacity);
    block_response_writer_init(&responses, (void *)DRIVER->response_vaddr, DRIVER->queue_capacity);
    block_request_writer_init(&asker, (void *)CLIENT->request_vaddr, CLIENT->queue_capacity);
    info->sector_bytes = 512;
    info->capacity_blocks = 4096;
    shared_store_release_u8(&info->ready, 1);
    init();
    write_mbr();
    driver_answers();
}

static void at_ms(uint64_t now_ms)
{
    fake.now_ticks = now_ms * FAKE_TICKS_IN_MS;
    notified(TIMER->channel);
}

static void the_table_has_limits_and_no_timeout(void)
{
    CHECK(block_virt_config.timeout_ms == 0 && TIMER->page_vaddr != 0);
    CHECK(block_virt_config.clients[0].weight == 1 && block_virt_config.clients[0].iops == 100);
    CHECK(block_virt_config.clients[1].weight == 3 && block_virt_config.clients[1].bandwidth == 1u << 20);
}

static void who_waits_for_its_rate_goes_on_when_the_timer_notifies(void)
{
    set_up();
    CHECK(fake.notified_count[TIMER->channel] == 0);
    for (uint32_t i = 0; i < 8; i++) {
        block_request_put(&asker, &(struct sddf_blk_request) { .code = SDDF_BLK_READ, .block_count = 1, .id = i });
    }
    block_queue_publish(&asker.end);
    notified(CLIENT->channel);
    CHECK(block_queue_filled(&requests.end) == 3 && fake.notified_count[TIMER->channel] == 1);
    CHECK(timer_page->wake_ticks == 20 * FAKE_TICKS_IN_MS);
    at_ms(19);
    CHECK(block_queue_filled(&requests.end) == 3 && fake.notified_count[TIMER->channel] == 1);
    at_ms(20);
    CHECK(block_queue_filled(&requests.end) == 5 && fake.notified_count[TIMER->channel] == 2);
    CHECK(timer_page->wake_ticks == 40 * FAKE_TICKS_IN_MS);
    at_ms(40);
    at_ms(60);
    CHECK(block_queue_filled(&requests.end) == 8);
}

static const struct unit_test tests[] = {
    UNIT_TEST(the_table_has_limits_and_no_timeout),
    UNIT_TEST(who_waits_for_its_rate_goes_on_when_the_timer_notifies),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
