"""Compares variables in memory with what they must hold, following pointers, member by member."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.model.told import To, plain
from sdfgen.read.debug_types import count, members, size_bytes, target
from sdfgen.read.memory import UnreadableError
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from elftools.dwarf.die import DIE

    from sdfgen.model.microkit import Origin
    from sdfgen.read.debug_types import Types
    from sdfgen.read.memory import Memory

_POINTER_BYTES = 8


class Spot(NamedTuple):
    """A value in memory.

    Attributes:
        path: How it is reached from the variable that the program knows.
        source: How it is called in the C text, where a table is a variable of its own.
        kind: Its type.
        address: Where it is.
        origin: The place in the description that decides it.
    """

    path: str
    source: str
    kind: DIE
    address: int
    origin: tuple[Origin, str] | None

    def member(self, name: str, kind: DIE, offset_bytes: int) -> Spot:
        """Return the spot of a member."""
        return self._replace(
            path=f"{self.path}.{name}",
            source=f"{self.source}.{name}",
            kind=kind,
            address=self.address + offset_bytes,
        )

    def element(self, index: int, kind: DIE, start: int, source: str) -> Spot:
        """Return the spot of an element of a table that begins at an address and has a name in the C text."""
        address = start + index * size_bytes(kind)
        return self._replace(path=f"{self.path}[{index}]", source=f"{source}[{index}]", kind=kind, address=address)


class Difference(NamedTuple):
    """A value that is not the one that was decided."""

    spot: Spot
    written: object
    decided: object


class Variables:
    """Variables of an object's types, in the memory of that object or of a program that it was linked into."""

    def __init__(self, types: Types, memory: Memory) -> None:
        self._types = types
        self._memory = memory

    def differences(self, variable: str, decided: object) -> Iterator[Difference]:
        """Yield what a variable holds otherwise.

        Args:
            variable: Its name.
            decided: What it must hold.

        Raises:
            UnreadableError: It is not there, or a pointer leads nowhere.
        """
        if variable not in self._memory.symbols:
            raise UnreadableError(f"there is no variable `{variable}`")
        address = self._memory.symbols[variable]
        yield from self._value(Spot(variable, variable, self._types.of(variable), address, None), decided)

    def _value(self, spot: Spot, decided: object) -> Iterator[Difference]:
        right, origin = plain(decided)
        spot = spot._replace(origin=origin or spot.origin)
        if isinstance(right, dict):
            yield from self._record(spot, right)
        elif spot.kind.tag == "DW_TAG_array_type":
            if count(spot.kind) != len(right):
                yield Difference(spot, f"a table of {count(spot.kind)}", f"one of {len(right)}")
                return
            yield from self._elements(spot, right, target(spot.kind), spot.address, spot.source)
        elif spot.kind.tag == "DW_TAG_pointer_type":
            yield from self._pointer(spot, right)
        else:
            written = self._memory.number(spot.address, size_bytes(spot.kind))
            if written != int(right):
                yield Difference(spot, bool(written) if isinstance(right, bool) and written < 2 else written, right)  # noqa: PLR2004 - a truth value

    def _record(self, spot: Spot, right: dict[str, Any]) -> Iterator[Difference]:
        known = members(spot.kind)
        for name in known.keys() ^ right.keys():
            yield Difference(spot, f"{'no ' if name in right else ''}member {name}", "another structure")
        for name, value in right.items():
            if name in known:
                offset_bytes, kind = known[name]
                yield from self._value(spot.member(name, kind, offset_bytes), value)

    def _elements(self, spot: Spot, right: list[Any], kind: DIE, start: int, source: str) -> Iterator[Difference]:
        for index, value in enumerate(right):
            yield from self._value(spot.element(index, kind, start, source), value)

    def _pointer(self, spot: Spot, right: object) -> Iterator[Difference]:
        address = self._memory.number(spot.address, _POINTER_BYTES)
        name = self._memory.name(address)
        if right is None or not address:
            if right is not None or address:
                yield Difference(spot, _pointed(name, address), "NULL" if right is None else "an address")
        elif isinstance(right, str):
            if (text := self._memory.text(address)) != right:
                yield Difference(spot, text, right)
        elif isinstance(right, To):
            yield from self._variable(spot, right, name, address)
        elif isinstance(right, list):
            yield from self._elements(spot, right, target(spot.kind), address, name or spot.source)

    def _variable(self, spot: Spot, right: To, name: str | None, address: int) -> Iterator[Difference]:
        if self._memory.symbols.get(right.symbol) != address:
            yield Difference(spot, _pointed(name, address), f"&{right.symbol}")
        elif right.content is not None:
            kind = self._types.of(right.symbol)
            inside = spot._replace(path=f"{spot.path}->", source=right.symbol, kind=kind, address=address)
            yield from self._value(inside, right.content)


def _pointed(name: str | None, address: int) -> str:
    return "NULL" if not address else f"&{name}" if name else f"{address:#x}"
