"""`sdfgen show`: a system as text, a picture, a page or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.commands.one_system import Look, view_of
from sdfgen.commands.telling import give_up, put

if TYPE_CHECKING:
    from typing import Any

    from sdfgen.views.document import SystemView


def show(description: str, form: str, out: str | None, **look: Any) -> None:  # noqa: ANN401 - each has its own type
    """Show a system.

    Args:
        description: The description, or whatever else is a system.
        form: The format, one of `FORMATS`.
        out: The file to write; None for standard output.
        look: How to look at it, as `Look` has it.
    """
    text = _text(view_of(description, Look(**look)), form)
    if out is None:
        put(text)
        return
    try:
        with open(out, "w", encoding="utf-8") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        give_up(f"{out}: {getattr(error, 'strerror', None) or error}")


def _text(view: SystemView, form: str) -> str:
    if form == "text":
        from sdfgen.views.text import as_text

        return as_text(view)
    if form == "json":
        from sdfgen.views.json_form import as_json

        return as_json(view)
    return _drawn(view, form)


def _drawn(view: SystemView, form: str) -> str:
    from sdfgen.views.graph import graph

    boxes = graph(view)
    if form == "mermaid":
        from sdfgen.views.mermaid import as_mermaid

        return as_mermaid(boxes)
    if form == "dot":
        from sdfgen.views.dot import as_dot

        return as_dot(boxes)
    from sdfgen.views.picture import picture

    svg = picture(view, boxes)
    if form == "svg":
        return svg
    from sdfgen.views.html import as_html

    return as_html(view, boxes.title, svg)
