"""Opens an ELF file and refuses, before any library sees it, what cannot be patched."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from struct import unpack_from
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from patcher import errors
from patcher.errors import PatchError

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER_BYTES: Final = 64
SECTION_HEADER_BYTES: Final = 64
PROGRAM_HEADER_BYTES: Final = 56
_CLASSES: Final = {1: "a 32-bit file", 2: None}
_ENCODINGS: Final = {1: None, 2: "a big-endian file"}
_TYPES: Final = {1: "a relocatable object", 2: None, 3: None, 4: "a core dump"}


class Source(NamedTuple):
    """An open file.

    Attributes:
        path: How the caller named it.
        stream: Its content.
        size_bytes: Its size.
    """

    path: str
    stream: BinaryIO
    size_bytes: int

    def check(self, what: str, offset: int, count: int) -> None:
        """Refuse a range of bytes that is not inside the file.

        Raises:
            PatchError: The range ends beyond the file.
        """
        if offset + count > self.size_bytes:
            where = f"{offset:#x}..{offset + count:#x}, beyond the end of the file at {self.size_bytes:#x}"
            raise PatchError(errors.TRUNCATED, f"{what} at {where}; copy or link it again", self.path)

    def read(self, what: str, offset: int, count: int) -> bytes:
        """Return `count` bytes at `offset`.

        Raises:
            PatchError: The range ends beyond the file.
        """
        self.check(what, offset, count)
        self.stream.seek(offset)
        return self.stream.read(count)


@contextmanager
def opened(path: str) -> Iterator[Source]:
    """Open a regular file for reading.

    Args:
        path: The file.

    Raises:
        PatchError: It is missing, no regular file, or may not be read.
    """
    try:
        mode = os.stat(path).st_mode
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "no regular file"
            raise PatchError(errors.UNREADABLE, f"this is {kind}; name an ELF file", path)
        stream = open(path, "rb")  # noqa: SIM115 - closed below; only the opening may fail here
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise PatchError(errors.UNREADABLE, f"cannot be read ({reason}); name an ELF file", path) from error
    with stream:
        yield Source(path, stream, os.fstat(stream.fileno()).st_size)


@contextmanager
def library_faults(path: str) -> Iterator[None]:
    """Turn whatever a library raises on a malformed file into a `PatchError`.

    Args:
        path: The file that is being read.

    Raises:
        PatchError: The body raised anything.
    """
    try:
        yield
    except PatchError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__} {error}".split())
        raise PatchError(errors.MALFORMED, f"not a sound ELF file ({reason}); link it again", path) from error


def check_header(source: Source) -> None:
    """Refuse what is no linked 64-bit little-endian ELF file, or lacks its header tables.

    Args:
        source: The file.

    Raises:
        PatchError: It is something else or truncated.
    """
    head = source.read("the first byte is", 0, min(HEADER_BYTES, source.size_bytes))
    if not head:
        raise PatchError(errors.NOT_ELF, "the file is empty; build it again", source.path)
    if not head.startswith(b"\x7fELF"):
        raise PatchError(errors.NOT_ELF, "this is no ELF file; name a linked executable", source.path)
    source.check("the ELF header is", 0, HEADER_BYTES)
    _check_kind(source.path, head)
    _check_tables(source, head)


def _check_kind(path: str, head: bytes) -> None:
    facts = (
        (_CLASSES, head[4], "ELF class"),
        (_ENCODINGS, head[5], "ELF data encoding"),
        (_TYPES, unpack_from("<H", head, 16)[0], "ELF type"),
    )
    for names, number, what in facts:
        if kind := names.get(number, f"of {what} {number}"):
            message = f"this is {kind}; only linked 64-bit little-endian files can be patched"
            raise PatchError(errors.UNSUPPORTED, message, path)


def _check_tables(source: Source, head: bytes) -> None:
    program_offset, section_offset = unpack_from("<QQ", head, 32)
    program_bytes, programs, section_bytes, sections = unpack_from("<HHHH", head, 54)
    if programs:
        _check_entry(source, "program header", program_bytes, PROGRAM_HEADER_BYTES)
        source.check("program headers are", program_offset, programs * PROGRAM_HEADER_BYTES)
    if section_offset:
        _check_entry(source, "section header", section_bytes, SECTION_HEADER_BYTES)
        source.check("section headers are", section_offset, max(sections, 1) * SECTION_HEADER_BYTES)


def _check_entry(source: Source, what: str, size_bytes: int, expected_bytes: int) -> None:
    if size_bytes != expected_bytes:
        message = f"a {what} has {size_bytes} bytes instead of {expected_bytes}; link the file again"
        raise PatchError(errors.MALFORMED, message, source.path)
