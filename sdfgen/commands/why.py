"""`sdfgen why`: what a thing is, who sees it, what decided it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.commands.one_system import Look, view_of
from sdfgen.commands.telling import give_up, put

if TYPE_CHECKING:
    from typing import Any


def why(thing: str, description: str, form: str, **look: Any) -> None:  # noqa: ANN401 - each has its own type
    """Say what a thing is, or leave with status 1 when it is nothing.

    Args:
        thing: An address, a number, or a name.
        description: The description, or whatever else is a system; the two may be the other way round.
        form: `text` or `json`.
        look: How to look at it, as `Look` has it.
    """
    from sdfgen.views.why import nothing
    from sdfgen.views.why import why as answered

    if _is_there(thing) and not _is_there(description):
        thing, description = description, thing
    view = view_of(description, Look(**look))
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
