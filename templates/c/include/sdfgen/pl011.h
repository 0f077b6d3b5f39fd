/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An ARM PrimeCell UART (PL011) as its driver sees it: what is written to the data register is sent at once, so the
 * transmit FIFO is empty, unless its owner says that nothing more can be sent; what its owner received for it waits in a
 * FIFO of PL011_RECEIVED_BYTES. Registers, their reset values and the
 * identification are those of revision r1p5 (Arm DDI 0183, chapter 3).
 *
 * A driver that writes into a UART that is not enabled, as an early console does, is heard too. Loopback is not there.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Offsets of registers, each a word; those that are not here read as 0 and ignore what is written. */
enum pl011_register {
    PL011_DR = 0x00,   /* data: sends a byte; reads as the oldest that was received, or 0 */
    PL011_FR = 0x18,   /* flags */
    PL011_ILPR = 0x20,
    PL011_IBRD = 0x24, /* the baud rate's divisor: kept, and without effect, as the line's format is */
    PL011_FBRD = 0x28,
    PL011_LCR_H = 0x2c,
    PL011_CR = 0x30,
    PL011_IFLS = 0x34,
    PL011_IMSC = 0x38, /* interrupts that reach the line */
    PL011_RIS = 0x3c,  /* interrupts that are there */
    PL011_MIS = 0x40,  /* both */
    PL011_ICR = 0x44,  /* takes interrupts away */
    PL011_DMACR = 0x48,
    PL011_PERIPH_ID = 0xfe0, /* four words of a byte each, and then four of the cell's */
};

/* Bits of PL011_FR. A cable is plugged in and the other end ready, so that no terminal setting waits for it. */
enum pl011_flag {
    PL011_FR_CTS = 1 << 0,
    PL011_FR_DSR = 1 << 1,
    PL011_FR_DCD = 1 << 2,
    PL011_FR_BUSY = 1 << 3,
    PL011_FR_RXFE = 1 << 4,
    PL011_FR_TXFF = 1 << 5,
    PL011_FR_TXFE = 1 << 7,
};

/* The bits of IMSC, RIS, MIS and ICR that are ever there: a byte was received; one was sent, and there is room again. */
#define PL011_INT_RX (UINT32_C(1) << 4)
#define PL011_INT_TX (UINT32_C(1) << 5)

/* A power of two. */
#define PL011_RECEIVED_BYTES 16u

#define PL011_WORDS (PL011_DMACR / 4 + 1)

/* pl011.c's. */
struct pl011 {
    uint32_t words[PL011_WORDS]; /* registers by offset / 4 */
    uint8_t received[PL011_RECEIVED_BYTES];
    uint32_t first; /* index of the oldest of them */
    uint32_t count;
};

/* As after a reset. */
void pl011_init(struct pl011 *uart);

/*
 * An access of 1, 2, 4 or 8 bytes at any offset. It reaches the register at that offset, if one starts there, and of a
 * register as many bytes as it is wide. The value is zero-extended.
 */
uint64_t pl011_read(const struct pl011 *uart, uint64_t offset, uint32_t width_bytes);

/* True when it sent a byte, which is in `sent`. */
bool pl011_write(struct pl011 *uart, uint64_t offset, uint32_t width_bytes, uint64_t value, uint8_t *sent);

/* After a read of PL011_DR: the byte that it returned is gone. */
void pl011_was_read(struct pl011 *uart);

/* A byte for the driver. False when there is no room. */
bool pl011_receive(struct pl011 *uart, uint8_t byte);

/* Whether more can be sent, which the driver sees in PL011_FR. */
void pl011_set_ready(struct pl011 *uart, bool ready);

/* The level of the interrupt line. */
bool pl011_interrupt(const struct pl011 *uart);
