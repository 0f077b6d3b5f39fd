"""The values that the phases of a patch hand to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

VARIABLE_KINDS: Final = (0, 1)
"""STT_NOTYPE, as assembly gives it, and STT_OBJECT."""


class PatchRequest(NamedTuple):
    """A value that a variable is to have.

    Attributes:
        symbol: A name of the symbol table, or a path such as `config.clients[2].base`.
        value: Unsigned number, stored little-endian.
        size_bytes: Size the variable must have: 1, 2, 4 or 8; None takes the size it has.
    """

    symbol: str
    value: int
    size_bytes: int | None = 8


class PatchRecord(NamedTuple):
    """What a patch does to one variable.

    Attributes:
        symbol: The name or path that was requested.
        vaddr: Virtual address of the variable.
        file_offset: Where its bytes stand in the file.
        old: Bytes before the patch.
        new: Bytes after the patch.
    """

    symbol: str
    vaddr: int
    file_offset: int
    old: bytes
    new: bytes


class Segment(NamedTuple):
    """A PT_LOAD segment: where it is in memory and in the file; sizes in bytes."""

    vaddr: int
    memory_bytes: int
    file_offset: int
    file_bytes: int


class Section(NamedTuple):
    """A section: whether it is part of the memory image, and whether it has no bytes in the file."""

    name: str
    loaded: bool
    nobits: bool


class Symbol(NamedTuple):
    """A symbol table entry; `kind` is the number STT_*, `section` an index or SHN_*."""

    vaddr: int
    size_bytes: int
    kind: int
    section: int


class Image(NamedTuple):
    """What one reader found in an ELF file.

    Attributes:
        path: The file, as the caller named it.
        segments: The loadable segments in the order of the program headers.
        sections: All sections in the order of the section headers.
        symbols: Every entry for each of the wanted names that occurs.
        relocated: Addresses that the loader writes at start-up, sorted.
        names: Lists every data symbol, for suggestions.
    """

    path: str
    segments: tuple[Segment, ...]
    sections: tuple[Section, ...]
    symbols: Mapping[str, Sequence[Symbol]]
    relocated: Sequence[int]
    names: Callable[[], list[str]]


class Leaf(NamedTuple):
    """An integer inside a variable, found through debug information.

    Attributes:
        base: Symbol of the whole variable.
        offset_bytes: Where in the variable the integer starts.
        size_bytes: Size of the integer.
    """

    base: str
    offset_bytes: int
    size_bytes: int


class Place(NamedTuple):
    """Where a requested value goes."""

    symbol: str
    vaddr: int
    file_offset: int
    new: bytes
