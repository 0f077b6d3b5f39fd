"""Disk images: a partition table, and partitions filled from files. The same names and sizes give the same bytes."""

from __future__ import annotations

import os
import struct
import uuid
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sdfgen.records import NamedTuple
from sdfgen.units import U32_MAX, round_up, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import BinaryIO

SECTOR_BYTES: Final = 512
ALIGNMENT_BYTES: Final = 1 << 20
"""Where partitions start and end: what all partitioning programs do, and a multiple of every block size."""
_ALIGNMENT: Final = ALIGNMENT_BYTES // SECTOR_BYTES
_CHUNK_BYTES: Final = 1 << 16
_ZEROES: Final = bytes(_CHUNK_BYTES)

_MBR_ENTRIES: Final = 4
_MBR_LINUX: Final = 0x83
_MBR_PROTECTIVE: Final = 0xEE
_MBR_SIGNATURE: Final = b"\x55\xaa"
_MBR_AT_DISK_ID: Final = 440
_MBR_ENTRY: Final = struct.Struct("<B3sB3sII")
_MBR_UUID_LETTERS: Final = len("SSSSSSSS-NN")
_CHS_BEYOND: Final = b"\xfe\xff\xff"
"""Cylinder, head and sector of what lies beyond them: readers take the sector numbers instead."""
_CHS_SECOND_SECTOR: Final = b"\x00\x02\x00"

_GPT_ENTRIES: Final = 128
_GPT_HEADER: Final = struct.Struct("<8sIIIIQQQQ16sQIII")
_GPT_ENTRY: Final = struct.Struct("<16s16sQQQ72s")
_GPT_REVISION: Final = 0x0001_0000
_GPT_ARRAY_SECTORS: Final = _GPT_ENTRIES * _GPT_ENTRY.size // SECTOR_BYTES
_GPT_FIRST_USABLE: Final = 2 + _GPT_ARRAY_SECTORS
_GPT_NAME_BYTES: Final = 72
_LINUX_DATA: Final = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
"""The type of partitions that hold a Linux file system."""


def mbr_entry(uuid: str) -> int | None:
    """Return the entry that an MBR's identifier names, where it is counted from 1; None for one of a GPT."""
    return int(uuid.partition("-")[2]) - 1 if len(uuid) == _MBR_UUID_LETTERS else None


def _signature(uuid: str) -> str:
    return uuid.partition("-")[0]


class DiskError(Exception):
    """A disk that cannot be made as it was asked for.

    Args:
        message: Why.
        owners: Names of the partitions whose owners ask for it.
    """

    def __init__(self, message: str, *owners: str) -> None:
        super().__init__(message)
        self.owners = owners


class Partition(NamedTuple):
    """A partition that is wanted.

    Attributes:
        entry: Its place in the partition table, counted from 0; entries that nobody wants stay empty.
        name: Its name, which a GPT holds.
        size_bytes: Its size; rounded up to whole MiB.
        content: File that it begins with; the rest is zero.
        uuid: Its identifier, where one is wanted: a GUID in a GPT, `SSSSSSSS-NN` in an MBR.
        label: Its label in a GPT, where another than its name is wanted.
    """

    entry: int
    name: str
    size_bytes: int
    content: str | None = None
    uuid: str | None = None
    label: str | None = None


class Extent(NamedTuple):
    """Where a partition lies, in sectors of 512 bytes."""

    partition: Partition
    first: int
    sectors: int

    @property
    def last(self) -> int:
        """Its last sector."""
        return self.first + self.sectors - 1


class _Piece(NamedTuple):
    """Bytes of a partition table, and the sector they begin in."""

    sector: int
    content: bytes


class _Table(NamedTuple):
    """A kind of partition table: how many entries, how much lies behind the last partition, how it is written."""

    entries: int
    tail: int
    pieces: Callable[[str, Sequence[Extent], int], list[_Piece]]


def place(partitions: Iterable[Partition]) -> list[Extent]:
    """Return where partitions lie: one behind the other in the order of their entries, from the first MiB on."""
    extents: list[Extent] = []
    first = _ALIGNMENT
    for partition in sorted(partitions):
        sectors = max(round_up(partition.size_bytes, ALIGNMENT_BYTES), ALIGNMENT_BYTES) // SECTOR_BYTES
        extents.append(Extent(partition, first, sectors))
        first += sectors
    return extents


