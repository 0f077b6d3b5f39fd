"""Boards that a command line names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.commands.telling import refuse, usage
from sdfgen.facts.board import board_files, load_board
from sdfgen.faults.fault import Faults, suggestion
from sdfgen.subsystems import register

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdfgen.facts.board import Board


def known_boards(folder: str, names: Iterable[str]) -> tuple[Board, ...]:
    """Return boards by their names, each once; leave with status 1 or 2 and why when one can't be read or is unknown.

    Args:
        folder: Where there may be files of more boards, in `boards`.
        names: The names.
    """
    known = board_files(folder)
    faults = Faults()
    found = []
    for name in dict.fromkeys(names):
        if name not in known:
            near = suggestion(name, known)
            usage(f"there is no board {name!r}{near}: {', '.join(known)}; `sdfgen board NAME` begins one")
        board = load_board(name, known[name], faults, register.board_keys())
        if board is None:
            refuse(list(faults), "text")
        found.append(board)
    return tuple(found)
