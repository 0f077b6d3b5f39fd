/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of counters as domains write them, and what the monitor says of them. */
#include <stddef.h>

#include <sdfgen/monitor.h>

#include "unit.h"

#define TEXT_BYTES 4096u

static struct counters_page counted[2];
static const struct monitor_row service_rows[] = {
    { .name = "", .kind = COUNTERS_SERVICE },
    { .name = "first_0", .kind = COUNTERS_REQUESTS },
    { .name = "second_logs", .kind = COUNTERS_REQUESTS },
};
static const struct monitor_row vmm_rows[] = {
    { .name = "", .kind = COUNTERS_VMM },
    { .name = "disk_0", .kind = COUNTERS_REQUESTS },
};
static struct monitor_page pages[2];
static struct monitor_config config = { .pages = pages, .page_count = 2, .interval_looks = 3 };
static struct monitor monitor;
static char text[TEXT_BYTES];

static void say(const char *more)
{
    CHECK(strlen(text) + strlen(more) < sizeof(text));
    strcat(text, more);
}

static void look(void)
{
    text[0] = '\0';
    monitor_look(&monitor, &config, say);
}

static void set_up(void)
{
    pages[0] = (struct monitor_page){ "virt", (uintptr_t)&counted[0], service_rows, 3 };
    pages[1] = (struct monitor_page){ "first_vmm", (uintptr_t)&counted[1], vmm_rows, 2 };
}

static void count(uint32_t page, uint32_t row, uint32_t column, uint64_t value)
{
    counted[page].rows[row].values[column] = value;
}

static void all_is_said_at_each_so_many_th_look(void)
{
    set_up();
    count(0, 0, COUNTERS_SERVICE_DEPTH, 9);
    count(0, 2, COUNTERS_REQUESTS_TAKEN, UINT64_MAX);
    count(0, 2, COUNTERS_REQUESTS_BYTES, 4096);
    count(1, 0, COUNTERS_VMM_INJECTIONS, 10);
    for (uint32_t round = 0; round < 2; round++) {
        look();
        CHECK(strcmp(text, "") == 0);
        look();
        CHECK(strcmp(text, "") == 0);
        look();
        CHECK(strcmp(text, "counters: virt: depth 9\n"
                           "counters: virt second_logs: requests 18446744073709551615 bytes 4096\n"
                           "counters: first_vmm: injections 10\n") == 0);
    }
}

static void what_goes_wrong_is_said_at_once_and_once(void)
{
    set_up();
    count(0, 1, COUNTERS_REQUESTS_TAKEN, 1);
    count(1, 0, COUNTERS_VMM_STOPS, 1);
    look();
    CHECK(strcmp(text, "counters: first_vmm: stops 1\n") == 0);
    look();
    CHECK(strcmp(text, "") == 0);
    config.interval_looks = 0;
    count(0, 1, COUNTERS_REQUESTS_ERRORS, 2);
    count(0, 1, COUNTERS_REQUESTS_REFUSED, 2);
    look();
    CHECK(strcmp(text, "counters: virt first_0: requests 1 errors 2 refused 2\n") == 0);
    for (uint32_t i = 0; i < 10; i++) {
        look();
        CHECK(strcmp(text, "") == 0);
    }
}

static void each_kind_has_its_troubles(void)
{
    uint32_t columns = 0;
    uint32_t troubles = 0;
    for (uint32_t kind = 0; kind <= COUNTERS_KINDS; kind++) {
        for (uint32_t column = 0; column <= COUNTERS_COLUMNS; column++) {
            bool named = monitor_column_name((enum counters_kind)kind, column) != NULL;
            columns += named;
            troubles += monitor_is_trouble((enum counters_kind)kind, column);
            CHECK(named || !monitor_is_trouble((enum counters_kind)kind, column));
        }
    }
    CHECK(columns == 4 + 7 + 3 + 7 && troubles == 3 + 3 + 2 + 3);
}

static void a_table_beyond_all_bounds_is_cut(void)
{
    static struct monitor_row rows[COUNTERS_MAX_ROWS + 9];
    static struct monitor_page many[MONITOR_MAX_PAGES + 9];
    for (uint32_t i = 0; i < MONITOR_MAX_PAGES + 9; i++) {
        many[i] = (struct monitor_page){ "one", (uintptr_t)&counted[0], rows, COUNTERS_MAX_ROWS + 9 };
    }
    config = (struct monitor_config){ many, MONITOR_MAX_PAGES + 9, 1 };
    look();
    CHECK(strcmp(text, "") == 0);
    config.page_count = 0;
    look();
    CHECK(strcmp(text, "") == 0);
}

static void a_domain_without_a_page_writes_nowhere(void)
{
    counters_begin();
    counters_store(0, 0, 1);
    counters_add(0, 0, 1);
    CHECK(counted[0].magic == 0 && counted[0].rows[0].values[0] == 0);
}

static void a_domain_writes_its_page_and_no_more(void)
{
    static struct counters_page before;
    counters_page_vaddr = (uintptr_t)&counted[0];
    memset(&counted[0], 0xa5, sizeof(counted[0])); /* as memory may be that is not the kernel's */
    counters_begin();
    CHECK(memcmp(&counted[0].magic, "SDFGCNTR", 8) == 0);
    for (uint32_t i = 0; i < COUNTERS_MAX_ROWS * COUNTERS_COLUMNS; i++) {
        CHECK(counted[0].rows[i / COUNTERS_COLUMNS].values[i % COUNTERS_COLUMNS] == 0);
    }
    counters_store(COUNTERS_MAX_ROWS - 1, COUNTERS_COLUMNS - 1, 5);
    counters_add(COUNTERS_MAX_ROWS - 1, COUNTERS_COLUMNS - 1, 2);
    CHECK(counted[0].rows[COUNTERS_MAX_ROWS - 1].values[COUNTERS_COLUMNS - 1] == 7);
    memcpy(&before, &counted[0], sizeof(before));
    counters_store(COUNTERS_MAX_ROWS, 0, 1);
    counters_store(0, COUNTERS_COLUMNS, 1);
    counters_add(UINT32_MAX, UINT32_MAX, 1);
    CHECK(memcmp(&before, &counted[0], sizeof(before)) == 0 && counted[1].magic == 0);
}

/* For those that read pages elsewhere: a line per kind. */
static int print_columns(void)
{
    for (uint32_t kind = 0; kind < COUNTERS_KINDS; kind++) {
        for (uint32_t column = 0; column < COUNTERS_COLUMNS; column++) {
            const char *name = monitor_column_name((enum counters_kind)kind, column);
            printf("%s ", name != NULL ? name : "-");
        }
        puts("");
    }
    printf("%zu %zu\n", offsetof(struct counters_page, rows), sizeof(struct counters_row));
    return 0;
}

int main(int argc, char **argv)
{
    static const struct unit_test tests[] = {
        UNIT_TEST(all_is_said_at_each_so_many_th_look),
        UNIT_TEST(what_goes_wrong_is_said_at_once_and_once),
        UNIT_TEST(each_kind_has_its_troubles),
        UNIT_TEST(a_table_beyond_all_bounds_is_cut),
        UNIT_TEST(a_domain_without_a_page_writes_nowhere),
        UNIT_TEST(a_domain_writes_its_page_and_no_more),
    };
    if (argc == 2 && strcmp(argv[1], "columns") == 0) {
        return print_columns();
    }
    return unit_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]));
}
