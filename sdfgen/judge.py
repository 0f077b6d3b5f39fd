"""Judges a system: every rule there is runs over it, those of guests and subsystems too."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sdfgen.faults.fault import MOST_ALIKE
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
    from sdfgen.faults.place import Path
    from sdfgen.faults.source import Source, Where
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
    from sdfgen.rules import guest_images, guest_trees, resources, vmm_constants

    beside = (guest_images, guest_trees, resources, vmm_constants)
    return _of_modules({*_OWN, *register.rules(), *(module.__name__ for module in beside)})


def _rules_for(system: System) -> dict[str, Rule]:
    """Return the rules that have something to judge: what stands beside a system file is there for few systems."""
    beside = system.trees or system.constants or system.resources or system.resource_ids or system.guest_files
    return rules() if beside else _of_modules({*_OWN, *register.rules()})


def _of_modules(modules: set[str]) -> dict[str, Rule]:
    return {code: rule for code, rule in RULES.items() if rule.function.__module__ in modules}


def check_board(board: Board, faults: Faults) -> None:
    """Run every rule about board files on one and collect what breaks."""
    for rule in BOARD_RULES.values():
        faults.extend(rule.function(board))


def stands_on_board(fault: Fault) -> bool:
    """Tell whether a fault holds a system against the board file: when that is wrong it says nothing."""
    rule = RULES.get(fault.code)
    return fault.code in _RESOLVED_ON_BOARD or (rule is not None and (rule.on_board or rule.placed))


def check(system: System, faults: Faults, *, board_is_sound: bool = True, board_is_known: bool = True) -> None:
    """Run every rule on a system and collect what breaks: causes first, and without what follows from them.

    Rules run in stages: names, single values, the rest. What stands on a value that could not be read or resolved, or
    on one that an earlier stage has told of, is not told.

    Args:
        system: The system.
        faults: What is known to be wrong; takes what is found.
        board_is_sound: The board file has no errors; what stands on it is told only then.
        board_is_known: There is a board; what a board decides is told only then.
    """
    broken = _Broken(faults)
    judging = [rule for rule in _rules_for(system).values() if board_is_sound or not (rule.on_board or rule.placed)]
    judging = [rule for rule in judging if board_is_known or not rule.on_board]
    for stage in Stage:
        told = []
        for rule in (rule for rule in judging if rule.stage is stage):
            for fault in islice(rule.function(system), _MOST):
                if not broken.holds(fault):
                    faults.add(fault)
                    told.append(fault)
        broken.add(told)


_MOST = 20 * MOST_ALIKE
"""Faults that a rule is asked for: more than are told, since what follows from others is not."""


class _Broken:
    """Places that nothing more is said of."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._around: set[tuple[Source, Path]] = set()
        """Every place that is, or holds, a broken value."""
        self._tables: set[tuple[Source, Path]] = set()
        for fault in faults:
            self._break(fault.where)

    def add(self, told: Iterable[Fault]) -> None:
        """Take the errors of a stage; of a second thing with a name, the whole table."""
        for fault in told:
            if fault.severity != "error":
                continue
            self._break(fault.where)
            if RULES[fault.code].twice:
                self._tables.add((fault.where.source, fault.where.path[:-1]))

    def _break(self, where: Where) -> None:
        self._around.update((where.source, where.path[:length]) for length in range(len(where.path) + 1))

    def holds(self, fault: Fault) -> bool:
        """Tell whether one of the places of a fault is, or holds, a broken value, or is in a broken table."""
        places = (fault.where, *(where for where, _ in fault.notes))
        return any((place.source, place.path) in self._around or self._in_table(place) for place in places)

    def _in_table(self, place: Where) -> bool:
        lengths = range(len(place.path) + 1) if self._tables else ()
        return any((place.source, place.path[:length]) in self._tables for length in lengths)
