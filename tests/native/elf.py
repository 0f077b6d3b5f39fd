"""Symbols of the programs under test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

if TYPE_CHECKING:
    from collections.abc import Iterator


class Place(NamedTuple):
    """A defined symbol, and where its bytes are in the file."""

    section: str
    section_type: str
    size_bytes: int
    binding: str
    offset: int


def symbol_table(elf: ELFFile) -> SymbolTableSection:
    table = elf.get_section_by_name(".symtab")
    assert isinstance(table, SymbolTableSection)
    return table


def place(elf: ELFFile, name: str) -> Place:
    """The one symbol of that name."""
    symbols = symbol_table(elf).get_symbol_by_name(name) or []
    assert len(symbols) == 1, f"{len(symbols)} symbols are called {name}"
    symbol = symbols[0]
    section = elf.get_section(symbol["st_shndx"])
    offset = section["sh_offset"] + symbol["st_value"] - section["sh_addr"]
    return Place(section.name, section["sh_type"], symbol["st_size"], symbol["st_info"]["bind"], offset)


def undefined_symbols(elf: ELFFile) -> Iterator[str]:
    for symbol in list(symbol_table(elf).iter_symbols())[1:]:
        if symbol["st_shndx"] == "SHN_UNDEF":
            yield symbol.name


def patch_symbol(path: str, name: str, value: int) -> None:
    """Writes a 64-bit global, the short way: the product's patcher is tested elsewhere."""
    with open(path, "r+b") as file:
        found = place(ELFFile(file), name)
        assert (found.section_type, found.size_bytes) == ("SHT_PROGBITS", 8)
        file.seek(found.offset)
        assert file.read(8) == b"\xff" * 8
        file.seek(-8, os.SEEK_CUR)
        file.write(value.to_bytes(8, "little"))
