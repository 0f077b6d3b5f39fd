"""The device's side of a split virtqueue, as virtio 1.2 section 2.7 has it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .memory import GuestMemory

NEXT = 1
WRITE = 2
INDIRECT = 4
NO_INTERRUPT = 1
U16 = 0xFFFF
# 2.7.5: all buffers of a chain together.
CHAIN_BYTES = 1 << 32
# A device may bound a chain where the driver was told of the bound (seg_max, and two more).
CHAIN_DESCRIPTORS = 256
DESCRIPTOR = struct.Struct("<QIHH")


class MalformedError(Exception):
    """A chain that breaks the rules by itself."""


class BrokenError(Exception):
    """A ring that can't be trusted any more."""


class Descriptor(NamedTuple):
    """One entry of a descriptor table."""

    addr: int
    len: int
    flags: int
    next: int

    def packed(self) -> bytes:
        return DESCRIPTOR.pack(*self)


class Buffer(NamedTuple):
    """A range of guest-physical addresses, RAM or not; never empty."""

    addr: int
    len: int


class Chain(NamedTuple):
    """The buffers of a request."""

    head: int
    readable: tuple[Buffer, ...]
    writable: tuple[Buffer, ...]


class Geometry(NamedTuple):
    """Where the ring is, and at which index both its rings begin."""

    size: int
    desc: int
    avail: int
    used: int
    start: int

    def element(self, index: int) -> int:
        """The address of a used element."""
        return self.used + 4 + 8 * (index % self.size)

    def entry(self, index: int) -> int:
        """The address of an available entry."""
        return self.avail + 4 + 2 * (index % self.size)

    @property
    def used_event(self) -> int:
        return self.avail + 4 + 2 * self.size

    @property
    def avail_event(self) -> int:
        return self.used + 4 + 8 * self.size


class Ring:
    """What the device knows of a ring."""

    def __init__(self, memory: GuestMemory, geometry: Geometry, *, event_idx: bool, indirect: bool) -> None:
        self.memory = memory
        self.geometry = geometry
        self.event_idx = event_idx
        self.indirect = indirect
        self.next_avail = geometry.start
        self.next_used = geometry.start
        self.published = geometry.start

    def word(self, gpa: int) -> int:
        return int.from_bytes(self.memory.read(gpa, 2) or b"", "little")

    def take(self) -> int | None:
        """The next available head, if there is one."""
        ahead = (self.word(self.geometry.avail + 2) - self.next_avail) & U16
        if ahead > self.geometry.size:
            raise BrokenError
        if ahead == 0:
            return None
        head = self.word(self.geometry.entry(self.next_avail))
        if head >= self.geometry.size:
            raise BrokenError
        self.next_avail = (self.next_avail + 1) & U16
        return head

    def walk(self, head: int) -> Chain:
        """The chain that begins there."""
        readable: list[Buffer] = []
        writable: list[Buffer] = []
        for descriptor in self._descriptors(head):
            if descriptor.len == 0:
                continue
            if descriptor.flags & WRITE:
                writable.append(Buffer(descriptor.addr, descriptor.len))
            elif writable:
                raise MalformedError
            else:
                readable.append(Buffer(descriptor.addr, descriptor.len))
        if sum(buffer.len for buffer in (*readable, *writable)) >= CHAIN_BYTES:
            raise MalformedError
        return Chain(head, tuple(readable), tuple(writable))

    def _descriptors(self, head: int) -> list[Descriptor]:
        """The descriptors of a chain, of the table that one of them may name as well."""
        table, entries, index = self.geometry.desc, self.geometry.size, head
        found: list[Descriptor] = []
        entered = False
        while True:
            descriptor = self._load(table, entries, index)
            if descriptor.flags & INDIRECT:
                if entered or not self.indirect or descriptor.flags & NEXT or descriptor.len % 16 or not descriptor.len:
                    raise MalformedError
                if not self.memory.holds(descriptor.addr, descriptor.len):
                    raise MalformedError
                table, entries, index, entered = descriptor.addr, descriptor.len // 16, 0, True
                continue
            found.append(descriptor)
            if len(found) > CHAIN_DESCRIPTORS:
                raise MalformedError
            if not descriptor.flags & NEXT:
                return found
            index = descriptor.next

    def _load(self, table: int, entries: int, index: int) -> Descriptor:
        content = self.memory.read(table + 16 * index, 16) if index < entries else None
        if content is None:
            raise MalformedError
        return Descriptor(*DESCRIPTOR.unpack(content))

    def give(self, head: int, length: int) -> None:
        """Returns a chain."""
        self.memory.write(self.geometry.element(self.next_used), struct.pack("<II", head, length))
        self.next_used = (self.next_used + 1) & U16

    def publish(self) -> bool:
        """Makes what was returned visible; whether the driver wants an interrupt for it."""
        old, self.published = self.published, self.next_used
        if old == self.published:
            return False
        self.memory.write(self.geometry.used + 2, self.published.to_bytes(2, "little"))
        if self.event_idx:
            event = self.word(self.geometry.used_event)
            return (self.published - event - 1) & U16 < (self.published - old) & U16
        return not self.word(self.geometry.avail) & NO_INTERRUPT

    def want_kicks(self) -> None:
        """Says from which entry on the driver shall notify."""
        if self.event_idx:
            self.memory.write(self.geometry.avail_event, self.next_avail.to_bytes(2, "little"))
