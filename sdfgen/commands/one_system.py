"""The systems that commands look at."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdfgen.commands.revision import Revision
    from sdfgen.faults.fault import Fault
    from sdfgen.faults.source import Where
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
    systems = systems_of(path, board, settings)
    name, *others = systems
    if others:
        sys.stderr.write(f"sdfgen: for {name}; --board chooses {' or '.join(others)}\n")
    return systems[name]


def systems_of(
    path: str, board: str | None, settings: Sequence[str] = (), revision: Revision | None = None
) -> dict[str, System]:
    """Return the systems of a description by board, or leave with status 1 after telling what is wrong with it.

    Args:
        path: The description.
        board: The only board; None for all of the description's.
        settings: `path=value` settings that override it.
        revision: The revision that it is of, which gives files their names.
    """
    from sdfgen.commands.telling import refuse
    from sdfgen.describe import describe

    description = describe(path, settings, (board,) if board is not None else ())
    faults = [fault for fault in description.faults.sorted() if fault.severity == "error"]
    if faults:
        refuse([_named(fault, revision) for fault in faults] if revision else faults, "text")
    return description.systems


def _named(fault: Fault, revision: Revision) -> Fault:
    """Return a fault that calls files as they are called in a revision."""
    for where in (fault.where, *(where for where, _ in fault.notes)):
        _name(where, revision)
    return fault._replace(message=revision.told(fault.message), advice=revision.told(fault.advice))


def _name(where: Where, revision: Revision) -> None:
    where.source.name = revision.file_name(where.source.name)
