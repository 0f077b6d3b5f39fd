/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtualiser's PD of the two-client system with its generated table: who is notified, and what is said. */
#include <sdfgen/block_virt.h>
#include <sdfgen/cache.h>
#include <sdfgen/counters.h>
#include <sdfgen/shared.h>

#include "glue_fake.h"

/* The fixture's own symbols, which a build patches and a test sets. */
extern uint64_t io_base_virt_data;
extern uint64_t io_base_client1_0_data;
extern uint64_t io_base_client2_0_data;

#define DRIVER (&block_virt_config.driver.connection)
#define DRIVER_CHANNEL 0u
#define CLIENT_CHANNEL 1u
#define DISK_BLOCKS 4096u
#define CLIENTS 2u
#define MBR_PARTITION 446u
#define MBR_PARTITION_BYTES 16u

static struct sddf_blk_storage_info *disk_info;
static struct sddf_blk_storage_info *client_info[CLIENTS];
static struct block_request_reader requests;
static struct block_response_writer responses;
static uint8_t *own_data;
static const struct guest_timer_page *timer_page;

#define TIMER_CHANNEL block_virt_config.timer.channel

/* But for those of the guest timer. */
static uint32_t notifications(void)
{
    return fake_notifications() - fake.notified_count[TIMER_CHANNEL];
}

void cache_clean_range(uintptr_t vaddr, size_t size_bytes)
{
    CHECK(vaddr != 0 && size_bytes != 0);
}

void cache_clean_and_invalidate_range(uintptr_t vaddr, size_t size_bytes)
{
    CHECK(vaddr != 0 && size_bytes != 0);
}

static void map_connection(const struct block_connection *connection, struct sddf_blk_storage_info **info)
{
    *info = fake_map(connection->storage_info_vaddr, SDDF_BLK_BLOCK_BYTES);
    fake_map(connection->request_vaddr, SDDF_BLK_REQUEST_QUEUE_BYTES(connection->queue_capacity));
    fake_map(connection->response_vaddr, SDDF_BLK_RESPONSE_QUEUE_BYTES(connection->queue_capacity));
}

static void set_up(void)
{
    io_base_virt_data = 0x60a00000;
    io_base_client1_0_data = 0x60c00000;
    io_base_client2_0_data = 0x60e00000;
    CHECK(block_virt_config.client_count == CLIENTS);
    timer_page = fake_map(block_virt_config.timer.page_vaddr, sizeof(*timer_page));
    map_connection(DRIVER, &disk_info);
    own_data = fake_map(block_virt_config.driver.data.vaddr, block_virt_config.driver.data.size_bytes);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        map_connection(&block_virt_config.clients[i].connection, &client_info[i]);
        fake_map(block_virt_config.clients[i].data.vaddr, block_virt_config.clients[i].data.size_bytes);
    }
    block_request_reader_init(&requests, (void *)DRIVER->request_vaddr, DRIVER->queue_capacity);
    block_response_writer_init(&responses, (void *)DRIVER->response_vaddr, DRIVER->queue_capacity);
}

