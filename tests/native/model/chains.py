"""Random requests of a guest: sound ones in any framing, and what becomes of them under a hostile hand."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from .block import DISCARD, FLUSH, GET_ID, HEADER, IN, OUT, RANGE, WRITE_ZEROES
from .choices import one_in
from .ring import INDIRECT, NEXT, WRITE, Descriptor
from .scenario import END, R0, R1, SECTORS, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .choices import Choices

U16 = 0xFFFF
U32 = 0xFFFF_FFFF
U64 = 0xFFFF_FFFF_FFFF_FFFF
TYPES = (IN, IN, IN, OUT, OUT, OUT, FLUSH, GET_ID, DISCARD, WRITE_ZEROES, WRITE_ZEROES, 2, 10, 26, 0x8000_0000, U32)
FAR_SECTORS = (SECTORS - 1, SECTORS, SECTORS + 1, 1 << 32, 1 << 55, 1 << 61, U64 - 1, U64)
OUTSIDE = (0, R0 - 1, R0 - 16, END, END + 1, 1 << 63, U64 - 511, U64 - 15, U64)
INSIDE = (END - 1, END - 16, END - 511, R1 - 1, R1 - 16, R1 - 500, R1)
SIZES = (0, 1, 15, 16, 17, 511, 512, 513)
HUGE_SIZES = (*SIZES, 4096, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000, U32 - 15, U32)
FLAG_BITS = (NEXT, WRITE, INDIRECT, INDIRECT | NEXT, 8, 0x8000)
GAPS = (0, 1, 8)
PAYLOADS = tuple(hashlib.shake_128(bytes([salt])).digest(SECTORS * 512) for salt in range(4))
MOST_CUTS = 4


class Place(NamedTuple):
    """Which memory, sectors and ring entries a request may use; unless `alone`, others are right beside them."""

    base: int
    sectors: range
    indices: Sequence[int]
    alone: bool
    indirect: bool


class Piece(NamedTuple):
    """A buffer to be, with what it holds."""

    addr: int
    len: int
    flags: int
    content: bytes = b""


class Draft(NamedTuple):
    """A request in memory and in the descriptor table."""

    writes: list[Write]
    descriptors: list[tuple[int, Descriptor]]
    head: int


# The two streams of a request.


def _range(choices: Choices, place: Place) -> bytes:
    """The payload of DISCARD or WRITE_ZEROES."""
    sector = choices.number(place.sectors.start, place.sectors.stop)
    count = choices.number(0, place.sectors.stop - sector)
    if one_in(choices, 10):
        sector = choices.pick(FAR_SECTORS)
    record = RANGE.pack(sector, count, choices.pick((0, 0, 0, 0, 1, 2)))
    return choices.pick((record, record, record, record, record[:15], record * 2, b""))


def _streams(choices: Choices, place: Place) -> tuple[bytes, int]:
    """The readable stream, and the size of the writable one."""
    kind = choices.pick(TYPES)
    sector = choices.number(place.sectors.start, place.sectors.stop)
    data = 512 * choices.number(0, place.sectors.stop - sector)
    if one_in(choices, 12):
        sector = choices.pick(FAR_SECTORS)
    if one_in(choices, 12):
        data = min(choices.pick(SIZES), data)
    payload = choices.pick(PAYLOADS)[:data] if kind == OUT else b""
    if kind in {DISCARD, WRITE_ZEROES}:
        payload = _range(choices, place)
    room = data if kind == IN else choices.pick((0, 0, 0, 20, 7, 100))
    return HEADER.pack(kind, choices.pick((0, 0, U32)), sector) + payload, room + 1


def _cut(choices: Choices, size: int) -> list[int]:
    """Sizes of the pieces that a stream is cut into."""
    cuts = {choices.number(1, size - 1) for _ in range(choices.number(0, MOST_CUTS))} if size > 1 else set()
    borders = [0, *sorted(cuts), size]
    return [last - first for first, last in pairwise(borders)]


def _pieces(choices: Choices, place: Place, readable: bytes, room: int) -> list[Piece]:
    """Both streams, cut, and laid out one after the other with gaps between them."""
    pieces, at = [], place.base + choices.number(0, 17)
    for size in _cut(choices, len(readable)):
        pieces.append(Piece(at, size, 0, readable[:size]))
        readable = readable[size:]
        at += size + choices.pick(GAPS)
    for size in _cut(choices, room):
        pieces.append(Piece(at, size, WRITE))
        at += size + choices.pick(GAPS)
    return pieces


# What a hostile hand does to them.


def _insert_empty(choices: Choices, pieces: list[Piece], _place: Place, at: int) -> None:
    pieces.insert(at, Piece(choices.pick((*OUTSIDE, R0)), 0, choices.pick((0, WRITE))))


def _swap(choices: Choices, pieces: list[Piece], _place: Place, at: int) -> None:
    other = choices.number(0, len(pieces) - 1)
    pieces[at], pieces[other] = pieces[other], pieces[at]


def _remove(_choices: Choices, pieces: list[Piece], _place: Place, at: int) -> None:
    if len(pieces) > 1:
        del pieces[at]


def _move(choices: Choices, pieces: list[Piece], place: Place, at: int) -> None:
    addresses = (*OUTSIDE, *INSIDE) if place.alone else OUTSIDE
    pieces[at] = pieces[at]._replace(addr=choices.pick(addresses), content=b"")


def _resize(choices: Choices, pieces: list[Piece], place: Place, at: int) -> None:
    size = choices.pick(HUGE_SIZES) if place.alone else min(choices.pick(SIZES), pieces[at].len)
    pieces[at] = pieces[at]._replace(len=size)


def _turn(choices: Choices, pieces: list[Piece], _place: Place, at: int) -> None:
    pieces[at] = pieces[at]._replace(flags=pieces[at].flags ^ choices.pick(FLAG_BITS))


MUTATIONS: tuple[Callable[[Choices, list[Piece], Place, int], None], ...] = (
    *(_insert_empty, _insert_empty, _swap, _remove, _move, _move, _resize, _resize, _turn),
)


def _mutate(choices: Choices, pieces: list[Piece], place: Place) -> None:
    for _ in range(choices.number(1, 2)):
        mutation = choices.pick(MUTATIONS)
        mutation(choices, pieces, place, choices.number(0, len(pieces) - 1))


# Descriptors.


def _linked(pieces: list[Piece], indices: Sequence[int]) -> list[Descriptor]:
    """The descriptors of a chain at these indices; the last one's next is itself."""
    last = len(pieces) - 1
    return [
        Descriptor(piece.addr, piece.len, piece.flags ^ (NEXT if i < last else 0), indices[min(i + 1, last)])
        for i, piece in enumerate(pieces)
    ]


