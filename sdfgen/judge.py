"""Judges a system: every rule there is runs over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.guests import rules as guests
from sdfgen.rules import (
    channels,
    dialect,
    known_bugs,
    maps,
    names,
    numbers,
    physical,
    regions,
    scheduling,
    scheduling_domains,
    symbols,
)
from sdfgen.rules.registry import RULES
from sdfgen.subsystems.block import rules as block

if TYPE_CHECKING:
    from sdfgen.faults.fault import Fault, Faults
    from sdfgen.faults.source import Where
    from sdfgen.model.system import System

__all__ = [
    "RULES",
    "block",
    "channels",
    "check",
    "dialect",
    "guests",
    "known_bugs",
    "maps",
    "names",
    "numbers",
    "physical",
    "regions",
    "scheduling",
    "scheduling_domains",
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
