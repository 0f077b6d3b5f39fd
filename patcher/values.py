"""The values that the phases of a patch hand to each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

VARIABLE_KINDS: Final = (0, 1)
"""STT_NOTYPE, as assembly gives it, and STT_OBJECT."""
RESERVED_SECTIONS: Final = 0xFF00
"""SHN_LORESERVE: from here on, an index of a section stands for something else."""


class PatchRequest(NamedTuple):
    """A value that a variable is to have.

    Attributes:
        symbol: A name of the symbol table, or a path such as `config.clients[2].base`. Instead of a name,
            `[.section]` stands for the one variable that lies in a section.
        value: Unsigned number, stored little-endian; a tuple of them for every element of an array; text for
            an array of char, which is filled up with NULs, at least one.
        size_bytes: Size the variable must have: 1, 2, 4 or 8; of an array, each element; of text, the whole
            array. None takes what it has: of arrays and text that needs debug information.
    """

    symbol: str
    value: int | tuple[int, ...] | str
    size_bytes: int | None = 8


class PatchJob(NamedTuple):
    """A file to patch.

    Attributes:
        source: Path of a linked 64-bit little-endian ELF file.
        target: Path of the file to write; may be the source.
        requests: The values.
    """

    source: str
    target: str
    requests: tuple[PatchRequest, ...]


class PatchWarning(NamedTuple):
    """What may keep a patch from having an effect; the patch is done all the same.

    Attributes:
        code: Stable code, one of `errors.CODES`.
        message: What was seen and what was not; what to do.
        path: The file it is about, as the caller named it.
        symbol: The symbol it is about.
    """

    code: str
    message: str
    path: str
    symbol: str

    def __str__(self) -> str:
        return f"{self.path}: warning[{self.code}]: {self.message}"


class PatchRecord(NamedTuple):
    """What a patch does to one variable.

    Attributes:
        symbol: The name or path that was requested.
        vaddr: Virtual address of the variable.
        file_offset: Where its bytes stand in the file.
        old: Bytes before the patch.
        new: Bytes after the patch.
        value: The value that was requested.
        warnings: What may keep it from having an effect.
    """

    symbol: str
    vaddr: int
    file_offset: int
    old: bytes
    new: bytes
    value: int | tuple[int, ...] | str
    warnings: tuple[PatchWarning, ...] = ()


class TypeLeaf(NamedTuple):
    """A part of a variable that has no parts itself, by debug information.

    Attributes:
        path: The steps from the variable, such as `.clients[2].base`; empty when the variable has no parts.
        offset_bytes: Where in the variable it starts.
        size_bytes: Its size; of a bit-field, that of its declared type; of a flexible array, 0.
        kind: One of `unsigned`, `signed`, `boolean`, `character`, `enumeration`, `pointer`, `float`, `bit-field`,
            `text` (a whole array of char), `flexible array`, `other`.
    """

    path: str
    offset_bytes: int
    size_bytes: int
    kind: str


class Segment(NamedTuple):
    """A PT_LOAD segment: where it is in memory and in the file; sizes in bytes."""

    vaddr: int
    memory_bytes: int
    file_offset: int
    file_bytes: int


class Section(NamedTuple):
    """A section: whether it is in the memory image, lacks bytes in the file, is written at run time."""

    name: str
    loaded: bool
    nobits: bool
    writable: bool


class Symbol(NamedTuple):
    """A symbol table entry; `kind` is the number STT_*, `section` an index or SHN_*, `binding` STB_*."""

    name: str
    vaddr: int
    size_bytes: int
    kind: int
    section: int
    binding: int

    @property
    def is_variable(self) -> bool:
        """It has a place and a size of its own, and is data."""
        return self.kind in VARIABLE_KINDS and 0 < self.section < RESERVED_SECTIONS and self.size_bytes > 0


def sections_wanted(sections: Sequence[Section], names: Iterable[str]) -> dict[int, str]:
    """Return which section, by its index, is asked for by which name.

    Args:
        sections: All sections of a file.
        names: Among others, names such as `[.section]`.
    """
    wanted = {name[1:-1]: name for name in names if name.startswith("[") and name.endswith("]")}
    return {index: wanted[section.name] for index, section in enumerate(sections) if section.name in wanted}


class Image(NamedTuple):
    """What one reader found in an ELF file.

    Attributes:
        path: The file, as the caller named it.
        segments: The loadable segments in the order of the program headers.
        sections: All sections in the order of the section headers.
        symbols: Every entry for each of the wanted names that occurs; for a wanted `[.section]` the
            variables in it, without entries where the section has none.
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
    """A value inside a variable, found through debug information.

    Attributes:
        base: Symbol of the whole variable.
        offset_bytes: Where in the variable the value starts.
        size_bytes: Size of the number, or of one element.
        dimensions: Element counts, the outermost first; empty of a single number.
        kind: As in `TypeLeaf`.
    """

    base: str
    offset_bytes: int
    size_bytes: int
    dimensions: tuple[int, ...] = ()
    kind: str = "unsigned"

    @property
    def is_text(self) -> bool:
        """It is one array of char."""
        return self.kind == "character" and len(self.dimensions) == 1


class Place(NamedTuple):
    """Where a requested value goes."""

    symbol: str
    vaddr: int
    file_offset: int
    new: bytes