def _relinked(choices: Choices, chain: list[Descriptor], hostile: Sequence[int]) -> None:
    """One descriptor's next is wrong."""
    victim = choices.number(0, len(chain) - 1)
    chain[victim] = chain[victim]._replace(next=choices.pick(hostile))


def _table_address(choices: Choices, place: Place, pieces: list[Piece]) -> int:
    """Behind all that the pieces, where they were laid out, hold or may be written."""
    size = sum(max(piece.len, len(piece.content)) + max(GAPS) for piece in pieces if piece.len < R1 - R0)
    at = place.base + size + choices.pick((48, 49, 56))
    return min(at, END - 16 * len(pieces))


def _table(choices: Choices, at: int, pieces: list[Piece], *, spoiled: bool) -> tuple[Piece, Write]:
    """Pieces in an indirect table: the piece that names it, and its content."""
    table = _linked(pieces, range(len(pieces)))
    size = 16 * len(table)
    if spoiled and one_in(choices, 3):
        _relinked(choices, table, (0, len(table) - 1, len(table), U16))
    if spoiled and one_in(choices, 3):
        size = choices.pick((0, 15, 16, 17, size - 1, size + 16, U32 - 15))
    flags = choices.pick((INDIRECT, INDIRECT, INDIRECT, INDIRECT | WRITE))
    if spoiled and one_in(choices, 6):
        flags |= NEXT
    return Piece(at, size, flags), Write(at, b"".join(descriptor.packed() for descriptor in table))


def _direct(choices: Choices, place: Place, count: int, *, spoiled: bool) -> int:
    """How many of the pieces stay in the ring's table; `count` when all do."""
    most = len(place.indices)
    if count <= most and (not choices.number(0, 1) or not (place.indirect or spoiled)):
        return count
    return choices.number(0, min(count, most) - 1)


def draft(choices: Choices, place: Place, hostile: int) -> Draft:
    """One request; so many in ten are not what the standard wants."""
    pieces = _pieces(choices, place, *_streams(choices, place))
    spoiled = choices.number(1, 10) > 10 - hostile
    at = _table_address(choices, place, pieces)
    if spoiled:
        _mutate(choices, pieces, place)
    writes = [Write(piece.addr, piece.content) for piece in pieces if piece.content]
    direct = _direct(choices, place, len(pieces), spoiled=spoiled)
    if direct < len(pieces):
        entry, table = _table(choices, at, pieces[direct:], spoiled=spoiled)
        pieces = [*pieces[:direct], entry]
        writes.append(table)
    indices = place.indices[: len(pieces)]
    chain = _linked(pieces, indices)
    if spoiled and one_in(choices, 4):
        _relinked(choices, chain, (indices[-1], indices[0], 256, U16))
    return Draft(writes, list(zip(indices, chain, strict=True)), indices[0])
