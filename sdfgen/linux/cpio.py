"""Initial ramdisks: cpio archives of the kind "newc", which Linux takes one after the other as one."""

from __future__ import annotations

import os
import stat
from typing import Final

MAGIC: Final = b"070701"
ALIGNMENT: Final = 4
# The kernel skips zeroes between archives up to the next word.
ARCHIVE_ALIGNMENT: Final = 512


class Cpio:
    """An archive in memory. Folders are added as they are needed."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._folders: set[str] = set()
        self._count = 0

    def _entry(self, name: str, mode: int, data: bytes = b"") -> None:
        self._count += 1
        encoded = name.encode() + b"\0"
        # inode, mode, uid, gid, links, mtime, size, four device numbers, size of the name, check
        fields = (self._count, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
        header = MAGIC + b"".join(b"%08x" % field for field in fields)
        self._chunks += [_padded(header + encoded, ALIGNMENT), _padded(data, ALIGNMENT)]

    def folder(self, name: str) -> None:
        """A folder and those above it."""
        if name and name not in self._folders:
            self.folder(os.path.dirname(name))
            self._folders.add(name)
            self._entry(name, stat.S_IFDIR | 0o755)

    def file(self, name: str, data: bytes, mode: int = 0o755) -> None:
        """A regular file."""
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFREG | mode, data)

    def copy(self, name: str, path: str) -> None:
        """A regular file with the content of `path`."""
        with open(path, "rb") as file:
            self.file(name, file.read())

    def link(self, name: str, target: str) -> None:
        """A symbolic link."""
        self.folder(os.path.dirname(name))
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def data(self) -> bytes:
        """The whole archive; another may follow it."""
        self._entry("TRAILER!!!", 0)
        return _padded(b"".join(self._chunks), ARCHIVE_ALIGNMENT)


def _padded(data: bytes, alignment: int) -> bytes:
    return data + b"\0" * (-len(data) % alignment)
