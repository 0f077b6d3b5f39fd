/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a protection domain counts, in a page of its own that a monitor and a debugger read. Where the description has
 * no monitor there is no page, and nothing is written.
 *
 * Row 0 is the domain itself; each other row is one of whom it serves. What a row's columns are is its kind's affair.
 * Only the domain writes, each word in one store; who reads sees numbers that were true one after the other, not at one
 * moment. Nothing that the domain does depends on them.
 */
#pragma once

#include <stdint.h>

/* "SDFGCNTR" */
#define COUNTERS_MAGIC UINT64_C(0x52544e4347464453)
#define COUNTERS_PAGE_BYTES 4096u
#define COUNTERS_COLUMNS 8u
#define COUNTERS_MAX_ROWS 62u

struct counters_row {
    uint64_t values[COUNTERS_COLUMNS];
};

struct counters_page {
    uint64_t magic; /* once the domain has begun */
    uint64_t reserved[7];
    struct counters_row rows[COUNTERS_MAX_ROWS];
};

_Static_assert(sizeof(struct counters_page) <= COUNTERS_PAGE_BYTES, "a page");

enum counters_kind {
    COUNTERS_SERVICE,  /* a domain that serves clients */
    COUNTERS_REQUESTS, /* a client of one, or an emulated device */
    COUNTERS_VMM,
    COUNTERS_CONSOLE, /* a UART, or a client of a console's multiplexer */
    COUNTERS_KINDS,
};

/* Columns of COUNTERS_SERVICE. */
enum {
    COUNTERS_SERVICE_RESTARTS, /* of the driver */
    COUNTERS_SERVICE_CUT_OFFS, /* of the driver */
    COUNTERS_SERVICE_STRAY,    /* answers to nothing that was asked */
    COUNTERS_SERVICE_DEPTH,    /* the most that were with the driver at once */
};

/* Columns of COUNTERS_REQUESTS. */
enum {
    COUNTERS_REQUESTS_TAKEN,
    COUNTERS_REQUESTS_BYTES,
    COUNTERS_REQUESTS_ERRORS,   /* answers other than good ones */
    COUNTERS_REQUESTS_REFUSED,  /* of these, without asking anybody: senseless requests, chains that break rules */
    COUNTERS_REQUESTS_DEPTH,    /* the most that were under way at once */
    COUNTERS_REQUESTS_WAIT_NS,  /* the longest for an answer; 0 where nobody looks at a clock */
    COUNTERS_REQUESTS_CUT_OFFS,
};

/* Columns of COUNTERS_VMM. */
enum {
    COUNTERS_VMM_INJECTIONS, /* of interrupts */
    COUNTERS_VMM_RESTARTS,   /* of the guest */
    COUNTERS_VMM_STOPS,
};

/* Columns of COUNTERS_CONSOLE; `out` is towards the terminal. */
enum {
    COUNTERS_CONSOLE_OUT_BYTES,
    COUNTERS_CONSOLE_OUT_LINES,
    COUNTERS_CONSOLE_OUT_LOST, /* bytes */
    COUNTERS_CONSOLE_IN_BYTES,
    COUNTERS_CONSOLE_IN_LOST,
    COUNTERS_CONSOLE_FOCUS_CHANGES,
    COUNTERS_CONSOLE_CUT_OFFS, /* of a client's queues, or how often the UART's driver was given up */
};

/* Where the page is: written by the Microkit tool. */
extern uint64_t counters_page_vaddr;

/* Clears the page: first of all. */
void counters_begin(void);
void counters_store(uint32_t row, uint32_t column, uint64_t value);
void counters_add(uint32_t row, uint32_t column, uint64_t more);
