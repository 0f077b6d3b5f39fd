"""Object files that hold a guest's files between symbols, for the link of its VMM.

An assembler's `.incbin` would do, but `zig cc` keeps what it compiled and does not know that such a
file is part of it: after a new kernel it links the old one. These few tables need no compiler.
"""

from __future__ import annotations

import struct

from sdfgen.records import NamedTuple
from sdfgen.units import PAGE_BYTES, round_up

IMAGES = ("kernel", "dtb", "initrd")
"""What templates/c/vmm/vmm_guest.c finds between `_guest_NAME_image` and `_guest_NAME_image_end`."""

# The ELF specification's tables and numbers.
_FILE_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_IDENT = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
_REL = 1
_AARCH64 = 183
_CURRENT = 1
_NULL, _PROGBITS, _SYMTAB, _STRTAB = range(4)
_ALLOCATED = 2
_GLOBAL_OBJECT = 0x11
_IMAGES_SECTION = 1


class _Section(NamedTuple):
    name: str
    kind: int
    data: bytes
    flags: int = 0
    link: int = 0
    info: int = 0
    alignment: int = 1
    entry_bytes: int = 0


def guest_object(files: dict[str, bytes]) -> bytes:
    """Return the object file.

    Args:
        files: Content by name of `IMAGES`; what is missing is empty.
    """
    data, symbols, names = _images([(name, files.get(name, b"")) for name in IMAGES])
    sections = (
        _Section("", _NULL, b""),
        _Section(".guest_images", _PROGBITS, data, flags=_ALLOCATED, alignment=PAGE_BYTES),
        _Section(".note.GNU-stack", _PROGBITS, b""),  # the linker's sign that no stack is executable
        _Section(".symtab", _SYMTAB, symbols, link=4, info=1, alignment=8, entry_bytes=_SYMBOL.size),
        _Section(".strtab", _STRTAB, names),
    )
    return _file(sections)


def _images(files: list[tuple[str, bytes]]) -> tuple[bytes, bytes, bytes]:
    """Return the section's content, and symbol and string table."""
    data, names = bytearray(), bytearray(b"\0")
    symbols = [_SYMBOL.pack(0, 0, 0, 0, 0, 0)]
    for name, content in files:
        data += bytes(round_up(len(data), PAGE_BYTES) - len(data))
        for symbol, offset, size in (
            (f"_guest_{name}_image", len(data), len(content)),
            (f"_guest_{name}_image_end", len(data) + len(content), 0),
        ):
            symbols.append(_SYMBOL.pack(len(names), _GLOBAL_OBJECT, 0, _IMAGES_SECTION, offset, size))
            names += symbol.encode() + b"\0"
        data += content
    return bytes(data), b"".join(symbols), bytes(names)


def _file(sections: tuple[_Section, ...]) -> bytes:
    """Lay out header, contents and section headers; section names go last."""
    names = bytearray()
    placed = []
    for section in sections:
        placed.append((len(names), section))
        names += section.name.encode() + b"\0"
    last = _Section(".shstrtab", _STRTAB, bytes(names) + b".shstrtab\0")
    placed.append((len(names), last))
    body, headers = bytearray(_FILE_HEADER.size), b""
    for name, section in placed:
        body += bytes(round_up(len(body), section.alignment) - len(body))
        headers += _section_header(name, section, len(body))
        body += section.data
    body += bytes(round_up(len(body), 8) - len(body))
    body[: _FILE_HEADER.size] = _file_header(len(body), len(placed))
    return bytes(body) + headers


def _section_header(name: int, section: _Section, offset: int) -> bytes:
    address = 0
    return _SECTION_HEADER.pack(
        name,
        section.kind,
        section.flags,
        address,
        offset if section.kind else 0,
        len(section.data),
        section.link,
        section.info,
        section.alignment if section.kind else 0,
        section.entry_bytes,
    )


def _file_header(sections_offset: int, section_count: int) -> bytes:
    entry = segments_offset = flags = segment_bytes = segment_count = 0
    return _FILE_HEADER.pack(
        _IDENT,
        _REL,
        _AARCH64,
        _CURRENT,
        entry,
        segments_offset,
        sections_offset,
        flags,
        _FILE_HEADER.size,
        segment_bytes,
        segment_count,
        _SECTION_HEADER.size,
        section_count,
        section_count - 1,
    )
