"""What a description needs of its board's file, asked before anything is resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.facts.board import lacking_fault
from sdfgen.subsystems import register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.facts.board import Board
    from sdfgen.faults.fault import Faults
    from sdfgen.spec.description import Need, Spec

GUEST_TABLES = ("gic", "guest", "console")
"""What a Linux guest needs."""


def board_suffices(spec: Spec, board: Board, faults: Faults) -> bool:
    """Tell whether a board file has the tables that a description makes use of.

    Args:
        spec: The description.
        board: The board.
        faults: Takes what is missing: each table once, with the first that needs it.
    """
    told: set[str] = set()
    suffices = True
    for by, where, tables in _needs(spec):
        fault = lacking_fault(board, [name for name in tables if name not in told], by, where)
        told.update(tables)
        if fault is not None:
            faults.add(fault)
            suffices = False
    return suffices


def _needs(spec: Spec) -> Iterator[Need]:
    yield from ((f"guest `{guest.name}`", guest.where, GUEST_TABLES) for guest in spec.guest)
    yield from register.needs(spec)
