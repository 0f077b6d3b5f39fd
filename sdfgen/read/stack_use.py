"""What the functions of a program image take of a stack, read from the instructions that lower the stack pointer.

Their sum holds whichever of them call which, as long as none is entered again before it has returned. Encodings are
those of the Arm Architecture Reference Manual, C4.1; a frame whose size is known only at run time is not seen.
"""

from __future__ import annotations

import struct
from typing import Final

_WORD_BYTES: Final = 4
_BASE_IS_SP: Final = 0x0000_03E0
"""Rn, or what an immediate is subtracted from, is register 31."""
_SUB: Final = (0xFF80_0000, 0xD100_0000)
"""SUB (immediate), 64 bits, into any register: a frame that is aligned is computed outside of SP."""
_STP: Final = (0x3BC0_0000, 0x2980_0000)
"""STP of integer and vector registers, pre-indexed."""
_STR: Final = (0x3B60_0C00, 0x3800_0C00)
"""STR (immediate) of integer and vector registers, pre-indexed."""
_VECTOR: Final = 1 << 26
_SHIFTED: Final = 1 << 22
"""SUB: the immediate counts 4096 bytes."""


def frames_bytes(code: bytes) -> int:
    """Return the sum of all functions' frames.

    Args:
        code: AArch64 instructions.
    """
    words = struct.unpack_from(f"<{len(code) // _WORD_BYTES}I", code)
    return sum(_taken_bytes(word) for word in words if word & _BASE_IS_SP == _BASE_IS_SP)


def _taken_bytes(word: int) -> int:
    """Return by how much an instruction lowers the stack pointer, which is its base."""
    if _is(word, _SUB):
        return (word >> 10 & 0xFFF) << (12 if word & _SHIFTED else 0)
    if _is(word, _STP):
        size = word >> 30
        scale = 2 + (size if word & _VECTOR else size >> 1)
        return _below_zero(word >> 15, 7) << scale
    return _below_zero(word >> 12, 9) if _is(word, _STR) else 0


def _is(word: int, encoding: tuple[int, int]) -> bool:
    mask, value = encoding
    return word & mask == value


def _below_zero(field: int, bits: int) -> int:
    """Return how far below zero a two's complement field is; 0 when it is not."""
    sign = 1 << (bits - 1)
    return sign - (field & (sign - 1)) if field & sign else 0
