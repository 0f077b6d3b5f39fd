"""The one system that a command looks at."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdfgen.model.system import System
    from sdfgen.views.document import SystemView


def view_of(path: str, board: str | None, settings: Sequence[str] = ()) -> SystemView:
    """Return what is shown of a system, or leave as `system_of` does.

    Args:
        path: The description.
        board: The board; None for the description's first.
        settings: `path=value` settings that override it.
    """
    from sdfgen.views.survey import survey

    return survey(system_of(path, board, settings))


def system_of(path: str, board: str | None, settings: Sequence[str] = ()) -> System:
    """Return the system of a description for one board, or leave with status 1 after telling what is wrong with it.

    Args:
        path: The description.
        board: The board; None for the description's first.
        settings: `path=value` settings that override it.
    """
    from sdfgen.commands.telling import refuse
    from sdfgen.describe import describe

    description = describe(path, settings, (board,) if board is not None else ())
    if description.faults.errors:
        refuse([fault for fault in description.faults.sorted() if fault.severity == "error"], "text")
    name, system = next(iter(description.systems.items()))
    others = [other for other in description.systems if other != name]
    if others:
        sys.stderr.write(f"sdfgen: for {name}; --board chooses {' or '.join(others)}\n")
    return system
