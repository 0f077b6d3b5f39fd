"""Physical memory: what lies where, and what is free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.rules.physical import root_objects
from sdfgen.units import PAGE_BYTES, joined
from sdfgen.views.document import RangeView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System
    from sdfgen.views.domains import Place

    PlaceOf = Callable[[Origin, str], Place]

FREE = "free"


def memory(system: System, place_of: PlaceOf) -> tuple[RangeView, ...]:
    """Return what is where in physical memory, in ascending order, with what is free of RAM and windows.

    Args:
        system: The system.
        place_of: Returns where a key stands.
    """
    used = list(_used(system, place_of))
    taken = joined((one.start, one.end) for one in used)
    ram = joined((part.base, part.base + part.size) for part in system.board.facts.ram)
    free = [RangeView(start, end, FREE, "RAM") for part in ram for start, end in without(part, taken)]
    taken = joined((*taken, *ram))
    kept = [(one.base, one.base + one.size, one.name) for one in system.board.facts.window]
    free += [
        RangeView(start, end, FREE, f"window {name}, no RAM of the kernel's")
        for low, high, name in kept
        for start, end in without((low, high), taken)
    ]
    return tuple(sorted((*used, *free), key=lambda one: one[:4]))


def windows(system: System, place_of: PlaceOf) -> tuple[RangeView, ...]:
    """Return where the board lets regions with a chosen address lie.

    Args:
        system: The system.
        place_of: Returns where a key stands.
    """
    parts = system.board.facts.window
    return tuple(RangeView(one.base, one.base + one.size, one.kind, one.name, place_of(one, "base")) for one in parts)


def is_memory(system: System, start: int, end: int) -> bool:
    """Tell whether addresses are of the board's memory: RAM, or a window. Of a board without facts all may be.

    Args:
        system: The system.
        start: The first address.
        end: The first behind them.
    """
    parts = (*system.board.facts.ram, *system.board.facts.window)
    return not parts or any(
        low < end and start < high for low, high in joined((part.base, part.base + part.size) for part in parts)
    )


def _used(system: System, place_of: PlaceOf) -> Iterator[RangeView]:
    facts = system.board.facts
    if facts.kernel is not None:
        end = facts.kernel.base + facts.kernel.reserve
        yield RangeView(facts.kernel.base, end, "kernel", "kernel and images", place_of(facts.kernel, "base"))
    if facts.ram:
        root = root_objects(system)
        yield RangeView(root.start, root.end, "root server", "objects of the root server")
    for one in facts.reserved:
        yield RangeView(one.base, one.base + one.size, "reserved", one.name, place_of(one, "base"))
    for region in system.regions:
        if region.phys_addr is not None:
            end = region.phys_addr + (region.size_bytes or PAGE_BYTES)
            kind = "region" if is_memory(system, region.phys_addr, end) else "device"
            place = place_of(region.origin, region.key or "phys_addr")
            yield RangeView(region.phys_addr, end, kind, region.name, place)


def without(part: tuple[int, int], taken: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what is left of a range.

    Args:
        part: The range.
        taken: What is taken of it, in ascending order.
    """
    start, end = part
    for low, high in taken:
        if start < min(low, end):
            yield start, min(low, end)
        start = max(start, high)
    if start < end:
        yield start, end
