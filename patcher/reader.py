"""Reads an ELF file with pyelftools, and refuses what is no sound ELF file.

pyelftools parses the headers; tables are unpacked in one go, because object by object 20,000
symbols take it 0.9 s.
"""

from __future__ import annotations

from struct import iter_unpack
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from elftools.common.utils import struct_parse
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from patcher import errors
from patcher.errors import PatchError
from patcher.relocations import relocated_addresses
from patcher.source import PROGRAM_HEADER_BYTES, SECTION_HEADER_BYTES, check_header, library_faults
from patcher.values import Image, Section, Segment, Symbol, sections_wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from patcher.source import Source

_SYMBOL: Final = "<IBBHQQ"
_SYMBOL_BYTES: Final = 24
_SHOWN_NAME_BYTES: Final = 128


class Headers(NamedTuple):
    """The section and program headers of a file as pyelftools parsed them, and section names."""

    sections: list[Any]
    segments: list[Any]
    names: bytes


def read_image(source: Source, names: Collection[str]) -> Image:
    """Read what the rules need to know about a file.

    Args:
        source: The file.
        names: The symbols to look for; one pass finds all.

    Returns:
        The image; its symbols are those of `names` that occur.

    Raises:
        PatchError: It is no sound, linked, 64-bit little-endian ELF file with a symbol table.
    """
    check_header(source)
    with library_faults(source.path):
        headers = _headers(source)
        symbols, strings = _symbol_table(source, headers.sections)
        segments = _loadable(source, headers.segments)
        sections = tuple(_section(header, headers.names) for header in headers.sections)
        return Image(
            path=source.path,
            segments=segments,
            sections=sections,
            symbols=_find(symbols, strings, names, sections_wanted(sections, names)),
            relocated=relocated_addresses(source, headers.sections, headers.segments, segments),
            names=lambda: list(_variable_names(symbols, strings)),
        )


def _headers(source: Source) -> Headers:
    elf = ELFFile(source.stream)
    start, structs = elf.header, elf.structs
    sections, segments = elf.num_sections(), elf.num_segments()
    source.check("section headers are", start["e_shoff"], sections * SECTION_HEADER_BYTES)
    source.check("program headers are", start["e_phoff"], segments * PROGRAM_HEADER_BYTES)
    section_offsets = (start["e_shoff"] + i * SECTION_HEADER_BYTES for i in range(sections))
    segment_offsets = (start["e_phoff"] + i * PROGRAM_HEADER_BYTES for i in range(segments))
    section_headers = [struct_parse(structs.Elf_Shdr, source.stream, offset) for offset in section_offsets]
    segment_headers = [struct_parse(structs.Elf_Phdr, source.stream, offset) for offset in segment_offsets]
    _check_contents(source, section_headers, segment_headers)
    return Headers(section_headers, segment_headers, _section_names(source, section_headers, elf.get_shstrndx()))


def _check_contents(source: Source, sections: list[Any], segments: list[Any]) -> None:
    for number, header in enumerate(sections):
        if header["sh_type"] not in {"SHT_NULL", "SHT_NOBITS"}:
            source.check(f"section {number} is", header["sh_offset"], header["sh_size"])
    for number, header in enumerate(segments):
        source.check(f"segment {number} is", header["p_offset"], header["p_filesz"])


def _section_names(source: Source, sections: list[Any], index: int) -> bytes:
    if not 0 < index < len(sections) or sections[index]["sh_type"] != "SHT_STRTAB":
        return b""
    return source.read("section names are", sections[index]["sh_offset"], sections[index]["sh_size"])


def _section(header: Any, names: bytes) -> Section:  # noqa: ANN401 - pyelftools has no types
    name = _text_at(names, header["sh_name"], _SHOWN_NAME_BYTES)
    loaded, writable = (bool(header["sh_flags"] & flag) for flag in (SH_FLAGS.SHF_ALLOC, SH_FLAGS.SHF_WRITE))
    return Section(name.decode(errors="replace"), loaded, header["sh_type"] == "SHT_NOBITS", writable)


def _loadable(source: Source, segments: list[Any]) -> tuple[Segment, ...]:
    found = tuple(
        Segment(header["p_vaddr"], header["p_memsz"], header["p_offset"], header["p_filesz"])
        for header in segments
        if header["p_type"] == "PT_LOAD"
    )
    if any(segment.file_bytes > segment.memory_bytes for segment in found):
        message = "a segment has more bytes in the file than in memory; link the file again"
        raise PatchError(errors.MALFORMED, message, source.path)
    return found


def _symbol_table(source: Source, sections: list[Any]) -> tuple[bytes, bytes]:
    tables = [header for header in sections if header["sh_type"] == "SHT_SYMTAB"]
    if not tables:
        message = "the file has no symbol table; patch it before it is stripped, or link without -s"
        raise PatchError(errors.STRIPPED, message, source.path)
    table, link = tables[0], tables[0]["sh_link"]
    sound = table["sh_entsize"] == _SYMBOL_BYTES and table["sh_size"] % _SYMBOL_BYTES == 0
    if len(tables) > 1 or not sound or link >= len(sections) or sections[link]["sh_type"] != "SHT_STRTAB":
        raise PatchError(errors.MALFORMED, "the symbol table is malformed; link the file again", source.path)
    strings = sections[link]
    return (
        source.read("the symbol table is", table["sh_offset"], table["sh_size"]),
        source.read("symbol names are", strings["sh_offset"], strings["sh_size"]),
    )


def _text_at(strings: bytes, start: int, limit_bytes: int) -> bytes:
    """Return the text up to the next NUL, or nothing when it is longer than the limit."""
    end = strings.find(b"\0", start, start + limit_bytes + 1)
    return strings[start:end] if end > start else b""


def _find(
    symbols: bytes, strings: bytes, names: Collection[str], sections: Mapping[int, str]
) -> dict[str, list[Symbol]]:
    """Find the symbols of names, and the variables of sections; these are known by index."""
    wanted = {name.encode(errors="surrogatepass"): name for name in names}
    longest = max(map(len, wanted), default=0)
    found: dict[str, list[Symbol]] = {name: [] for name in sections.values()}
    for start, info, _, section, vaddr, size_bytes in iter_unpack(_SYMBOL, symbols):
        name = wanted.get(_text_at(strings, start, longest))
        if name:
            found.setdefault(name, []).append(Symbol(name, vaddr, size_bytes, info & 15, section, info >> 4))
        if section in sections:
            symbol = Symbol(_shown_name(strings, start), vaddr, size_bytes, info & 15, section, info >> 4)
            if symbol.is_variable:
                found[sections[section]].append(symbol)
    return found


def _variable_names(symbols: bytes, strings: bytes) -> Iterator[str]:
    for start, info, _, section, vaddr, size_bytes in iter_unpack(_SYMBOL, symbols):
        if Symbol("", vaddr, size_bytes, info & 15, section, info >> 4).is_variable:
            yield _shown_name(strings, start)


def _shown_name(strings: bytes, start: int) -> str:
    return _text_at(strings, start, _SHOWN_NAME_BYTES).decode(errors="replace")
