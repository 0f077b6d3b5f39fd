"""What must hold of any system: one small function and one stable code each.

A rule takes a `System` and yields a `Fault` for everything that breaks it. It never raises on
odd values: names may lead nowhere and numbers may be anything, since all rules run on every system.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.rules import block, channels, dialect, domains, maps, names, ranges, regions, scheduling, symbols
from sdfgen.rules.registry import RULES

if TYPE_CHECKING:
    from sdfgen.faults import Faults
    from sdfgen.model import System

__all__ = [
    "RULES",
    "block",
    "channels",
    "check",
    "dialect",
    "domains",
    "maps",
    "names",
    "ranges",
    "regions",
    "scheduling",
    "symbols",
]


def check(system: System, faults: Faults) -> None:
    """Run every rule on a system and collect what breaks."""
    for rule in RULES.values():
        faults.extend(rule.function(system))
