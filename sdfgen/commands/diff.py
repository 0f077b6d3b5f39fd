"""`sdfgen diff`: what is different between two systems, by meaning."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from sdfgen.commands.one_system import systems_of
from sdfgen.commands.telling import give_up

if TYPE_CHECKING:
    from sdfgen.views.changes import DiffView
    from sdfgen.views.document import SystemView

GREW = 3
"""The status when somebody may do something in the second system that he may not in the first."""


def diff(before: str, after: str, settings: tuple[str, ...], board: str | None, form: str) -> None:
    """Say what is different between two systems, and leave with status 3 when authority grew.

    Args:
        before: A description, a build's output folder, or `REV:FILE`.
        after: Likewise.
        settings: `path=value` settings that override the descriptions.
        board: The board; None for all that both have.
        form: `text`, `markdown` or `json`.
    """
    from sdfgen.views.diff import diff as different

    systems = [_views(path, settings, board) for path in (before, after)]
    if board is None and not systems[0].keys() & systems[1].keys():
        give_up(f"{before} and {after} have no board in common: {', '.join(systems[0])} and {', '.join(systems[1])}")
    found = different(systems[0], systems[1], (before, after))
    sys.stdout.write(_text(found, form))
    if found.authority_grew:
        sys.stdout.flush()
        sys.exit(GREW)


def _text(found: DiffView, form: str) -> str:
    if form == "json":
        from sdfgen.views.json_form import as_json

        return as_json(found)
    from sdfgen.views.diff_text import as_markdown, as_text

    return as_markdown(found) if form == "markdown" else as_text(found)


def _views(path: str, settings: tuple[str, ...], board: str | None) -> dict[str, SystemView]:
    """Return what is shown of the systems that something has, by board."""
    try:
        if os.path.isdir(path):
            return _built(path, board)
        if ":" in path and not os.path.exists(path):
            return _of_revision(path, settings, board)
    except ValueError:  # a NUL in it; reading it will tell
        pass
    return _surveyed(path, settings, board)


def _surveyed(path: str, settings: tuple[str, ...], board: str | None) -> dict[str, SystemView]:
    from sdfgen.views.survey import survey

    return {name: survey(system) for name, system in systems_of(path, board, settings).items()}


def _built(path: str, board: str | None) -> dict[str, SystemView]:
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


def _of_revision(spec: str, settings: tuple[str, ...], board: str | None) -> dict[str, SystemView]:
    from sdfgen.commands.revision import RevisionError, at_revision
    from sdfgen.views.survey import survey

    try:
        with at_revision(spec) as revision:
            systems = systems_of(revision.path, board, settings, revision)
            return {name: survey(system, revision.file_name) for name, system in systems.items()}
    except (RevisionError, OSError) as error:
        give_up(str(error))
