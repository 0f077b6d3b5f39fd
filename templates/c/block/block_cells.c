/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>

#include <sdfgen/block_cells.h>
#include <sdfgen/mem.h>

#define WORD_BITS 64u

void block_cells_init(struct block_cells *cells, uint64_t total)
{
    memset(cells, 0, sizeof(*cells));
    cells->total = total < BLOCK_MAX_CELLS ? (uint32_t)total : BLOCK_MAX_CELLS;
}

/* The first cell at or after `from` and before `end` whose bit is `used`; `end` when there is none. */
static uint32_t find(const struct block_cells *cells, uint32_t from, uint32_t end, bool used)
{
    while (from < end) {
        uint64_t word = cells->used[from / WORD_BITS];
        uint64_t wanted = (used ? word : ~word) >> (from % WORD_BITS);
        if (wanted != 0) {
            uint32_t found = from + (uint32_t)__builtin_ctzll(wanted);
            return found < end ? found : end;
        }
        from += WORD_BITS - from % WORD_BITS;
    }
    return end;
}

/* The bits of one word that belong to [first, first + count). */
static uint64_t mask_of(uint32_t word, uint32_t first, uint32_t count)
{
    uint32_t begin = word * WORD_BITS < first ? first % WORD_BITS : 0;
    uint32_t last = first + count - 1;
    uint32_t end = word < last / WORD_BITS ? WORD_BITS - 1 : last % WORD_BITS;
    return (UINT64_MAX << begin) & (UINT64_MAX >> (WORD_BITS - 1 - end));
}

static void flip(struct block_cells *cells, uint32_t first, uint32_t count)
{
    for (uint32_t word = first / WORD_BITS; word <= (first + count - 1) / WORD_BITS; word++) {
        cells->used[word] ^= mask_of(word, first, count);
    }
}

struct run {
    uint32_t first;
    uint32_t count;
};

/* The best run in [from, end): the first of `wanted` cells, or else the longest. */
static struct run best_run(const struct block_cells *cells, uint32_t from, uint32_t end, uint32_t wanted)
{
    struct run best = { 0 };
    while (from < end && best.count < wanted) {
        uint32_t first = find(cells, from, end, false);
        uint32_t limit = wanted < end - first ? first + wanted : end;
        uint32_t next = find(cells, first, limit, true);
        if (next - first > best.count) {
            best = (struct run) { .first = first, .count = next - first };
        }
        from = next;
    }
    return best;
}

uint32_t block_cells_take(struct block_cells *cells, uint32_t wanted, uint32_t *first)
{
    struct run run = best_run(cells, cells->hint, cells->total, wanted);
    if (run.count < wanted) {
        struct run before = best_run(cells, 0, cells->total, wanted);
        run = before.count > run.count ? before : run;
    }
    if (run.count == 0) {
        return 0;
    }
    flip(cells, run.first, run.count);
    cells->hint = run.first + run.count;
    *first = run.first;
    return run.count;
}

void block_cells_give(struct block_cells *cells, uint32_t first, uint32_t count)
{
    flip(cells, first, count);
}
