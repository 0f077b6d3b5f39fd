"""Initial RAM disks: cpio archives of the kind "newc", of which Linux takes several one after the other.

Documentation/driver-api/early-userspace/buffer-format.rst has the format, and says that zeroes may stand
before, between and behind the archives. So what is appended here has one size whatever is in it, and
device trees can tell where the disk ends before a program in it is linked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.units import round_up

if TYPE_CHECKING:
    from collections.abc import Sequence

APPENDED_BYTES = 2 * 2**20
"""Size of the appended archive: room for a program that is linked with glibc."""

_MAGIC = b"070701"
_ALIGNMENT = 4
_ARCHIVE_ALIGNMENT = 512
_GAP_BYTES = 4
"""Zeroes behind what is appended to, at least: lib/decompress_unlz4.c takes anything else for one more chunk."""
_FOLDER = 0o040755
_FILE = 0o100644
_PROGRAM = 0o100755
_LINK = 0o120777
_MODES = {"file": _FILE, "program": _PROGRAM, "link": _LINK}
_TRAILER = "TRAILER!!!"


class TooLargeError(Exception):
    """The archive does not fit into its room."""


def final_bytes(base_bytes: int) -> int:
    """Return the size of an initial RAM disk with an appended archive behind it.

    Args:
        base_bytes: Size of the disk that it is appended to; 0 without one.
    """
    return _appended_at(base_bytes) + APPENDED_BYTES


def _appended_at(base_bytes: int) -> int:
    return round_up(base_bytes + _GAP_BYTES, _ARCHIVE_ALIGNMENT) if base_bytes else 0


def empty() -> bytes:
    """Return an archive of nothing: what is linked for a guest without a disk, since libvmm cleans no empty range."""
    return _padded(_entry(0, _TRAILER, 0, b""), _ARCHIVE_ALIGNMENT)


class Appended(NamedTuple):
    """A file to append: its path, `file`, `program` or `link`, and its content or what the link leads to."""

    path: str
    kind: str
    content: bytes


def with_files(base: bytes, files: Sequence[Appended]) -> bytes:
    """Append an archive to an initial RAM disk.

    Args:
        base: The disk; it may be compressed and is not looked into.
        files: What the archive holds.

    Raises:
        TooLargeError: When the archive exceeds `APPENDED_BYTES`.
    """
    archive = _archive(files)
    if len(archive) > APPENDED_BYTES:
        raise TooLargeError(f"what is appended has {len(archive)} bytes, {APPENDED_BYTES} at most fit")
    return base.ljust(_appended_at(len(base)), b"\0") + archive.ljust(APPENDED_BYTES, b"\0")


def _archive(files: Sequence[Appended]) -> bytes:
    entries = {folder: (_FOLDER, b"") for file in files for folder in _folders_above(file.path)}
    entries |= {file.path: (_MODES[file.kind], file.content) for file in files}
    records = [_entry(number, name, *entry) for number, (name, entry) in enumerate(entries.items(), 1)]
    return b"".join((*records, _entry(0, _TRAILER, 0, b"")))


def _folders_above(name: str) -> list[str]:
    steps = name.split("/")[:-1]
    return ["/".join(steps[:depth]) for depth in range(1, len(steps) + 1)]


def _entry(inode: int, name: str, mode: int, data: bytes) -> bytes:
    """Return one file: nothing in it depends on the time or the machine."""
    owner = device = special = (0, 0)
    links = 1
    mtime = check = 0
    encoded = name.encode() + b"\0"
    fields = (inode, mode, *owner, links, mtime, len(data), *device, *special, len(encoded), check)
    header = _MAGIC + b"".join(b"%08x" % field for field in fields)
    return _padded(header + encoded, _ALIGNMENT) + _padded(data, _ALIGNMENT)


def _padded(data: bytes, alignment: int) -> bytes:
    return data.ljust(round_up(len(data), alignment), b"\0")
