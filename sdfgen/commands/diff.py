"""`sdfgen diff`: what is different between two systems, by meaning."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sdfgen.commands.one_system import Look, is_for_one_board, view_of, views_of
from sdfgen.commands.telling import give_up, put, usage

if TYPE_CHECKING:
    from typing import Any

    from sdfgen.views.changes import DiffView
    from sdfgen.views.document import SystemView

GREW = 3
"""The status when somebody may do something in the second system that he may not in the first."""


def diff(before: str, after: str, form: str, **look: Any) -> None:  # noqa: ANN401 - each has its own type
    """Say what is different between two systems, and leave with status 3 when authority grew.

    Args:
        before: A description, a system file, a build's output folder, or `REV:FILE`.
        after: Likewise.
        form: `text`, `markdown` or `json`.
        look: How to look at them, as `Look` has it.
    """
    from sdfgen.views.diff import diff as different

    if before == after == "-":
        usage("one of the two can be on standard input")
    systems = _both(before, after, Look(**look))
    if not systems[0].keys() & systems[1].keys():
        give_up(f"{before} and {after} have no board in common: {', '.join(systems[0])} and {', '.join(systems[1])}")
    found = different(systems[0], systems[1], (before, after))
    put(_text(found, form))
    if found.authority_grew:
        sys.exit(GREW)


def _both(before: str, after: str, look: Look) -> list[dict[str, SystemView]]:
    """Return both systems by board; a system file, which says nothing of boards, is for the first of the other's."""
    described = [path for path in (before, after) if not is_for_one_board(path)]
    known: dict[str, dict[str, SystemView]] = {}
    if look.board is None and len(described) == 1:
        view = view_of(described[0], look)
        known = {described[0]: {view.board: view}}
        look = look._replace(board=view.board)
    return [known.get(path) or views_of(path, look) for path in (before, after)]


def _text(found: DiffView, form: str) -> str:
    if form == "json":
        from sdfgen.views.json_form import as_json

        return as_json(found)
    from sdfgen.views.diff_text import as_markdown, as_text

    return as_markdown(found) if form == "markdown" else as_text(found)
