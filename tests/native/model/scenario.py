"""What a guest does: a ring, and steps in which it writes its memory. And the model's account of what follows."""

from __future__ import annotations

import struct
from typing import NamedTuple

from .block import Disk, serve
from .memory import GuestMemory, Region
from .ring import BrokenError, Geometry, MalformedError, Ring

R0 = 0x4000_0000
REGION_BYTES = 0x1_0000
R1 = R0 + REGION_BYTES
END = R1 + REGION_BYTES
BLOCK = 4096
BLOCKS = 16
SECTORS = BLOCKS * 8
SERIAL = b"sdfgen-test-disk-0123456789"
F_INDIRECT = 1 << 28
F_EVENT_IDX = 1 << 29
# Bytes of a write that a failing example shows.
SHOWN = 64


class World(NamedTuple):
    """A device, its disk, and where its ring is."""

    geometry: Geometry
    event_idx: bool
    indirect: bool
    cells: int
    queue_capacity: int
    extended: bool
    read_only: bool
    watched: bool

    def packed(self) -> bytes:
        """Struct shim_start of device_shim.c."""
        ring = self.geometry
        without = (0 if self.event_idx else F_EVENT_IDX) | (0 if self.indirect else F_INDIRECT)
        sizes = (REGION_BYTES, BLOCKS, self.cells, self.queue_capacity)
        words = (*sizes, self.extended, self.read_only, self.watched)
        return struct.pack("<I4xQQQH6xQ7I4x", ring.size, ring.desc, ring.avail, ring.used, ring.start, without, *words)


class Write(NamedTuple):
    """The guest writes its memory."""

    gpa: int
    data: bytes

    def __repr__(self) -> str:
        more = f" and {len(self.data) - SHOWN} more" if len(self.data) > SHOWN else ""
        return f"{self.gpa:#x}: {self.data[:SHOWN].hex(' ', 4)}{more}"


class Step(NamedTuple):
    """The guest writes and notifies; then all is answered, the oldest request first or the youngest."""

    writes: tuple[Write, ...]
    backwards: bool = False


class Program(NamedTuple):
    """What is played to the model and to the C."""

    world: World
    steps: tuple[Step, ...]


class Outcome(NamedTuple):
    """What can be seen after a step."""

    interrupts: int
    config_interrupts: int
    needs_reset: bool
    memory: tuple[bytes, bytes]
    disk: bytes


def first_disk() -> bytes:
    """Byte i of sector s is (s + i) & 255."""
    return bytes((sector + i) & 0xFF for sector in range(SECTORS) for i in range(512))


FIRST_DISK = first_disk()


class Model:
    """Plays a program."""

    def __init__(self, world: World) -> None:
        self.low = bytearray(REGION_BYTES)
        self.high = bytearray(REGION_BYTES)
        self.memory = GuestMemory(Region(R0, self.low), Region(R1, self.high))
        start = world.geometry.start.to_bytes(2, "little")
        self.memory.write(world.geometry.avail + 2, start)
        self.memory.write(world.geometry.used + 2, start)
        self.disk = Disk(FIRST_DISK, SERIAL, read_only=world.read_only, ranges=world.extended)
        self.ring = Ring(self.memory, world.geometry, event_idx=world.event_idx, indirect=world.indirect)
        self.broken = False

    def play(self, step: Step) -> Outcome:
        for write in step.writes:
            self.memory.write(write.gpa, write.data)
        was_broken = self.broken
        try:
            self._drain()
        except BrokenError:
            self.broken = True
        interrupt = self.ring.publish()
        return Outcome(
            interrupt, self.broken and not was_broken, self.broken, (bytes(self.low), bytes(self.high)), self.content
        )

    def _drain(self) -> None:
        while not self.broken and (head := self.ring.take()) is not None:
            try:
                length = serve(self.memory, self.disk, self.ring.walk(head))
            except MalformedError:
                length = 0
            self.ring.give(head, length)
        self.ring.want_kicks()

    @property
    def content(self) -> bytes:
        return bytes(self.disk.content)
