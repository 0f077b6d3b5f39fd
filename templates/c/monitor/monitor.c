/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/monitor.h>

#include <stddef.h>

#include <sdfgen/shared.h>

/* 2^64 - 1 has 20 digits. */
#define NUMBER_BYTES 21u

struct column {
    const char *name;
    bool trouble;
};

static const struct column columns[COUNTERS_KINDS][COUNTERS_COLUMNS] = {
    [COUNTERS_SERVICE] = {
        [COUNTERS_SERVICE_RESTARTS] = { "restarts", true },
        [COUNTERS_SERVICE_CUT_OFFS] = { "cut_offs", true },
        [COUNTERS_SERVICE_STRAY] = { "stray", true },
        [COUNTERS_SERVICE_DEPTH] = { "depth", false },
    },
    [COUNTERS_REQUESTS] = {
        [COUNTERS_REQUESTS_TAKEN] = { "requests", false },
        [COUNTERS_REQUESTS_BYTES] = { "bytes", false },
        [COUNTERS_REQUESTS_ERRORS] = { "errors", true },
        [COUNTERS_REQUESTS_REFUSED] = { "refused", true },
        [COUNTERS_REQUESTS_DEPTH] = { "depth", false },
        [COUNTERS_REQUESTS_WAIT_NS] = { "longest_wait_ns", false },
        [COUNTERS_REQUESTS_CUT_OFFS] = { "cut_offs", true },
    },
    [COUNTERS_VMM] = {
        [COUNTERS_VMM_INJECTIONS] = { "injections", false },
        [COUNTERS_VMM_RESTARTS] = { "restarts", true },
        [COUNTERS_VMM_STOPS] = { "stops", true },
    },
    [COUNTERS_CONSOLE] = {
        [COUNTERS_CONSOLE_OUT_BYTES] = { "out_bytes", false },
        [COUNTERS_CONSOLE_OUT_LINES] = { "out_lines", false },
        [COUNTERS_CONSOLE_OUT_LOST] = { "out_lost", true },
        [COUNTERS_CONSOLE_IN_BYTES] = { "in_bytes", false },
        [COUNTERS_CONSOLE_IN_LOST] = { "in_lost", true },
        [COUNTERS_CONSOLE_FOCUS_CHANGES] = { "focus_changes", false },
        [COUNTERS_CONSOLE_CUT_OFFS] = { "cut_offs", true },
    },
};

static const struct column *column_of(enum counters_kind kind, uint32_t column)
{
    static const struct column none = { NULL, false };
    bool known = (uint32_t)kind < COUNTERS_KINDS && column < COUNTERS_COLUMNS;
    return known ? &columns[kind][column] : &none;
}

const char *monitor_column_name(enum counters_kind kind, uint32_t column)
{
    return column_of(kind, column)->name;
}

bool monitor_is_trouble(enum counters_kind kind, uint32_t column)
{
    return column_of(kind, column)->trouble;
}

static uint64_t value_of(const struct monitor_page *page, uint32_t row, uint32_t column)
{
    const volatile struct counters_page *counters = (const volatile struct counters_page *)page->vaddr;
    return shared_load_u64(&counters->rows[row].values[column]);
}

static uint32_t rows_of(const struct monitor_page *page)
{
    return page->row_count < COUNTERS_MAX_ROWS ? page->row_count : COUNTERS_MAX_ROWS;
}

static void say_number(uint64_t number, void (*say)(const char *text))
{
    char text[NUMBER_BYTES];
    char *at = &text[NUMBER_BYTES - 1];
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    say(at);
}

/* Of a row where nothing was counted there is nothing to say. */
static void say_row(const struct monitor_page *page, uint32_t row, void (*say)(const char *text))
{
    bool begun = false;
    for (uint32_t i = 0; i < COUNTERS_COLUMNS; i++) {
        const char *name = monitor_column_name(page->rows[row].kind, i);
        uint64_t value = name != NULL ? value_of(page, row, i) : 0;
        if (value == 0) {
            continue;
        }
        if (!begun) {
            say("counters: ");
            say(page->name);
            say(row == 0 ? "" : " ");
            say(row == 0 ? "" : page->rows[row].name);
            say(":");
            begun = true;
        }
        say(" ");
        say(name);
        say(" ");
        say_number(value, say);
    }
    say(begun ? "\n" : "");
}

static void say_page(const struct monitor_page *page, void (*say)(const char *text))
{
    for (uint32_t row = 0; row < rows_of(page); row++) {
        say_row(page, row, say);
    }
}

/* All that has gone wrong on a page, in one number. It only grows, but for a domain that lies. */
static uint64_t troubles_of(const struct monitor_page *page)
{
    uint64_t sum = 0;
    for (uint32_t row = 0; row < rows_of(page); row++) {
        for (uint32_t i = 0; i < COUNTERS_COLUMNS; i++) {
            sum += monitor_is_trouble(page->rows[row].kind, i) ? value_of(page, row, i) : 0;
        }
    }
    return sum;
}

void monitor_look(struct monitor *monitor, const struct monitor_config *config, void (*say)(const char *text))
{
    uint32_t count = config->page_count < MONITOR_MAX_PAGES ? config->page_count : MONITOR_MAX_PAGES;
    monitor->looks++;
    bool all = config->interval_looks != 0 && monitor->looks >= config->interval_looks;
    monitor->looks = all ? 0 : monitor->looks;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t troubles = troubles_of(&config->pages[i]);
        if (all || troubles != monitor->troubles[i]) {
            say_page(&config->pages[i], say);
        }
        monitor->troubles[i] = troubles;
    }
}
