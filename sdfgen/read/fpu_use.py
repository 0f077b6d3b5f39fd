"""Whether a program image has instructions of the FPU: of a thread without it they trap, and it is stopped.

Of A64's groups of instructions, bits 27 and 26 are both set in those of the FPU and of SIMD, their loads and stores
included, and in no other (Arm Architecture Reference Manual, C4.1).
"""

from __future__ import annotations

import itertools
import struct
from typing import TYPE_CHECKING, Final

from sdfgen.read.program import symbol_entries

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

_WORD_BYTES: Final = 4
_OF_FPU: Final = 3 << 26
_CODE, _DATA = b"$x", b"$d"
"""Mapping symbols: where code and where data begins in a section (ELF for the Arm 64-bit Architecture, 5.5.4)."""


def fpu_instruction(path: str) -> int | None:
    """Return the address of a program image's first instruction of the FPU; None without any.

    Args:
        path: A sound ELF for AArch64.
    """
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile

    with open(path, "rb") as file:
        elf = ELFFile(file)
        marks = _marks(elf)
        for number, section in enumerate(elf.iter_sections()):
            if section["sh_flags"] & SH_FLAGS.SHF_EXECINSTR and section["sh_type"] == "SHT_PROGBITS":
                address = _first(section.data(), section["sh_addr"], marks.get(number, []))
                if address is not None:
                    return address
    return None


def _marks(elf: ELFFile) -> dict[int, list[tuple[int, bool]]]:
    """Return where code and data begin, by section: address, and whether it is code."""
    found: dict[int, list[tuple[int, bool]]] = {}
    for name, section, symbol in symbol_entries(elf) or ():
        kind = name.partition(b".")[0]
        if kind in {_CODE, _DATA}:
            found.setdefault(section, []).append((symbol.address, kind == _CODE))
    return {section: sorted(marks) for section, marks in found.items()}


def _first(code: bytes, start: int, marks: list[tuple[int, bool]]) -> int | None:
    bounds = [(start, True), *marks, (start + len(code), True)]
    for (begin, is_code), (end, _) in itertools.pairwise(bounds):
        part = code[begin - start : end - start] if is_code else b""
        words = struct.unpack_from(f"<{len(part) // _WORD_BYTES}I", part)
        found = next((i for i, word in enumerate(words) if word & _OF_FPU == _OF_FPU), None)
        if found is not None:
            return begin + found * _WORD_BYTES
    return None
