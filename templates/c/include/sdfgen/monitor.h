/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the counters of other protection domains (counters.h), and says them in lines: all of them from time to time,
 * and those of a domain at once when something has gone wrong there.
 *
 * It believes nothing: names and numbers of rows are its own table's, a page is only numbers.
 *
 * Freestanding: needs no libc, allocates nothing.
 */
#pragma once

#include <stdbool.h>

#include <sdfgen/counters.h>

/* A domain has 62 channels, and a page is no channel; more than any system here has. */
#define MONITOR_MAX_PAGES 128u

struct monitor_row {
    const char *name;
    enum counters_kind kind;
};

struct monitor_page {
    const char *name; /* of the domain */
    uintptr_t vaddr;  /* struct counters_page */
    const struct monitor_row *rows;
    uint32_t row_count; /* at most COUNTERS_MAX_ROWS */
};

/* monitor_table.c */
struct monitor_config {
    const struct monitor_page *pages;
    uint32_t page_count;     /* at most MONITOR_MAX_PAGES */
    uint32_t interval_looks; /* all are said at each so many-th look; 0: never */
};

extern const struct monitor_config monitor_config;

/* All zero at first. */
struct monitor {
    uint32_t looks;                     /* since all were said */
    uint64_t troubles[MONITOR_MAX_PAGES]; /* seen so far, on each page */
};

/* Looks once. `say` gets text in pieces, lines end with "\n". */
void monitor_look(struct monitor *monitor, const struct monitor_config *config, void (*say)(const char *text));

/* What a column is called; NULL for one that has no name. */
const char *monitor_column_name(enum counters_kind kind, uint32_t column);
/* Whether it counts what has gone wrong. */
bool monitor_is_trouble(enum counters_kind kind, uint32_t column);
