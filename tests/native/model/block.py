"""What a block device does with a request, as virtio 1.2 section 5.2.6 has it, and what this one chooses."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from .memory import GuestMemory
    from .ring import Buffer, Chain

SECTOR = 512
HEADER = struct.Struct("<IIQ")
RANGE = struct.Struct("<QII")
ID_BYTES = 20
UNMAP = 1
OK, IOERR, UNSUPP = range(3)
IN, OUT, FLUSH, GET_ID, DISCARD, WRITE_ZEROES = 0, 1, 4, 8, 11, 13


class Request(NamedTuple):
    """A request's two streams, without header and status."""

    type: int
    sector: int
    payload: bytes
    room: int


class Result(NamedTuple):
    """A status, and the data that go into the writable stream before it."""

    status: int
    data: bytes = b""


class Disk:
    """The disk of a device."""

    def __init__(self, content: bytes, serial: bytes, *, read_only: bool, ranges: bool) -> None:
        self.content = bytearray(content)
        self.serial = serial[:ID_BYTES].ljust(ID_BYTES, b"\0")
        self.read_only = read_only
        self.ranges = ranges and not read_only

    def run(self, request: Request) -> Result:
        act = ACTIONS.get(request.type)
        return act(self, request) if act else Result(UNSUPP)

    def _has(self, sector: int, count: int) -> bool:
        return sector + count <= len(self.content) // SECTOR

    def read(self, request: Request) -> Result:
        if request.room % SECTOR or not self._has(request.sector, request.room // SECTOR):
            return Result(IOERR)
        start = request.sector * SECTOR
        return Result(OK, bytes(self.content[start : start + request.room]))

    def write(self, request: Request) -> Result:
        size = len(request.payload)
        if self.read_only or size % SECTOR or not self._has(request.sector, size // SECTOR):
            return Result(IOERR)
        start = request.sector * SECTOR
        self.content[start : start + size] = request.payload
        return Result(OK)

    def flush(self, _request: Request) -> Result:
        return Result(OK)

    def identify(self, request: Request) -> Result:
        return Result(OK, self.serial[: request.room])

    def zero(self, request: Request) -> Result:
        """DISCARD and WRITE_ZEROES of one range; a discard is a hint, and this disk takes none."""
        if not self.ranges:
            return Result(UNSUPP)
        if not request.payload or len(request.payload) % RANGE.size:
            return Result(IOERR)
        if len(request.payload) > RANGE.size:
            return Result(UNSUPP)
        sector, count, flags = RANGE.unpack(request.payload)
        if flags & ~(UNMAP if request.type == WRITE_ZEROES else 0):
            return Result(UNSUPP)
        if not self._has(sector, count):
            return Result(IOERR)
        if request.type == WRITE_ZEROES:
            self.content[sector * SECTOR : (sector + count) * SECTOR] = bytes(count * SECTOR)
        return Result(OK)


ACTIONS: dict[int, Callable[[Disk, Request], Result]] = {
    IN: Disk.read,
    OUT: Disk.write,
    FLUSH: Disk.flush,
    GET_ID: Disk.identify,
    DISCARD: Disk.zero,
    WRITE_ZEROES: Disk.zero,
}


def serve(memory: GuestMemory, disk: Disk, chain: Chain) -> int:
    """Executes a chain's request in guest memory and on the disk. What goes into used.len."""
    if not chain.writable or not memory.holds(*chain.writable[-1]):
        return 0
    room = sum(buffer.len for buffer in chain.writable) - 1
    result = _result(memory, disk, chain, room)
    _scatter(memory, chain.writable, result.data)
    last = chain.writable[-1]
    memory.write(last.addr + last.len - 1, bytes([result.status]))
    # Bytes surely written, counted from the first: the status is one of them where nothing before it was left out.
    return len(result.data) + (len(result.data) == room)


def _result(memory: GuestMemory, disk: Disk, chain: Chain, room: int) -> Result:
    buffers = (*chain.readable, *chain.writable)
    if not all(memory.holds(*buffer) for buffer in buffers):
        return Result(IOERR)
    stream = b"".join(memory.read(*buffer) or b"" for buffer in chain.readable)
    if len(stream) < HEADER.size:
        return Result(IOERR)
    kind, _, sector = HEADER.unpack_from(stream)
    return disk.run(Request(kind, sector, stream[HEADER.size :], room))


def _scatter(memory: GuestMemory, buffers: tuple[Buffer, ...], data: bytes) -> None:
    for buffer in buffers:
        memory.write(buffer.addr, data[: buffer.len])
        data = data[buffer.len :]