def write_disk(path: str, label: str, table: str, partitions: Iterable[Partition]) -> int:
    """Write a disk image, sparse; a file that was there is replaced when the new one is complete.

    Args:
        path: The image.
        label: What identifiers are derived from: those of one label are always the same.
        table: `gpt` or `mbr`.
        partitions: The partitions.

    Returns:
        Its size in bytes.

    Raises:
        DiskError: When the table cannot hold the partitions, or a partition its content.
        OSError: When a file cannot be read or written.
    """
    kind = TABLES[table]
    extents, sectors = check_disk(table, partitions)
    unfinished = f"{path}.part"
    try:
        with open(unfinished, "wb") as file:
            file.truncate(sectors * SECTOR_BYTES)
            for extent in extents:
                _fill(file, extent)
            for piece in kind.pieces(label, extents, sectors):
                file.seek(piece.sector * SECTOR_BYTES)
                file.write(piece.content)
        os.replace(unfinished, path)
    except BaseException:
        if os.path.exists(unfinished):
            os.unlink(unfinished)
        raise
    return sectors * SECTOR_BYTES


def check_disk(table: str, partitions: Iterable[Partition]) -> tuple[list[Extent], int]:
    """Return where the partitions of a disk lie, and how many sectors it has.

    Args:
        table: `gpt` or `mbr`.
        partitions: The partitions.

    Raises:
        DiskError: When the table cannot hold the partitions, or a partition its content.
        OSError: When a file cannot be read.
    """
    kind = TABLES[table]
    extents = place(partitions)
    for extent in extents:
        _check_entry(table, extent.partition)
        _check_names(table, extent.partition)
        _check_content(extent)
    _check_together([extent.partition for extent in extents])
    sectors = (extents[-1].last + 1 if extents else _ALIGNMENT) + kind.tail
    if table == "mbr" and sectors > U32_MAX:
        raise DiskError(f"{size_text(sectors * SECTOR_BYTES)} are more than a table of kind mbr can describe")
    return extents, sectors


def _check_entry(table: str, partition: Partition) -> None:
    entries = TABLES[table].entries
    if not 0 <= partition.entry < entries:
        raise DiskError(
            f"partition {partition.entry} of `{partition.name}`: a table of kind {table} has {entries} entries",
            partition.name,
        )


def _check_names(table: str, partition: Partition) -> None:
    """Refuse names that a table of this kind does not hold."""
    if table == "mbr" and partition.label is not None:
        message = f"partition `{partition.label}` of `{partition.name}`: a table of kind mbr has no labels"
        raise DiskError(message, partition.name)
    if partition.uuid is not None and (mbr_entry(partition.uuid) is None) is (table == "mbr"):
        raise DiskError(
            f"partition {partition.uuid} of `{partition.name}`: a table of kind {table} has no such identifiers",
            partition.name,
        )


def _check_together(partitions: Sequence[Partition]) -> None:
    """Refuse two partitions in one entry, and identifiers of several MBRs."""
    for one, other in pairwise(sorted(partitions, key=lambda partition: partition.entry)):
        if one.entry == other.entry:
            raise DiskError(f"partition {one.entry} is `{one.name}`'s and `{other.name}`'s", one.name, other.name)
    signatures = {_signature(p.uuid): p.name for p in partitions if p.uuid and mbr_entry(p.uuid) is not None}
    if len(signatures) > 1:
        raise DiskError(f"a disk has one signature, not {' and '.join(sorted(signatures))}", *signatures.values())


def _check_content(extent: Extent) -> None:
    content = extent.partition.content
    room_bytes = extent.sectors * SECTOR_BYTES
    if content is not None and os.path.getsize(content) > room_bytes:
        what = f"{content}: {size_text(os.path.getsize(content))}"
        raise DiskError(f"{what} do not fit into the {size_text(room_bytes)} of `{extent.partition.name}`")


