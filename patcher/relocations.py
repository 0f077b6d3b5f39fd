"""Finds the addresses that a loader writes when it starts a program.

Both places that say so are read: the dynamic segment, which the loader uses, and allocated
relocation sections, which the start-up code of static programs uses.
"""

from __future__ import annotations

from struct import iter_unpack
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from elftools.elf.constants import SH_FLAGS

from patcher import errors
from patcher.errors import PatchError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from patcher.source import Source
    from patcher.values import Segment

MAX_RELOCATIONS: Final = 1 << 20
_REL, _RELA, _RELR = "<Q8x", "<Q16x", "<Q"
_ENTRY_BYTES: Final = {_REL: 16, _RELA: 24, _RELR: 8}
_SECTION_FORMATS: Final = {"SHT_REL": _REL, "SHT_RELA": _RELA, "SHT_RELR": _RELR}
_DT_PLTRELSZ, _DT_RELA, _DT_RELASZ, _DT_REL, _DT_RELSZ = 2, 7, 8, 17, 18
_DT_PLTREL, _DT_JMPREL, _DT_RELRSZ, _DT_RELR = 20, 23, 35, 36
_DYNAMIC_TABLES: Final = (
    (_DT_RELA, _DT_RELASZ, _RELA),
    (_DT_REL, _DT_RELSZ, _REL),
    (_DT_RELR, _DT_RELRSZ, _RELR),
)
_RELR_BITS: Final = 63
_WORD_BYTES: Final = 8


class Table(NamedTuple):
    """A relocation table: its place in the file, its size in bytes and its `struct` format."""

    offset: int
    size_bytes: int
    form: str


def relocated_addresses(
    source: Source, sections: Sequence[Any], headers: Sequence[Any], segments: Sequence[Segment]
) -> list[int]:
    """Return the sorted addresses that the loader writes.

    Args:
        source: The file.
        sections: Its section headers.
        headers: Its program headers.
        segments: Its loadable segments.

    Raises:
        PatchError: A table is beyond the end of the file or implausibly large.
    """
    tables = {*_of_sections(sections), *_of_dynamic(source, headers, segments)}
    addresses: set[int] = set()
    for table in sorted(tables):
        content = source.read("a relocation table is", table.offset, table.size_bytes)
        addresses.update(_addresses(source.path, content, table.form))
    return sorted(addresses)


def _of_sections(sections: Sequence[Any]) -> Iterator[Table]:
    for header in sections:
        form = _SECTION_FORMATS.get(header["sh_type"])
        if form and header["sh_flags"] & SH_FLAGS.SHF_ALLOC:
            yield Table(header["sh_offset"], header["sh_size"], form)


def _of_dynamic(source: Source, headers: Sequence[Any], segments: Sequence[Segment]) -> Iterator[Table]:
    for header in headers:
        if header["p_type"] == "PT_DYNAMIC":
            tags = _tags(source.read("the dynamic segment is", header["p_offset"], header["p_filesz"]))
            procedure_form = _RELA if tags.get(_DT_PLTREL) == _DT_RELA else _REL
            for start, size, form in (*_DYNAMIC_TABLES, (_DT_JMPREL, _DT_PLTRELSZ, procedure_form)):
                if tags.get(start) and tags.get(size):
                    yield Table(_offset(source.path, tags[start], segments), tags[size], form)


def _tags(content: bytes) -> dict[int, int]:
    tags: dict[int, int] = {}
    whole = len(content) // 16 * 16
    for tag, value in iter_unpack("<QQ", content[:whole]):
        if tag == 0:
            break
        tags.setdefault(tag, value)
    return tags


def _offset(path: str, vaddr: int, segments: Sequence[Segment]) -> int:
    for segment in segments:
        if 0 <= vaddr - segment.vaddr < segment.file_bytes:
            return segment.file_offset + vaddr - segment.vaddr
    message = f"the relocation table at {vaddr:#x} is in no loadable segment; link the file again"
    raise PatchError(errors.MALFORMED, message, path)


def _addresses(path: str, content: bytes, form: str) -> Iterator[int]:
    entry_bytes = _ENTRY_BYTES[form]
    count = int.from_bytes(content, "little").bit_count() if form == _RELR else len(content) // entry_bytes
    if len(content) % entry_bytes or count > MAX_RELOCATIONS:
        message = f"a relocation table of {len(content)} bytes is malformed or too large; link the file again"
        raise PatchError(errors.MALFORMED, message, path)
    words = (word for (word,) in iter_unpack(form, content))
    return _unpacked(words) if form == _RELR else words


def _unpacked(words: Iterator[int]) -> Iterator[int]:
    """Decode DT_RELR: an even word is an address, an odd one a bitmap of the 63 words that follow."""
    next_vaddr = 0
    for word in words:
        if word & 1:
            yield from (next_vaddr + bit * _WORD_BYTES for bit in range(_RELR_BITS) if word >> (bit + 1) & 1)
            next_vaddr += _RELR_BITS * _WORD_BYTES
        else:
            yield word
            next_vaddr = word + _WORD_BYTES
