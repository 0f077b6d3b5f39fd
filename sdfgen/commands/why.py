"""`sdfgen why`: what a thing is, who sees it, what decided it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.commands.one_system import Look, view_of
from sdfgen.commands.telling import give_up, put, refuse

if TYPE_CHECKING:
    from typing import Any, NoReturn

    from sdfgen.faults.source import Text
    from sdfgen.views.document import SystemView
    from sdfgen.views.domains import Place


def why(thing: str, description: str, form: str, **look: Any) -> None:  # noqa: ANN401 - each has its own type
    """Say what a thing is, or leave with status 1 when it is nothing.

    Args:
        thing: An address, a number, or a name.
        description: The description, or whatever else is a system; the two may be the other way round.
        form: `text` or `json`.
        look: How to look at it, as `Look` has it.
    """
    from sdfgen.views.why import why as answered

    if _is_there(thing) and not _is_there(description):
        thing, description = description, thing
    view = view_of(description, Look(**look))
    found = answered(view, thing)
    if not found.answers:
        _tell_nothing(view, thing)
    if form == "json":
        from sdfgen.views.json_form import as_json

        put(as_json(found))
    else:
        from sdfgen.views.why_text import as_text

        put(as_text(found))


def _tell_nothing(view: SystemView, thing: str) -> NoReturn:
    """Leave with status 1 after telling that something is nothing, and where it stands what comes near."""
    from sdfgen.views.why import near, nothing

    place = near(view, thing)
    if place is None:
        give_up(nothing(view, thing))
    from sdfgen.faults.fault import Fault
    from sdfgen.faults.source import Where

    where = Where(_text(place), (place.line, place.column))
    refuse([Fault("SDF224", nothing(view, thing), where, "`sdfgen show` has all names and addresses")], "text")


def _text(place: Place) -> Text:
    """Return the text that a place is in; an empty one for a revision's."""
    from sdfgen.faults.source import Text

    try:
        with open(place.file, encoding="utf-8") as file:
            return Text(place.file, file.read())
    except (OSError, ValueError):
        return Text(place.file, "")


def _is_there(path: str) -> bool:
    try:
        return os.path.exists(path)
    except ValueError:  # a NUL in it
        return False
