"""Judges a system: every rule there is runs over it, those of guests and subsystems too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.guests import command_line_rules, file_rules, tree_device_rules, tree_rules
from sdfgen.guests import rules as guests
from sdfgen.rules import (
    board,
    board_devices,
    channels,
    dialect,
    known_bugs,
    maps,
    names,
    numbers,
    patch_files,
    patches,
    physical,
    program_images,
    regions,
    scheduling,
    scheduling_domains,
    scheduling_vcpus,
    symbols,
)
from sdfgen.rules.registry import BOARD_RULES, RULES, Stage
from sdfgen.subsystems import register

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdfgen.facts.board import Board
    from sdfgen.faults.fault import Fault, Faults
    from sdfgen.faults.source import Where
    from sdfgen.model.system import System
    from sdfgen.rules.registry import Rule

_OWN = tuple(
    module.__name__
    for module in (
        names,
        numbers,
        regions,
        maps,
        symbols,
        channels,
        dialect,
        scheduling_domains,
        physical,
        scheduling,
        scheduling_vcpus,
        known_bugs,
        patches,
        program_images,
        patch_files,
        guests,
        file_rules,
        tree_device_rules,
        tree_rules,
        command_line_rules,
    )
)
"""The modules whose rules judge any system."""
__all__ = ["BOARD_RULES", "board", "board_devices", "check", "check_board", "rules", "stands_on_board"]
_RESOLVED_ON_BOARD = ("SDF015", "SDF106")
"""Faults of resolving that hold a description against the board file."""


def rules() -> dict[str, Rule]:
    """Return every rule by its code: those of registered subsystems too, and of no others."""
    modules = {*_OWN, *register.rules()}
    return {code: rule for code, rule in RULES.items() if rule.function.__module__ in modules}


def check_board(board: Board, faults: Faults) -> None:
    """Run every rule about board files on one and collect what breaks."""
    for rule in BOARD_RULES.values():
        faults.extend(rule.function(board))


def stands_on_board(fault: Fault) -> bool:
    """Tell whether a fault holds a system against the board file: when that is wrong it says nothing."""
    return fault.code in _RESOLVED_ON_BOARD or (fault.code in RULES and RULES[fault.code].on_board)


def check(system: System, faults: Faults, *, board_is_sound: bool = True) -> None:
    """Run every rule on a system and collect what breaks: causes first, and without what follows from them.

    Rules run in stages: names, single values, the rest. What stands on a value that could not be read or resolved, or
    on one that an earlier stage has told of, is not told.

    Args:
        system: The system.
        faults: What is known to be wrong; takes what is found.
        board_is_sound: The board file has no errors; what stands on it is told only then.
    """
    broken = _Broken(faults)
    judging = [rule for rule in rules().values() if board_is_sound or not rule.on_board]
    for stage in Stage:
        told = []
        for rule in (rule for rule in judging if rule.stage is stage):
            for fault in rule.function(system):
                if not broken.holds(fault):
                    faults.add(fault)
                    told.append(fault)
        broken.add(told)


class _Broken:
    """Places that nothing more is said of."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._values = [fault.where for fault in faults]
        self._tables: list[Where] = []

    def add(self, told: Iterable[Fault]) -> None:
        """Take the errors of a stage; of a second thing with a name, the whole table."""
        for fault in told:
            if fault.severity != "error":
                continue
            self._values.append(fault.where)
            if RULES[fault.code].twice:
                self._tables.append(fault.where._replace(path=fault.where.path[:-1]))

    def holds(self, fault: Fault) -> bool:
        """Tell whether one of the places of a fault is, or holds, a broken value, or is in a broken table."""
        places = (fault.where, *(where for where, _ in fault.notes))
        return any(
            any(_inside(bad, place) for bad in self._values) or any(_inside(place, bad) for bad in self._tables)
            for place in places
        )


def _inside(place: Where, around: Where) -> bool:
    return place.source is around.source and place.path[: len(around.path)] == around.path
