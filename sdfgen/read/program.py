"""Program images: what of an ELF matters to a system."""

from __future__ import annotations

from struct import Struct, iter_unpack
from struct import error as StructError  # noqa: N812 - a class
from typing import TYPE_CHECKING, BinaryIO, Final

from sdfgen.records import NamedTuple
from sdfgen.units import PAGE_BYTES, round_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elftools.elf.elffile import ELFFile

AARCH64 = "EM_AARCH64"
RELINK: Final = "link it anew with the SDK's libmicrokit and microkit.ld"
_MAGIC: Final = b"\x7fELF"
_SYMBOL: Final = "<IBBHQQ"
_SYMBOL_BYTES: Final = 24
_TYPES: Final = {"ET_REL": "is an object file, not linked", "ET_CORE": "is a core dump"}


class Symbol(NamedTuple):
    """A symbol: its address, and the size of what is there."""

    address: int
    size_bytes: int


class Program(NamedTuple):
    """What matters of a program image.

    Attributes:
        segments: Start and size in memory of what is loaded.
        symbols: Its symbols by name; None without a symbol table.
    """

    segments: tuple[tuple[int, int], ...]
    symbols: dict[str, Symbol] | None


class ProgramError(Exception):
    """A file is no program image: what it lacks, and what to do."""

    def __init__(self, message: str, advice: str = RELINK) -> None:
        super().__init__(message)
        self.advice = advice


def read_program(path: str) -> Program:
    """Read a program image.

    Args:
        path: The ELF.

    Raises:
        ProgramError: When it cannot be one.
    """
    from elftools.elf.elffile import ELFFile

    try:
        with open(path, "rb") as file:
            _check_magic(file)
            elf = ELFFile(file)
            _check_kind(elf)
            loaded = [(s["p_vaddr"], s["p_memsz"]) for s in elf.iter_segments("PT_LOAD") if s["p_memsz"]]
            symbols = _symbols(elf)
    except ProgramError:
        raise
    except Exception as error:  # whatever the library stumbles over in a file that somebody cut or overwrote
        if isinstance(error, OSError) and error.filename is not None:
            raise ProgramError(f"cannot be read: {error.strerror}", "name a file that may be read") from error
        raise ProgramError(f"is no sound ELF file ({type(error).__name__} {error})") from error
    if not loaded:
        raise ProgramError("has nothing that is loaded")
    return Program(tuple(loaded), symbols)


def page_range(start: int, size_bytes: int) -> tuple[int, int]:
    """Return start and end of the pages that bytes lie in."""
    return start - start % PAGE_BYTES, round_up(start + size_bytes, PAGE_BYTES)


def frames_bytes(path: str) -> int:
    """Return what all functions of a sound program image take of the stack together.

    Args:
        path: The ELF.
    """
    from elftools.elf.constants import SH_FLAGS
    from elftools.elf.elffile import ELFFile

    from sdfgen.read.stack_use import frames_bytes

    with open(path, "rb") as file:
        sections = ELFFile(file).iter_sections()
        return sum(frames_bytes(s.data()) for s in sections if s["sh_flags"] & SH_FLAGS.SHF_EXECINSTR)


_HEADER: Final = Struct("<4sBB34xQ10xHHH")
"""Of an ELF: magic word, class and byte order; where section headers are, and size, number and that of the names."""
_SECTION_HEADER: Final = Struct("<IIQQQQIIQQ")
_STRINGS: Final = 3
_64_BITS, _LITTLE_ENDIAN = 2, 1


def names_in(path: str) -> bytes:
    """Return the names of an ELF's sections and symbols, one after the other; nothing where it is no sound ELF.

    A VMM's image holds a kernel: reading all of it only to see what is in it takes longer than all else.

    Args:
        path: The file.
    """
    try:
        with open(path, "rb") as file:
            magic, bits, order, start, size, count, _ = _HEADER.unpack(file.read(_HEADER.size))
            if (magic, bits, order, size) != (_MAGIC, _64_BITS, _LITTLE_ENDIAN, _SECTION_HEADER.size):
                return b""
            file.seek(start)
            table = file.read(size * count)
            found = b""
            for _, kind, _, _, offset, length, *_ in _SECTION_HEADER.iter_unpack(table[: len(table) // size * size]):
                if kind == _STRINGS:
                    file.seek(offset)
                    found += file.read(length)
            return found
    except (OSError, ValueError, StructError, OverflowError, MemoryError):
        return b""


def _check_magic(file: BinaryIO) -> None:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ProgramError("is no ELF file", "name the file that the linker makes")


def _check_kind(elf: ELFFile) -> None:
    if elf["e_machine"] != AARCH64 or elf.elfclass != 64 or not elf.little_endian:  # noqa: PLR2004 - bits of a word
        raise ProgramError("is not for AArch64", "build it for AArch64, little-endian")
    if elf["e_type"] in _TYPES:
        raise ProgramError(_TYPES[elf["e_type"]])


def symbol_entries(elf: ELFFile) -> Iterator[tuple[bytes, int, Symbol]] | None:
    """Return name, section and symbol of each entry that has a name, unpacked in one go; None without a symbol table.

    Entry by entry 20,000 symbols take pyelftools most of a second.

    Args:
        elf: The ELF.

    Raises:
        ProgramError: When the table is malformed.
    """
    table = elf.get_section_by_name(".symtab")
    if table is None:
        return None
    if table["sh_type"] != "SHT_SYMTAB" or table["sh_entsize"] != _SYMBOL_BYTES:
        raise ProgramError("has a malformed symbol table")
    strings = elf.get_section(table["sh_link"]).data()
    return (
        (text, section, Symbol(address, size_bytes))
        for name, _, _, section, address, size_bytes in iter_unpack(_SYMBOL, table.data())
        if name and (text := strings[name : strings.find(b"\0", name)])
    )


def _symbols(elf: ELFFile) -> dict[str, Symbol] | None:
    entries = symbol_entries(elf)
    return None if entries is None else {name.decode(errors="replace"): symbol for name, _, symbol in entries}
