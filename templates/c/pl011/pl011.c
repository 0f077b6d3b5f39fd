/* SPDX-License-Identifier: BSD-2-Clause */
#include <sdfgen/pl011.h>

#define ID_COUNT 8u
#define WORD_BYTES 4u

/* Part 0x011 by Arm (0x41), revision 3, and the class of PrimeCells. Linux sizes the FIFOs by the revision. */
static const uint8_t ids[ID_COUNT] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

/* What a register holds after a reset, and its bits that a driver can change. */
struct kept {
    uint32_t reset;
    uint32_t writable;
};

#define FLAGS (PL011_FR_TXFE | PL011_FR_RXFE | PL011_FR_CTS | PL011_FR_DSR | PL011_FR_DCD)

static const struct kept kept[PL011_WORDS] = {
    [PL011_FR / WORD_BYTES] = { FLAGS, 0 },
    [PL011_ILPR / WORD_BYTES] = { 0, 0xff },
    [PL011_IBRD / WORD_BYTES] = { 0, 0xffff },
    [PL011_FBRD / WORD_BYTES] = { 0, 0x3f },
    [PL011_LCR_H / WORD_BYTES] = { 0, 0xff },
    [PL011_CR / WORD_BYTES] = { 0x300, 0xff87 },
    [PL011_IFLS / WORD_BYTES] = { 0x12, 0x3f },
    [PL011_IMSC / WORD_BYTES] = { 0, 0x7ff },
    [PL011_DMACR / WORD_BYTES] = { 0, 0x7 },
};

void pl011_init(struct pl011 *uart)
{
    for (uint32_t i = 0; i < PL011_WORDS; i++) {
        uart->words[i] = kept[i].reset;
    }
    uart->first = 0;
    uart->count = 0;
}

/* The bits of a register that an access of that width reaches. */
static uint32_t reached(uint32_t width_bytes)
{
    return width_bytes >= WORD_BYTES ? UINT32_MAX : (UINT32_C(1) << 8 * width_bytes) - 1;
}

static uint32_t masked_interrupts(const struct pl011 *uart)
{
    return uart->words[PL011_RIS / WORD_BYTES] & uart->words[PL011_IMSC / WORD_BYTES];
}

static uint32_t register_value(const struct pl011 *uart, uint64_t offset)
{
    if (offset == PL011_MIS) {
        return masked_interrupts(uart);
    }
    if (offset == PL011_DR) {
        return uart->count > 0 ? uart->received[uart->first] : 0;
    }
    if (offset / WORD_BYTES < PL011_WORDS) {
        return uart->words[offset / WORD_BYTES];
    }
    const uint64_t id = (offset - PL011_PERIPH_ID) / WORD_BYTES; /* huge for an offset below */
    return id < ID_COUNT ? ids[id] : 0;
}

uint64_t pl011_read(const struct pl011 *uart, uint64_t offset, uint32_t width_bytes)
{
    return offset % WORD_BYTES == 0 ? register_value(uart, offset) & reached(width_bytes) : 0;
}

static void keep(struct pl011 *uart, uint64_t index, uint32_t value, uint32_t bits)
{
    const uint32_t changed = kept[index].writable & bits;
    uart->words[index] = (uart->words[index] & ~changed) | (value & changed);
}

bool pl011_write(struct pl011 *uart, uint64_t offset, uint32_t width_bytes, uint64_t value, uint8_t *sent)
{
    if (offset % WORD_BYTES != 0 || offset / WORD_BYTES >= PL011_WORDS) {
        return false;
    }
    uint32_t *interrupts = &uart->words[PL011_RIS / WORD_BYTES];
    keep(uart, offset / WORD_BYTES, (uint32_t)value, reached(width_bytes));
    if (offset == PL011_ICR) {
        *interrupts &= ~(uint32_t)value | (uart->count > 0 ? PL011_INT_RX : 0);
    }
    if (offset == PL011_DR) {
        *interrupts |= PL011_INT_TX;
        *sent = (uint8_t)value;
    }
    return offset == PL011_DR;
}

/* The interrupt stays for as long as there is something to be read. */
static void show_received(struct pl011 *uart)
{
    uint32_t *flags = &uart->words[PL011_FR / WORD_BYTES];
    uint32_t *interrupts = &uart->words[PL011_RIS / WORD_BYTES];
    *flags = uart->count > 0 ? *flags & ~(uint32_t)PL011_FR_RXFE : *flags | PL011_FR_RXFE;
    *interrupts = uart->count > 0 ? *interrupts | PL011_INT_RX : *interrupts & ~PL011_INT_RX;
}

void pl011_was_read(struct pl011 *uart)
{
    if (uart->count > 0) {
        uart->first = (uart->first + 1) % PL011_RECEIVED_BYTES;
        uart->count--;
    }
    show_received(uart);
}

bool pl011_receive(struct pl011 *uart, uint8_t byte)
{
    const bool has_room = uart->count < PL011_RECEIVED_BYTES;
    if (has_room) {
        uart->received[(uart->first + uart->count) % PL011_RECEIVED_BYTES] = byte;
        uart->count++;
    }
    show_received(uart);
    return has_room;
}

void pl011_set_ready(struct pl011 *uart, bool ready)
{
    uint32_t *flags = &uart->words[PL011_FR / WORD_BYTES];
    const uint32_t full = *flags & ~(uint32_t)PL011_FR_TXFE;
    *flags = ready ? (full | PL011_FR_TXFE) & ~(uint32_t)PL011_FR_TXFF : full | PL011_FR_TXFF;
}

bool pl011_interrupt(const struct pl011 *uart)
{
    return masked_interrupts(uart) != 0;
}
