"""Disk files with partition tables, and what is in a part of them."""

from __future__ import annotations

import dataclasses
import hashlib
import random
import struct
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

SECTOR: Final = 512
MIB: Final = 1 << 20
GPT_ENTRIES: Final = 128
GPT_ENTRY_BYTES: Final = 128
GPT_TABLE_SECTORS: Final = GPT_ENTRIES * GPT_ENTRY_BYTES // SECTOR
LINUX_TYPE: Final = bytes.fromhex("af3dc60f838472478e793d69d8477de4")
GPT_HEADER: Final = struct.Struct("<8sIIIIQQQQ16sQIII")
CHUNK: Final = 8 * MIB


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """Bytes of a disk file."""

    start: int
    size: int

    @property
    def end(self) -> int:
        return self.start + self.size


class Disk:
    """A file full of noise with partitions of the given sizes, in MiB, each one MiB after the one before."""

    def __init__(self, path: str, sizes_mib: Sequence[int]) -> None:
        self.path = path
        self.partitions: list[Range] = []
        end = MIB
        for size_mib in sizes_mib:
            self.partitions.append(Range(end, size_mib * MIB))
            end = self.partitions[-1].end + MIB
        self.size = end
        noise = random.Random(end)  # noqa: S311
        with open(path, "wb") as file:
            file.writelines(noise.randbytes(MIB) for _ in range(0, end, MIB))

    def write_mbr(self) -> None:
        """Four primary partitions at most."""
        entries = [(0x83, part.start // SECTOR, part.size // SECTOR) for part in self.partitions]
        self._write(0, _mbr(entries))

    def write_gpt(self) -> None:
        """A protective MBR, header and entries, and their mirror at the end."""
        last = self.size // SECTOR - 1
        entries = b"".join(
            struct.pack("<16s16sQQQ72s", LINUX_TYPE, bytes([n] * 16), p.start // SECTOR, p.end // SECTOR - 1, 0, b"")
            for n, p in enumerate(self.partitions, start=1)
        ).ljust(GPT_ENTRIES * GPT_ENTRY_BYTES, b"\0")
        self._write(0, _mbr([(0xEE, 1, last)]))
        self._write(SECTOR, _gpt_header(1, last, 2, entries))
        self._write(2 * SECTOR, entries)
        self._write((last - GPT_TABLE_SECTORS) * SECTOR, entries)
        self._write(last * SECTOR, _gpt_header(last, last, last - GPT_TABLE_SECTORS, entries))

    def _write(self, offset: int, data: bytes) -> None:
        with open(self.path, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def read(self, part: Range) -> bytes:
        """The bytes of a range."""
        with open(self.path, "rb") as file:
            file.seek(part.start)
            return file.read(part.size)

    def digest(self, part: Range) -> str:
        """The SHA-256 of a range."""
        return hashlib.sha256(self.read(part)).hexdigest()

    def outside(self, parts: Sequence[Range]) -> str:
        """The SHA-256 of everything but these ranges."""
        digest = hashlib.sha256()
        start = 0
        for part in sorted(parts, key=lambda part: part.start):
            digest.update(self.read(Range(start, part.start - start)))
            start = part.end
        digest.update(self.read(Range(start, self.size - start)))
        return digest.hexdigest()


def _mbr(entries: Sequence[tuple[int, int, int]]) -> bytes:
    table = b"".join(struct.pack("<B3sB3sII", 0, b"", kind, b"", first, count) for kind, first, count in entries)
    return b"\0" * 446 + table.ljust(64, b"\0") + b"\x55\xaa"


def _gpt_header(own: int, last: int, table: int, entries: bytes) -> bytes:
    other = last + 1 - own
    first_usable = 2 + GPT_TABLE_SECTORS
    last_usable = last - GPT_TABLE_SECTORS - 1

    def pack(checksum: int) -> bytes:
        return GPT_HEADER.pack(
            b"EFI PART", 0x10000, GPT_HEADER.size, checksum, 0, own, other, first_usable, last_usable,
            b"\x5a" * 16, table, GPT_ENTRIES, GPT_ENTRY_BYTES, zlib.crc32(entries),
        )  # fmt: skip

    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")
