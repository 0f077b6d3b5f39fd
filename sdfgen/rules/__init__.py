"""What must hold of any system: one small function and one stable code each.

A rule takes a `System` and yields a `Fault` for everything that breaks it. It never raises on
odd values: names may lead nowhere and numbers may be anything, since all rules run on every system.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.rules import (
    block,
    channels,
    dialect,
    domains,
    guests,
    limits,
    maps,
    memory,
    names,
    ranges,
    regions,
    scheduling,
    symbols,
)
from sdfgen.rules.registry import RULES

if TYPE_CHECKING:
    from sdfgen.faults import Fault, Faults
    from sdfgen.model import System
    from sdfgen.source import Where

__all__ = [
    "RULES",
    "block",
    "channels",
    "check",
    "dialect",
    "domains",
    "guests",
    "limits",
    "maps",
    "memory",
    "names",
    "ranges",
    "regions",
    "scheduling",
    "symbols",
]


def check(system: System, faults: Faults) -> None:
    """Run every rule on a system and collect what breaks.

    What stands on a value that could not be read or resolved is not told: a harmless value is in its place.
    """
    broken = [fault.where for fault in faults]
    for rule in RULES.values():
        for fault in rule.function(system):
            if not (broken and _stands_on(fault, broken)):
                faults.add(fault)


def _stands_on(fault: Fault, broken: list[Where]) -> bool:
    """Tell whether one of the places of a fault is, or holds, a broken one."""
    places = (fault.where, *(where for where, _ in fault.notes))
    return any(
        place.source is bad.source and bad.path[: len(place.path)] == place.path for place in places for bad in broken
    )
