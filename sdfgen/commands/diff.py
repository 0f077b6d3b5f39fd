"""`sdfgen diff`: what is different between two systems, by meaning."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sdfgen.commands.one_system import views_of
from sdfgen.commands.telling import give_up, put

if TYPE_CHECKING:
    from sdfgen.views.changes import DiffView

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

    systems = [views_of(path, board, settings) for path in (before, after)]
    if board is None and not systems[0].keys() & systems[1].keys():
        give_up(f"{before} and {after} have no board in common: {', '.join(systems[0])} and {', '.join(systems[1])}")
    found = different(systems[0], systems[1], (before, after))
    put(_text(found, form))
    if found.authority_grew:
        sys.exit(GREW)


def _text(found: DiffView, form: str) -> str:
    if form == "json":
        from sdfgen.views.json_form import as_json

        return as_json(found)
    from sdfgen.views.diff_text import as_markdown, as_text

    return as_markdown(found) if form == "markdown" else as_text(found)
