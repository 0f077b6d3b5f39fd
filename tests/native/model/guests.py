"""Random guests: one request after the other on any memory, or many at once on memory and sectors of their own."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .chains import Draft, Place, draft
from .choices import one_in
from .ring import NO_INTERRUPT, Geometry
from .scenario import END, R0, R1, SECTORS, Program, Step, World, Write

if TYPE_CHECKING:
    from .choices import Choices

RINGS = (1, 2, 4, 8, 8, 16, 256)
WIDE_RINGS = (64, 256)
STARTS = (0, 0, 0xFFF8, 0xFFFE, 0xFFFF, 0x7FFF)
# The parts of the largest ring, one after the other, and what is left.
DESC, AVAIL, USED = R0, R0 + 0x1000, R0 + 0x1400
FREE = R0 + 0x2000
UNTOUCHED = Write(FREE, b"\xcc" * (END - FREE))
BASES = (FREE, FREE + 0x4000, R1 - 0x208, R1 - 40, END - 0x6000)
MOST_SECTORS = 24
# Of each request in a batch.
ARENA = 0x1000
ARENA_SECTORS = 5
ARENA_ENTRIES = 10
U16 = 0xFFFF


def _world(choices: Choices, sizes: tuple[int, ...]) -> World:
    return World(
        geometry=Geometry(choices.pick(sizes), DESC, AVAIL, USED, choices.pick(STARTS)),
        event_idx=choices.pick((False, True)),
        indirect=not one_in(choices, 5),
        cells=choices.pick((16, 1, 2, 3)),
        queue_capacity=choices.pick((16, 4, 2)),
        extended=not one_in(choices, 4),
        read_only=one_in(choices, 10),
        watched=choices.pick((False, True)),
    )


def _word(gpa: int, value: int) -> Write:
    return Write(gpa, struct.pack("<H", value & U16))


def _wishes(choices: Choices, geometry: Geometry, index: int) -> list[Write]:
    """Whether the driver wants an interrupt, by either of the two ways to say so."""
    flags = choices.pick((0, 0, NO_INTERRUPT, 2, U16))
    event = index + choices.number(-2, 4)
    return [UNTOUCHED, _word(geometry.avail, flags), _word(geometry.used_event, event)]


def _offered(geometry: Geometry, index: int, drafts: list[Draft]) -> list[Write]:
    """The requests, their descriptors, and both in the available ring."""
    writes = []
    for k, request in enumerate(drafts):
        writes += request.writes
        writes += [Write(geometry.desc + 16 * entry, descriptor.packed()) for entry, descriptor in request.descriptors]
        writes.append(_word(geometry.entry(index + k), request.head))
    return [*writes, _word(geometry.avail + 2, index + len(drafts))]


def _lies(choices: Choices, geometry: Geometry, index: int) -> list[Write]:
    """Now and then, an index or a head that no ring can have."""
    if one_in(choices, 40):
        return [_word(geometry.avail + 2, index + choices.pick((geometry.size + 1, 0x7FFF, U16)))]
    if one_in(choices, 40):
        return [_word(geometry.entry(index), choices.pick((geometry.size, U16)))]
    return []


def _place(choices: Choices, world: World) -> Place:
    size = world.geometry.size
    first, stride = choices.number(0, size - 1), choices.pick((1, 3, 5))
    indices = [(first + stride * i) % size for i in range(min(size, 12))]
    sector = choices.number(0, SECTORS - 1)
    sectors = range(sector, min(sector + MOST_SECTORS, SECTORS))
    return Place(choices.pick(BASES), sectors, indices, alone=True, indirect=world.indirect)


def one_by_one(choices: Choices) -> Program:
    """Up to three requests, each done before the next; they may do anything, and so may the ring."""
    world = _world(choices, RINGS)
    steps = []
    for k in range(choices.number(1, 3)):
        index = (world.geometry.start + k) & U16
        writes = _wishes(choices, world.geometry, index)
        writes += _offered(world.geometry, index, [draft(choices, _place(choices, world), 4)])
        writes += _lies(choices, world.geometry, index)
        steps.append(Step(tuple(writes)))
    return Program(world, tuple(steps))


def all_at_once(choices: Choices) -> Program:
    """Many requests in a batch, answered in either order; neighbours share blocks, and nothing else."""
    world = _world(choices, WIDE_RINGS)
    ring = world.geometry
    drafts = []
    for slot in choices.order(choices.number(2, ring.size // ARENA_ENTRIES)):
        sectors = range(slot * ARENA_SECTORS, (slot + 1) * ARENA_SECTORS)
        entries = range(slot * ARENA_ENTRIES, (slot + 1) * ARENA_ENTRIES)
        place = Place(FREE + slot * ARENA, sectors, entries, alone=False, indirect=world.indirect)
        drafts.append(draft(choices, place, 2))
    writes = _wishes(choices, ring, ring.start) + _offered(ring, ring.start, drafts)
    return Program(world, (Step(tuple(writes), choices.pick((False, True))),))
