"""Images of small disks with partition tables, made from UEFI 2.10, chapter 5: sound ones, and one fault at a time."""

from __future__ import annotations

import dataclasses
import struct
import uuid
import zlib

BLOCK = 4096
DISK_BLOCKS = 512
# Linux file system data, in the byte order of a GUID on disk.
LINUX_DATA = bytes.fromhex("af3dc60f838472478e793d69d8477de4")
HEADER = struct.Struct("<8sIIIIQQQQ16sQIII")
ENTRY = struct.Struct("<16s16sQQQ72s")


@dataclasses.dataclass(frozen=True, slots=True)
class MbrEntry:
    """One of the four primary partitions, in sectors."""

    first: int
    count: int
    kind: int = 0x83
    status: int = 0

    def pack(self) -> bytes:
        return struct.pack("<B3sB3sII", self.status, b"", self.kind, b"", self.first, self.count)


PROTECTIVE = MbrEntry(1, 0xFFFF_FFFF, 0xEE)


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """A GPT entry: its first and last sector."""

    first: int
    last: int
    kind: bytes = LINUX_DATA
    unique: str = "11111111-1111-1111-1111-111111111111"
    label: bytes = b""

    def pack(self, entry_bytes: int) -> bytes:
        unique = uuid.UUID(self.unique).bytes_le if any(self.kind) else bytes(16)
        return ENTRY.pack(self.kind, unique, self.first, self.last, 0, self.label).ljust(entry_bytes, b"\0")


UNUSED = Range(0, 0, bytes(16))


@dataclasses.dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a GPT; None is what a sound one has there."""

    ranges: tuple[Range, ...]
    signature: bytes = b"EFI PART"
    revision: int = 0x00010000
    header_bytes: int = 92
    my_lba: int | None = None
    other_lba: int | None = None
    first_usable: int | None = None
    last_usable: int | None = None
    entries_lba: int | None = None
    entry_count: int = 128
    entry_bytes: int = 128
    header_crc_xor: int = 0
    array_crc_xor: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Disk:
    """What a copy has to fit to: blocks, and sectors of 512 bytes behind them."""

    sector_bytes: int = 512
    blocks: int = DISK_BLOCKS
    tail: int = 0

    @property
    def size_bytes(self) -> int:
        return self.blocks * BLOCK + self.tail * 512

    @property
    def sectors(self) -> int:
        return self.size_bytes // self.sector_bytes


def mbr(*entries: MbrEntry, signature: bytes = b"\x55\xaa") -> bytes:
    return bytes(446) + b"".join(entry.pack() for entry in entries).ljust(64, b"\0") + signature


def _or(value: int | None, sound: int) -> int:
    return sound if value is None else value


def _write(image: bytearray, at: int, content: bytes) -> None:
    """What does not fit is left out: it would take the place of something else."""
    if at + len(content) <= len(image):
        image[at : at + len(content)] = content


def write_copy(image: bytearray, disk: Disk, copy: Copy, *, mirror: bool) -> None:
    """Writes the array and the header of one copy where they belong, or where the copy says."""
    array = b"".join(entry.pack(copy.entry_bytes) for entry in copy.ranges)
    array = array.ljust(min(copy.entry_count, 2048) * copy.entry_bytes, b"\0")
    sectors = -(-len(array) // disk.sector_bytes)
    last = disk.sectors - 1
    here, there = (last, 1) if mirror else (1, last)
    entries_lba = _or(copy.entries_lba, last - sectors if mirror else 2)
    fields = (
        _or(copy.my_lba, here),
        _or(copy.other_lba, there),
        _or(copy.first_usable, 2 + sectors),
        _or(copy.last_usable, last - sectors - 1),
        b"\x22" * 16,
        entries_lba,
        copy.entry_count,
        copy.entry_bytes,
        zlib.crc32(array) ^ copy.array_crc_xor,
    )
    blank = HEADER.pack(copy.signature, copy.revision, copy.header_bytes, 0, 0, *fields)
    crc = zlib.crc32(blank.ljust(copy.header_bytes, b"\0")[: copy.header_bytes]) ^ copy.header_crc_xor
    header = HEADER.pack(copy.signature, copy.revision, copy.header_bytes, crc, 0, *fields)
    _write(image, entries_lba * disk.sector_bytes, array)
    _write(image, here * disk.sector_bytes, header)


def mbr_disk(*entries: MbrEntry, signature: bytes = b"\x55\xaa", disk: Disk = Disk()) -> bytes:
    return mbr(*entries, signature=signature).ljust(disk.size_bytes, b"\0")


def gpt_disk(first: Copy | None, mirror: Copy | None, disk: Disk = Disk(), protective: MbrEntry = PROTECTIVE) -> bytes:
    """A disk with both copies, or without those that are None."""
    image = bytearray(disk.size_bytes)
    for copy, at_end in ((mirror, True), (first, False)):
        if copy is not None:
            write_copy(image, disk, copy, mirror=at_end)
    image[:512] = mbr(protective)
    return bytes(image)
