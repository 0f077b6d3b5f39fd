"""Guests of a few instructions: each says what it is about to do, touches one address, and says that it has."""

from __future__ import annotations

import struct
from typing import Final

# Documentation/arch/arm64/booting.rst: two instructions, three words of 64 bits, three reserved ones, magic.
HEADER: Final = struct.Struct("<IIQQQ24x4sI")
BRANCH_OVER_HEADER: Final = 0x14000000 | HEADER.size // 4
PAGE: Final = 4096

MOVZ, MOVK = 0xD2800000, 0xF2800000
STORE_WORD, LOAD_WORD = 0xB9000000, 0xB9400000
ADDRESS, VALUE, CONSOLE, NOW, THEN, SECONDS, FREQUENCY = range(7)
READ_COUNTER: Final = 0xD53BE040 | NOW
READ_FREQUENCY: Final = 0xD53BE000 | FREQUENCY
THEN_IS_SECONDS_FROM_NOW: Final = 0x9B000000 | FREQUENCY << 16 | NOW << 10 | SECONDS << 5 | THEN
COMPARE_NOW_WITH_THEN: Final = 0xEB00001F | THEN << 16 | NOW << 5
BACK_TWO_IF_LOWER: Final = 0x54000003 | (-2 & 0x7FFFF) << 5
WAIT: Final = 0xD503207F
BACK_ONE: Final = 0x14000000 | (-1 & 0x3FFFFFF)


def constant(register: int, value: int) -> list[int]:
    """Loads 64 bits."""
    parts = [value >> shift & 0xFFFF for shift in (0, 16, 32, 48)]
    return [(MOVK if half else MOVZ) | half << 21 | part << 5 | register for half, part in enumerate(parts)]


def sleep(seconds: int) -> list[int]:
    """Looks at the virtual counter until it is time."""
    return [
        *constant(SECONDS, seconds),
        *(READ_FREQUENCY, READ_COUNTER, THEN_IS_SECONDS_FROM_NOW),
        *(READ_COUNTER, COMPARE_NOW_WITH_THEN, BACK_TWO_IF_LOWER),
    ]


def say(text: str) -> list[int]:
    """Writes to a PL011's data register."""
    writes = ([*constant(VALUE, byte), STORE_WORD | CONSOLE << 5 | VALUE] for byte in text.encode())
    return [word for words in writes for word in words]


def touching(access: int, address: int, console: int, seconds: int) -> bytes:
    """An Image that loads or stores a word at an address, some seconds after it was started."""
    program = [
        *constant(CONSOLE, console),
        *sleep(seconds),
        *say("@@ touches\n"),
        *constant(ADDRESS, address),
        access | ADDRESS << 5 | VALUE,
        *say("@@ touched\n"),
        *(WAIT, BACK_ONE),
    ]
    code = struct.pack(f"<{len(program)}I", *program)
    return HEADER.pack(BRANCH_OVER_HEADER, 0, 0, PAGE * -(-(HEADER.size + len(code)) // PAGE), 0, b"ARM\x64", 0) + code