static void driver_is_ready(void)
{
    disk_info->sector_bytes = 512;
    disk_info->block_size = 1;
    disk_info->queue_depth = 8;
    disk_info->capacity_blocks = DISK_BLOCKS;
    shared_store_release_u8(&disk_info->ready, 1);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

/* An MBR with that many partitions of 1000 blocks. */
static void write_mbr(uint8_t *block, uint32_t partition_count)
{
    block[510] = 0x55;
    block[511] = 0xaa;
    for (uint32_t i = 0; i < partition_count; i++) {
        uint8_t *entry = block + MBR_PARTITION + i * MBR_PARTITION_BYTES;
        entry[4] = 0x83;
        put_u32(entry + 8, 8 * (256 + 1000 * i));
        put_u32(entry + 12, 8 * 1000);
    }
}

/* The driver reads the partition table, as it finds it with so many partitions; without any there is no table. */
static void driver_reads_table(uint32_t partition_count)
{
    struct sddf_blk_request request;
    CHECK(block_queue_filled(&requests.end) == 1);
    block_request_take(&requests, &request);
    CHECK(request.code == SDDF_BLK_READ && request.block_number == 0);
    CHECK(request.io_or_offset == io_base_virt_data);
    if (partition_count > 0) {
        write_mbr(own_data, partition_count);
    }
    const struct sddf_blk_response response = {
        .status = SDDF_BLK_OK,
        .success_count = request.block_count,
        .id = request.id,
    };
    block_queue_publish(&requests.end);
    block_response_put(&responses, &response);
    block_queue_publish(&responses.end);
    notified(DRIVER_CHANNEL);
}

static void a_driver_is_waited_for_asleep(void)
{
    set_up();
    init();
    notified(DRIVER_CHANNEL);
    notified(CLIENT_CHANNEL);
    CHECK(notifications() == 0);
    CHECK(strcmp(fake.console, "test_pd: disk: waiting for the driver\n"
                               "test_pd: client1_0: waiting for the partition tables\n"
                               "test_pd: client2_0: waiting for the partition tables\n") == 0);
    driver_is_ready();
    notified(DRIVER_CHANNEL);
    CHECK(fake.notified_count[DRIVER_CHANNEL] == 1 && notifications() == 1);
}

static uint64_t counted(const struct counters_page *page, uint32_t row, uint32_t column)
{
    return page->rows[row].values[column];
}

static void what_is_counted_is_seen_in_the_page(void)
{
    static struct counters_page page;
    counters_page_vaddr = (uintptr_t)&page;
    set_up();
    driver_is_ready();
    init();
    CHECK(page.magic == COUNTERS_MAGIC);
    driver_reads_table(2);
    const struct block_connection *client = &block_virt_config.clients[1].connection;
    struct block_request_writer writer;
    block_request_writer_init(&writer, (void *)client->request_vaddr, client->queue_capacity);
    const struct sddf_blk_request good = { .code = SDDF_BLK_READ, .block_count = 2 };
    const struct sddf_blk_request senseless = { .code = SDDF_BLK_READ, .block_count = 0 };
    block_request_put(&writer, &good);
    block_request_put(&writer, &senseless);
    block_queue_publish(&writer.end);
    notified(CLIENT_CHANNEL + 1);
    CHECK(counted(&page, 2, COUNTERS_REQUESTS_TAKEN) == 2 && counted(&page, 2, COUNTERS_REQUESTS_BYTES) == 8192);
    CHECK(counted(&page, 2, COUNTERS_REQUESTS_REFUSED) == 1 && counted(&page, 2, COUNTERS_REQUESTS_ERRORS) == 1);
    CHECK(counted(&page, 2, COUNTERS_REQUESTS_DEPTH) == 1 && counted(&page, 1, COUNTERS_REQUESTS_TAKEN) == 0);
    CHECK(counted(&page, 0, COUNTERS_SERVICE_DEPTH) == 1 && counted(&page, 0, COUNTERS_SERVICE_RESTARTS) == 0);
    struct sddf_blk_request request;
    CHECK(block_queue_filled(&requests.end) == 1);
    block_request_take(&requests, &request);
    block_response_put(&responses, &(struct sddf_blk_response){ .success_count = 2, .id = request.id });
    block_queue_publish(&responses.end);
    fake.now_ticks += 3 * FAKE_TICKS_IN_MS;
    notified(DRIVER_CHANNEL);
    CHECK(counted(&page, 2, COUNTERS_REQUESTS_WAIT_NS) == 3000000 && counted(&page, 1, COUNTERS_REQUESTS_WAIT_NS) == 0);
    disk_info->ready = 0;
    notified(DRIVER_CHANNEL);
    disk_info->ready = 1;
    notified(DRIVER_CHANNEL);
    CHECK(counted(&page, 0, COUNTERS_SERVICE_RESTARTS) == 1 && counted(&page, 0, COUNTERS_SERVICE_CUT_OFFS) == 0);
    *(volatile uint32_t *)(DRIVER->response_vaddr + sizeof(uint32_t)) = 0x7fffffff;
    notified(DRIVER_CHANNEL);
    CHECK(counted(&page, 0, COUNTERS_SERVICE_CUT_OFFS) == 1);
}

static void a_driver_that_was_ready_before_is_served_at_once(void)
{
    set_up();
    driver_is_ready();
    init();
    CHECK(fake.notified_count[DRIVER_CHANNEL] == 1 && notifications() == 1);
}

static void clients_are_notified_when_their_disks_are_published(void)
{
    set_up();
    driver_is_ready();
    init();
    driver_reads_table(2);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        CHECK(fake.notified_count[CLIENT_CHANNEL + i] == 1);
        CHECK(client_info[i]->ready == 1 && client_info[i]->capacity_blocks == 1000);
    }
    CHECK(strstr(fake.console, "test_pd: disk: serving\n") != NULL);
    CHECK(strstr(fake.console, "test_pd: client1_0: served\n") != NULL);
    CHECK(strstr(fake.console, "test_pd: client2_0: served\n") != NULL);
}

static void a_partition_that_is_missing_is_said(void)
{
    set_up();
    driver_is_ready();
    init();
    driver_reads_table(1);
    CHECK(strstr(fake.console, "test_pd: client1_0: served\n") != NULL);
    CHECK(strstr(fake.console, "test_pd: client2_0: there is no such partition\n") != NULL);
    CHECK(client_info[1]->ready == 1 && client_info[1]->capacity_blocks == 0);
}

static void a_disk_without_partitions_is_said(void)
{
    set_up();
    driver_is_ready();
    init();
    driver_reads_table(0);
    CHECK(strstr(fake.console, "test_pd: client1_0: the disk has no partition table\n") != NULL);
    CHECK(strstr(fake.console, "test_pd: client2_0: the disk has no partition table\n") != NULL);
}

static void an_address_that_was_not_patched_is_said(void)
{
    set_up();
    io_base_client2_0_data = PHYS_ADDR_UNPATCHED;
    driver_is_ready();
    init();
    driver_reads_table(2);
    CHECK(strstr(fake.console, "test_pd: client1_0: served\n") != NULL);
    CHECK(strstr(fake.console, "test_pd: client2_0: the io address of its data region was not patched in") != NULL);
}