def _fill(disk: BinaryIO, extent: Extent) -> None:
    """Copy a partition's content, and leave holes where it is zero."""
    if extent.partition.content is None:
        return
    start = extent.first * SECTOR_BYTES
    with open(extent.partition.content, "rb") as source:
        for at in range(start, start + extent.sectors * SECTOR_BYTES, _CHUNK_BYTES):
            chunk = source.read(_CHUNK_BYTES)
            if not chunk:
                break
            if not _ZEROES.startswith(chunk):
                disk.seek(at)
                disk.write(chunk)


def _identifier(label: str, what: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"sdfgen disk {label}: {what}")


def _mbr_sector(disk_id: int, entries: bytes) -> bytes:
    code = bytes(_MBR_AT_DISK_ID) + struct.pack("<IH", disk_id, 0)
    return code + entries.ljust(_MBR_ENTRIES * _MBR_ENTRY.size, b"\0") + _MBR_SIGNATURE


def _mbr(label: str, extents: Sequence[Extent], _sectors: int) -> list[_Piece]:
    entries = bytearray(_MBR_ENTRIES * _MBR_ENTRY.size)
    for extent in extents:
        fields = (0, _CHS_BEYOND, _MBR_LINUX, _CHS_BEYOND, extent.first, extent.sectors)
        _MBR_ENTRY.pack_into(entries, extent.partition.entry * _MBR_ENTRY.size, *fields)
    told = next((extent.partition.uuid for extent in extents if extent.partition.uuid), None)
    disk_id = int(_signature(told), 16) if told else zlib.crc32(_identifier(label, "disk").bytes)
    return [_Piece(0, _mbr_sector(disk_id, bytes(entries)))]


def _gpt(label: str, extents: Sequence[Extent], sectors: int) -> list[_Piece]:
    """Make the protective MBR, the table, and its mirror (UEFI 2.10, chapter 5)."""
    protected = min(sectors - 1, U32_MAX)
    protective = _MBR_ENTRY.pack(0, _CHS_SECOND_SECTOR, _MBR_PROTECTIVE, _CHS_BEYOND, 1, protected)
    array = _gpt_array(label, extents)
    last = sectors - 1
    header = _gpt_header(label, array, (1, last), 2, last)
    mirror = _gpt_header(label, array, (last, 1), last - _GPT_ARRAY_SECTORS, last)
    return [
        _Piece(0, _mbr_sector(0, protective)),
        _Piece(1, header),
        _Piece(2, array),
        _Piece(last - _GPT_ARRAY_SECTORS, array),
        _Piece(last, mirror),
    ]


def _gpt_array(label: str, extents: Sequence[Extent]) -> bytes:
    array = bytearray(_GPT_ENTRIES * _GPT_ENTRY.size)
    for extent in extents:
        partition = extent.partition
        told = partition.uuid
        unique = uuid.UUID(told) if told else _identifier(label, f"partition {partition.entry}")
        name = (partition.label or partition.name).encode("utf-16-le")[:_GPT_NAME_BYTES]
        fields = (_LINUX_DATA.bytes_le, unique.bytes_le, extent.first, extent.last, 0, name)
        _GPT_ENTRY.pack_into(array, partition.entry * _GPT_ENTRY.size, *fields)
    return bytes(array)


def _gpt_header(label: str, array: bytes, here_there: tuple[int, int], array_sector: int, last: int) -> bytes:
    fields = (
        *here_there,
        _GPT_FIRST_USABLE,
        last - _GPT_ARRAY_SECTORS - 1,
        _identifier(label, "disk").bytes_le,
        array_sector,
        _GPT_ENTRIES,
        _GPT_ENTRY.size,
        zlib.crc32(array),
    )

    def packed(crc: int) -> bytes:
        return _GPT_HEADER.pack(b"EFI PART", _GPT_REVISION, _GPT_HEADER.size, crc, 0, *fields)

    return packed(zlib.crc32(packed(0)))


TABLES: Final = {"gpt": _Table(_GPT_ENTRIES, _ALIGNMENT, _gpt), "mbr": _Table(_MBR_ENTRIES, 0, _mbr)}
"""The kinds of partition tables, by name."""
