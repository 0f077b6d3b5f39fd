"""The systems that commands look at."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from sdfgen.commands.telling import give_up, refuse, usage
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from sdfgen.commands.revision import Revision
    from sdfgen.faults.fault import Fault
    from sdfgen.faults.source import Where
    from sdfgen.views.document import SystemView


class Look(NamedTuple):
    """How somebody wants to look at systems.

    Attributes:
        board: The only board; None for all that there are.
        settings: `path=value` settings that override a description.
        microkit: The Microkit version of a system file; None for the newest that takes it.
        config: Its Microkit configuration; None for the one that its cores ask for.
        includes: Folders that it may include files from.
        search: Folders in which its prefill files are looked for.
    """

    board: str | None = None
    settings: tuple[str, ...] = ()
    microkit: str | None = None
    config: str | None = None
    includes: tuple[str, ...] = ()
    search: tuple[str, ...] = ()


def view_of(path: str, look: Look) -> SystemView:
    """Return what is shown of one system, or leave with status 1 after telling what is wrong with it.

    Args:
        path: A description, a system file, a build's output folder, or `REV:FILE`.
        look: How to look at it; for the first board where it names none.
    """
    views = views_of(path, look)
    name, *others = views
    if others:
        sys.stderr.write(f"sdfgen: for {name}; --board chooses {' or '.join(others)}\n")
    return views[name]


def views_of(path: str, look: Look) -> dict[str, SystemView]:
    """Return what is shown of systems by board, or leave with status 1 after telling what is wrong with them.

    Args:
        path: A description, a system file, a build's output folder, or `REV:FILE`.
        look: How to look at them.
    """
    with suppress(ValueError):  # a NUL in it; reading it will tell
        if os.path.isdir(path):
            return _of_build(path, look.board)
        if ":" in path and not os.path.exists(path):
            return _of_revision(path, look)
    return _of_file(path, look)


def is_for_one_board(path: str) -> bool:
    """Tell whether a path, or `REV:FILE`, is a system file, which says nothing of boards."""
    return not path.endswith(".toml") and not os.path.isdir(path)


def _of_build(path: str, board: str | None) -> dict[str, SystemView]:
    from sdfgen.commands.built import BuiltError, built_folders, built_system
    from sdfgen.views.document import BUILD
    from sdfgen.views.survey import survey

    try:
        folders = built_folders(path)
        if board is not None and board not in folders:
            give_up(f"{path} was not built for board {board!r}, but for {', '.join(folders)}")
        wanted = folders if board is None else {board: folders[board]}
        return {name: survey(built_system(folder), source=BUILD) for name, folder in wanted.items()}
    except (BuiltError, OSError) as error:
        give_up(str(error))


def _of_revision(spec: str, look: Look) -> dict[str, SystemView]:
    from sdfgen.commands.revision import RevisionError, at_revision

    try:
        with at_revision(spec) as revision:
            return _of_file(revision.path, look, revision)
    except (RevisionError, OSError) as error:
        give_up(str(error))


def _of_file(path: str, look: Look, revision: Revision | None = None) -> dict[str, SystemView]:
    """Return what is shown of a description or of a system file; `revision` is the one that it is of."""
    return (_of_system_file if is_for_one_board(path) else _of_description)(path, look, revision)


def _of_description(path: str, look: Look, revision: Revision | None) -> dict[str, SystemView]:
    from sdfgen.describe import describe
    from sdfgen.views.survey import survey

    description = describe(path, look.settings, (look.board,) if look.board is not None else ())
    _refuse_errors(description.faults.sorted(), revision)
    file_name = revision.file_name if revision else str
    return {name: survey(system, file_name) for name, system in description.systems.items()}


def _of_system_file(path: str, look: Look, revision: Revision | None) -> dict[str, SystemView]:
    from sdfgen.existing.examine import examine
    from sdfgen.existing.request import Request
    from sdfgen.views.document import SYSTEM_FILE
    from sdfgen.views.survey import survey

    if look.settings:
        usage("--set is for descriptions, and this is a system file")
    examined = examine(Request(path, look.board, look.microkit, look.config, look.includes, look.search))
    file_name = revision.file_name if revision else str
    _refuse_errors(examined.faults.sorted(), revision)
    if examined.system is None:
        raise AssertionError("a system file without a system has errors")
    if examined.said:
        sys.stderr.write(f"sdfgen: {file_name(path)}: {'; '.join(examined.said)}\n")
    return {examined.system.board.name: survey(examined.system, file_name, SYSTEM_FILE)}


def _refuse_errors(faults: list[Fault], revision: Revision | None) -> None:
    """Leave with status 1 where there are errors, after telling them."""
    errors = [fault for fault in faults if fault.severity == "error"]
    if errors:
        refuse([_named(fault, revision) for fault in errors] if revision else errors, "text")


def _named(fault: Fault, revision: Revision) -> Fault:
    """Return a fault that calls files as they are called in a revision."""
    for where in (fault.where, *(where for where, _ in fault.notes)):
        _name(where, revision)
    return fault._replace(message=revision.told(fault.message), advice=revision.told(fault.advice))


def _name(where: Where, revision: Revision) -> None:
    where.source.name = revision.file_name(where.source.name)
