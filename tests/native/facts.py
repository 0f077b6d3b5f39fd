"""What the two-client fixture says, written down a second time, and the wire format of the phys-addr page."""

from __future__ import annotations

import dataclasses
import enum
import struct

PAGE = 0x1000
MAGIC = int.from_bytes(b"SDFGPHYS", "little")
HEADER = struct.Struct("<QIIII")
ENTRY = struct.Struct("<QQII")
MAX_ENTRIES = 62
# Slots of each queue in the table of the drivers that serve a disk in tests.
SMALL_QUEUE = 32


class Code(enum.IntEnum):
    """enum phys_addr_code."""

    OK = 0
    SLOT_COUNT = 1
    SLOT_UNPATCHED = 2
    MAGIC = 10
    VERSION = 11
    HEADER = 12
    COUNT = 13
    BASE_UNALIGNED = 20
    SIZE_ZERO = 21
    SIZE_UNALIGNED = 22
    WRAP = 23
    MAP_INDEX = 24
    RESERVED = 25
    OVERLAP = 26
    MAP_TWICE = 27
    DIFF_COUNT = 30
    DIFF_BASE = 31
    DIFF_SIZE = 32
    DIFF_MAP = 33


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """struct phys_addr_entry."""

    io_base: int
    size_bytes: int
    map_index: int
    reserved: int = 0

    def pack(self) -> bytes:
        return ENTRY.pack(self.io_base, self.size_bytes, self.map_index, self.reserved)


@dataclasses.dataclass(frozen=True, slots=True)
class Map:
    """One entry of uio_maps."""

    name: str
    gpa: int
    size_bytes: int


IO_BASES = {
    "io_base_virt_data": 0x60A00000,
    "io_base_client1_0_data": 0x60C00000,
    "io_base_client2_0_data": 0x60E00000,
}
ENTRIES = tuple(Entry(base, 0x200000, 6 + i) for i, base in enumerate(IO_BASES.values()))

# Per device, in the order of its node's reg.
DEVICES: dict[str, tuple[Map, ...]] = {
    "block-uio0": (
        Map("irq_status", 0x79800000, 0x1000),
        Map("notify", 0x80000000, 0x1000),
        Map("phys_addr", 0x80200000, 0x1000),
        Map("storage_info", 0x80400000, 0x1000),
        Map("request_queue", 0x80600000, 0x200000),
    ),
    "block-uio1": (
        Map("response_queue", 0x80800000, 0x200000),
        Map("virt_data", 0x80A00000, 0x200000),
        Map("client1_0_data", 0x80C00000, 0x200000),
        Map("client2_0_data", 0x80E00000, 0x200000),
    ),
}


def page(
    *entries: Entry,
    magic: int = MAGIC,
    version: int = 1,
    header_bytes: int = HEADER.size,
    count: int | None = None,
    reserved: int = 0,
) -> bytes:
    """A phys-addr page."""
    total = len(entries) if count is None else count
    header = HEADER.pack(magic, version, header_bytes, total, reserved)
    return (header + b"".join(entry.pack() for entry in entries)).ljust(PAGE, b"\0")