static void each_thing_is_said_once(void)
{
    set_up();
    driver_is_ready();
    init();
    driver_reads_table(1);
    const size_t said = strlen(fake.console);
    for (uint32_t i = 0; i < 100; i++) {
        for (uint32_t channel = 0; channel < MICROKIT_MAX_CHANNELS; channel++) {
            notified(channel);
        }
    }
    CHECK(strlen(fake.console) == said);
    CHECK(notifications() == 1 + CLIENTS);
}

static void a_request_is_handed_on_and_its_answer_back(void)
{
    struct block_request_writer client;
    const struct block_connection *connection = &block_virt_config.clients[1].connection;
    const struct sddf_blk_request read = { .code = SDDF_BLK_READ, .block_number = 5, .block_count = 1, .id = 9 };
    struct sddf_blk_request request;
    set_up();
    driver_is_ready();
    init();
    driver_reads_table(2);
    block_request_writer_init(&client, (void *)connection->request_vaddr, connection->queue_capacity);
    block_request_put(&client, &read);
    block_queue_publish(&client.end);
    notified(CLIENT_CHANNEL + 1);
    CHECK(fake.notified_count[DRIVER_CHANNEL] == 2);
    CHECK(block_queue_filled(&requests.end) == 1);
    block_request_take(&requests, &request);
    CHECK(request.block_number == 256 + 1000 + 5 && request.io_or_offset == io_base_client2_0_data);
    block_response_put(&responses, &(struct sddf_blk_response){ .success_count = 1, .id = request.id });
    block_queue_publish(&responses.end);
    notified(DRIVER_CHANNEL);
    CHECK(fake.notified_count[CLIENT_CHANNEL + 1] == 2 && fake.notified_count[CLIENT_CHANNEL] == 1);
}

static void at_ms(uint64_t now_ms)
{
    fake.now_ticks = now_ms * FAKE_TICKS_IN_MS;
    notified(TIMER_CHANNEL);
}

static void requests_that_are_answered_in_time_cost_no_notification(void)
{
    set_up();
    driver_is_ready();
    init();
    CHECK(fake.notified_count[TIMER_CHANNEL] == 1);
    CHECK(timer_page->wake_ticks == block_virt_config.timeout_ms * FAKE_TICKS_IN_MS);
    driver_reads_table(2);
    for (uint32_t i = 0; i < 100; i++) {
        fake.now_ticks += FAKE_TICKS_IN_MS;
        notified(CLIENT_CHANNEL);
    }
    CHECK(fake.notified_count[TIMER_CHANNEL] == 1);
}

static void a_silent_driver_is_noticed_when_the_timer_notifies(void)
{
    struct block_request_writer client;
    struct block_response_reader answers;
    const struct block_connection *connection = &block_virt_config.clients[0].connection;
    const struct sddf_blk_request read = { .code = SDDF_BLK_READ, .block_count = 1, .id = 9 };
    struct sddf_blk_response response;
    const uint64_t timeout_ms = block_virt_config.timeout_ms;
    set_up();
    driver_is_ready();
    init();
    driver_reads_table(2);
    at_ms(timeout_ms);
    CHECK(fake.notified_count[TIMER_CHANNEL] == 1);
    block_request_writer_init(&client, (void *)connection->request_vaddr, connection->queue_capacity);
    block_response_reader_init(&answers, (void *)connection->response_vaddr, connection->queue_capacity);
    block_request_put(&client, &read);
    block_queue_publish(&client.end);
    notified(CLIENT_CHANNEL);
    CHECK(fake.notified_count[TIMER_CHANNEL] == 2);
    CHECK(timer_page->wake_ticks == 2 * timeout_ms * FAKE_TICKS_IN_MS);
    at_ms(2 * timeout_ms - 1);
    CHECK(block_queue_filled(&answers.end) == 0);
    at_ms(2 * timeout_ms);
    CHECK(block_queue_filled(&answers.end) == 1);
    block_response_take(&answers, &response);
    CHECK(response.id == 9 && response.status == SDFGEN_BLOCK_ERR_LATE);
    CHECK(fake.notified_count[TIMER_CHANNEL] == 2);
}

static const struct unit_test tests[] = {
    UNIT_TEST(a_driver_is_waited_for_asleep),
    UNIT_TEST(what_is_counted_is_seen_in_the_page),
    UNIT_TEST(a_driver_that_was_ready_before_is_served_at_once),
    UNIT_TEST(clients_are_notified_when_their_disks_are_published),
    UNIT_TEST(a_partition_that_is_missing_is_said),
    UNIT_TEST(a_disk_without_partitions_is_said),
    UNIT_TEST(an_address_that_was_not_patched_is_said),
    UNIT_TEST(each_thing_is_said_once),
    UNIT_TEST(a_request_is_handed_on_and_its_answer_back),
    UNIT_TEST(requests_that_are_answered_in_time_cost_no_notification),
    UNIT_TEST(a_silent_driver_is_noticed_when_the_timer_notifies),
};

int main(int argc, char **argv)
{
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
