"""XML text from elements: indented, attributes in the order given, everything escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

INDENT = "    "
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


class Element(NamedTuple):
    """An element; attributes whose value is None are left out."""

    tag: str
    attributes: tuple[tuple[str, str | None], ...] = ()
    children: tuple[Element, ...] = ()


def document(root: Element, comment: str) -> str:
    """Return a whole document that starts with a comment."""
    body = "\n".join(_lines(root, ""))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- {comment.replace("--", "- -")} -->\n{body}\n'


def _lines(element: Element, indent: str) -> Iterator[str]:
    attributes = "".join(
        f' {name}="{value.translate(_ESCAPES)}"' for name, value in element.attributes if value is not None
    )
    if not element.children:
        yield f"{indent}<{element.tag}{attributes} />"
        return
    yield f"{indent}<{element.tag}{attributes}>"
    for child in element.children:
        yield from _lines(child, indent + INDENT)
    yield f"{indent}</{element.tag}>"
