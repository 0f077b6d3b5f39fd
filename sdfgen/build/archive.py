"""What a static library tells of itself: whose code it holds, and what it was compiled for."""

from __future__ import annotations

import os
import re
import struct
from typing import TYPE_CHECKING, Final

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MAGIC: Final = b"!<arch>\n"
_THIN_MAGIC: Final = b"!<thin>\n"
"""An archive of names: the objects lie elsewhere."""
_HEADER_BYTES: Final = 60
_END: Final = b"`\n"
_LONG_NAMES: Final = "//"
_TABLES: Final = frozenset({"/", _LONG_NAMES, "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED"})
_ELF: Final = struct.Struct("<4sBB12xH")  # magic, class, byte order, machine
_ELF64, _LITTLE, _AARCH64 = 2, 1, 183
_BOARD_FOLDER: Final = re.compile(rb"/board/([\w.+-]+)/([\w.+-]+)/include\b")
"""Where every Microkit SDK has a board's headers: compilers write the path into debug information."""


class ArchiveError(Exception):
    """A file is no static library for AArch64; the message says what it is."""


class CompiledFor(NamedTuple):
    """A board and a configuration that code was compiled for."""

    board: str
    config: str


def read_archive(path: str) -> bytes:
    """Return a static library, which holds AArch64 objects and nothing else.

    Args:
        path: Its file.

    Raises:
        ArchiveError: When it is something else.
        OSError: When it cannot be read.
    """
    with open(path, "rb") as file:
        data = file.read()
    if data.startswith(_THIN_MAGIC):
        raise ArchiveError("is a thin archive, which holds names of objects instead of objects")
    if not data.startswith(_MAGIC):
        raise ArchiveError("is no static library")
    objects = [(name, content) for name, content in _members(data) if name not in _TABLES]
    if not objects:
        raise ArchiveError("holds no objects")
    for name, content in objects:
        if not _is_aarch64(content):
            raise ArchiveError(f"holds {name!r}, which is no object for AArch64")
    return data


def _members(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each member: objects, and tables of the archive's own."""
    at = len(_MAGIC)
    long_names = b""
    while at < len(data):
        header = data[at : at + _HEADER_BYTES]
        size = header[48:58].strip()
        start = at + _HEADER_BYTES
        if not header.endswith(_END) or not size.isdigit() or start + int(size) > len(data):
            raise ArchiveError(f"is cut or damaged at byte {at}")
        content = data[start : start + int(size)]
        name = header[:16].decode(errors="replace").rstrip()
        if name == _LONG_NAMES:
            long_names = content
        yield _named(name, content, long_names)
        at = start + int(size) + int(size) % 2


def _named(name: str, content: bytes, long_names: bytes) -> tuple[str, bytes]:
    """Return name and content of a member whose name may stand in a table (GNU), or before its content (BSD)."""
    if name.startswith("#1/") and name[3:].isdigit():
        length = int(name[3:])
        return content[:length].rstrip(b"\0").decode(errors="replace"), content[length:]
    if name[1:].isdigit():
        return long_names[int(name[1:]) :].split(b"/\n")[0].decode(errors="replace"), content
    return (name if name in _TABLES else name.removesuffix("/")), content


def _is_aarch64(content: bytes) -> bool:
    if len(content) < _ELF.size:
        return False
    magic, bits, order, machine = _ELF.unpack_from(content)
    return (magic, bits, order, machine) == (b"\x7fELF", _ELF64, _LITTLE, _AARCH64)


def compiled_for(archive: bytes) -> set[CompiledFor]:
    """Return the boards and configurations whose headers a library's debug information names; none where it has none.

    Args:
        archive: The library.
    """
    return {CompiledFor(board.decode(), config.decode()) for board, config in _BOARD_FOLDER.findall(archive)}


def headers_compiled_with(archive: bytes, folder: str, names: Iterable[str]) -> set[str]:
    """Return which headers of a folder a library was compiled with, to the byte.

    DWARF 5 line tables have the MD5 digest of each file (section 6.2.4.1); Clang writes them, GCC 12 does not.

    Args:
        archive: The library.
        folder: The folder.
        names: The headers, below it.
    """
    return {name for name in names if (digest := _md5(os.path.join(folder, name))) and digest in archive}


def _md5(path: str) -> bytes | None:
    import hashlib

    try:
        with open(path, "rb") as file:
            return hashlib.md5(file.read(), usedforsecurity=False).digest()
    except OSError:
        return None
