"""`sdfgen why`: what a thing is, who sees it, what decided it."""

from __future__ import annotations

import os

from sdfgen.commands.one_system import view_of
from sdfgen.commands.telling import give_up, put


def why(thing: str, description: str, settings: tuple[str, ...], board: str | None, form: str) -> None:
    """Say what a thing is, or leave with status 1 when it is nothing.

    Args:
        thing: An address, a number, or a name.
        description: The description; the two may be the other way round.
        settings: `path=value` settings that override it.
        board: The board; None for the description's first.
        form: `text` or `json`.
    """
    from sdfgen.views.why import nothing
    from sdfgen.views.why import why as answered

    if _is_there(thing) and not _is_there(description):
        thing, description = description, thing
    view = view_of(description, board, settings)
    found = answered(view, thing)
    if not found.answers:
        give_up(nothing(view, thing))
    if form == "json":
        from sdfgen.views.json_form import as_json

        put(as_json(found))
    else:
        from sdfgen.views.why_text import as_text

        put(as_text(found))


def _is_there(path: str) -> bool:
    try:
        return os.path.exists(path)
    except ValueError:  # a NUL in it
        return False
