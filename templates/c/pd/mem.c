/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What compilers take for granted even where there is no libc: memcpy, memmove, memset, memcmp. Weak, so that a libc's
 * own are preferred where one is linked.
 *
 * Words are only accessed aligned. Between pointers that are misaligned against each other bytes are copied; the data
 * of block requests is aligned.
 */
#include <stdint.h>

#include <sdfgen/mem.h>

#define WEAK __attribute__((weak))
#define WORD_BYTES sizeof(uint64_t)
#define BLOCK_WORDS 16u

/* A compiler that recognises such a loop would make it a call of the very function. */
#if defined(__clang__)
#define PLAIN __attribute__((no_builtin))
#elif defined(__GNUC__)
#define PLAIN __attribute__((optimize("no-tree-loop-distribute-patterns")))
#else
#define PLAIN
#endif

/* The memory holds anything. */
typedef uint64_t __attribute__((may_alias)) word;

static uintptr_t misalignment(const void *at)
{
    return (uintptr_t)at % WORD_BYTES;
}

/* How many of `size_bytes` come before the next word. */
static size_t head_bytes(const void *at, size_t size_bytes)
{
    const size_t head = (WORD_BYTES - misalignment(at)) % WORD_BYTES;
    return head < size_bytes ? head : size_bytes;
}

/* Copies `size_bytes` upwards, the one or both pointers being aligned as their users know. */
PLAIN static void copy_bytes(uint8_t *to, const uint8_t *from, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++) {
        to[i] = from[i];
    }
}

PLAIN static void copy_bytes_down(uint8_t *to, const uint8_t *from, size_t size_bytes)
{
    for (size_t i = size_bytes; i > 0; i--) {
        to[i - 1] = from[i - 1];
    }
}

/*
 * All are loaded before the first is stored, so that overlapping blocks are moved right in either direction. A block is
 * as much as the registers hold.
 */
static void move_block(word *to, const word *from)
{
    const uint64_t a = from[0], b = from[1], c = from[2], d = from[3];
    const uint64_t e = from[4], f = from[5], g = from[6], h = from[7];
    const uint64_t i = from[8], j = from[9], k = from[10], l = from[11];
    const uint64_t m = from[12], n = from[13], o = from[14], p = from[15];
    to[0] = a, to[1] = b, to[2] = c, to[3] = d;
    to[4] = e, to[5] = f, to[6] = g, to[7] = h;
    to[8] = i, to[9] = j, to[10] = k, to[11] = l;
    to[12] = m, to[13] = n, to[14] = o, to[15] = p;
}

PLAIN static void copy_words(uint8_t *to_bytes, const uint8_t *from_bytes, size_t size_bytes)
{
    word *to = (word *)(void *)to_bytes;
    const word *from = (const word *)(const void *)from_bytes;
    const size_t count = size_bytes / WORD_BYTES;
    size_t i = 0;
    for (; i + BLOCK_WORDS <= count; i += BLOCK_WORDS) {
        move_block(&to[i], &from[i]);
    }
    for (; i < count; i++) {
        to[i] = from[i];
    }
}

PLAIN static void copy_words_down(uint8_t *to_bytes, const uint8_t *from_bytes, size_t size_bytes)
{
    word *to = (word *)(void *)to_bytes;
    const word *from = (const word *)(const void *)from_bytes;
    size_t i = size_bytes / WORD_BYTES;
    for (; i >= BLOCK_WORDS; i -= BLOCK_WORDS) {
        move_block(&to[i - BLOCK_WORDS], &from[i - BLOCK_WORDS]);
    }
    for (; i > 0; i--) {
        to[i - 1] = from[i - 1];
    }
}

static void copy_up(uint8_t *to, const uint8_t *from, size_t size_bytes)
{
    if (misalignment(to) != misalignment(from)) {
        copy_bytes(to, from, size_bytes);
        return;
    }
    const size_t head = head_bytes(to, size_bytes);
    const size_t tail = (size_bytes - head) % WORD_BYTES;
    const size_t middle = size_bytes - head - tail;
    copy_bytes(to, from, head);
    copy_words(to + head, from + head, middle);
    copy_bytes(to + head + middle, from + head + middle, tail);
}

static void copy_down(uint8_t *to, const uint8_t *from, size_t size_bytes)
{
    if (misalignment(to) != misalignment(from)) {
        copy_bytes_down(to, from, size_bytes);
        return;
    }
    const size_t head = head_bytes(to, size_bytes);
    const size_t tail = (size_bytes - head) % WORD_BYTES;
    const size_t middle = size_bytes - head - tail;
    copy_bytes_down(to + head + middle, from + head + middle, tail);
    copy_words_down(to + head, from + head, middle);
    copy_bytes_down(to, from, head);
}

WEAK void *memcpy(void *restrict to, const void *restrict from, size_t size_bytes)
{
    copy_up(to, from, size_bytes);
    return to;
}

WEAK void *memmove(void *to, const void *from, size_t size_bytes)
{
    /* Upwards is right unless `to` lies inside the source: then the difference does not wrap. */
    if ((uintptr_t)to - (uintptr_t)from < size_bytes) {
        copy_down(to, from, size_bytes);
    } else {
        copy_up(to, from, size_bytes);
    }
    return to;
}

PLAIN static void set_bytes(uint8_t *to, uint8_t value, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++) {
        to[i] = value;
    }
}

PLAIN static void set_words(word *to, uint64_t value, size_t count)
{
    size_t i = 0;
    for (; i + BLOCK_WORDS <= count; i += BLOCK_WORDS) {
        for (size_t j = 0; j < BLOCK_WORDS; j++) {
            to[i + j] = value;
        }
    }
    for (; i < count; i++) {
        to[i] = value;
    }
}

WEAK void *memset(void *to, int value, size_t size_bytes)
{
    uint8_t *bytes = to;
    const uint8_t byte = (uint8_t)value;
    const size_t head = head_bytes(bytes, size_bytes);
    const size_t tail = (size_bytes - head) % WORD_BYTES;
    const size_t middle = size_bytes - head - tail;
    set_bytes(bytes, byte, head);
    set_words((word *)(void *)(bytes + head), UINT64_MAX / UINT8_MAX * byte, middle / WORD_BYTES);
    set_bytes(bytes + head + middle, byte, tail);
    return to;
}

/* How many bytes, whole words, are the same in both from there on. */
PLAIN static size_t equal_words(const uint8_t *a_bytes, const uint8_t *b_bytes, size_t size_bytes)
{
    const word *a = (const word *)(const void *)a_bytes;
    const word *b = (const word *)(const void *)b_bytes;
    const size_t count = size_bytes / WORD_BYTES;
    size_t i = 0;
    while (i < count && a[i] == b[i]) {
        i++;
    }
    return i * WORD_BYTES;
}

WEAK PLAIN int memcmp(const void *a, const void *b, size_t size_bytes)
{
    const uint8_t *left = a;
    const uint8_t *right = b;
    size_t i = 0;
    if (misalignment(left) == 0 && misalignment(right) == 0) {
        i = equal_words(left, right, size_bytes);
    }
    while (i < size_bytes && left[i] == right[i]) {
        i++;
    }
    return i < size_bytes ? left[i] - right[i] : 0;
}
