"""The systems that commands look at."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from sdfgen.commands.telling import give_up, refuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdfgen.commands.revision import Revision
    from sdfgen.faults.fault import Fault
    from sdfgen.faults.source import Where
    from sdfgen.model.system import System
    from sdfgen.views.document import SystemView


def view_of(path: str, board: str | None, settings: Sequence[str] = ()) -> SystemView:
    """Return what is shown of one system, or leave with status 1 after telling what is wrong with it.

    Args:
        path: A description, a build's output folder, or `REV:FILE`.
        board: The board; None for the first that there is.
        settings: `path=value` settings that override a description.
    """
    views = views_of(path, board, settings)
    name, *others = views
    if others:
        sys.stderr.write(f"sdfgen: for {name}; --board chooses {' or '.join(others)}\n")
    return views[name]


def views_of(path: str, board: str | None, settings: Sequence[str] = ()) -> dict[str, SystemView]:
    """Return what is shown of systems by board, or leave with status 1 after telling what is wrong with them.

    Args:
        path: A description, a build's output folder, or `REV:FILE`.
        board: The only board; None for all that there are.
        settings: `path=value` settings that override a description.
    """
    with suppress(ValueError):  # a NUL in it; reading it will tell
        if os.path.isdir(path):
            return _of_build(path, board)
        if ":" in path and not os.path.exists(path):
            return _of_revision(path, board, settings)
    from sdfgen.views.survey import survey

    return {name: survey(system) for name, system in systems_of(path, board, settings).items()}


def _of_build(path: str, board: str | None) -> dict[str, SystemView]:
    from sdfgen.commands.built import BuiltError, built_folders, built_system
    from sdfgen.views.survey import survey

    try:
        folders = built_folders(path)
        if board is not None and board not in folders:
            give_up(f"{path} was not built for board {board!r}, but for {', '.join(folders)}")
        wanted = folders if board is None else {board: folders[board]}
        return {name: survey(built_system(folder)) for name, folder in wanted.items()}
    except (BuiltError, OSError) as error:
        give_up(str(error))


def _of_revision(spec: str, board: str | None, settings: Sequence[str]) -> dict[str, SystemView]:
    from sdfgen.commands.revision import RevisionError, at_revision
    from sdfgen.views.survey import survey

    try:
        with at_revision(spec) as revision:
            systems = systems_of(revision.path, board, settings, revision)
            return {name: survey(system, revision.file_name) for name, system in systems.items()}
    except (RevisionError, OSError) as error:
        give_up(str(error))


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
