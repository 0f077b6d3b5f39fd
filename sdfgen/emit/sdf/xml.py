"""XML text from elements: indented, attributes in the order given, everything escaped."""

from __future__ import annotations

import re

from sdfgen.records import NamedTuple

INDENT = "    "
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\t": "&#9;"})


class Element(NamedTuple):
    """An element; attributes whose value is None are left out."""

    tag: str
    attributes: tuple[tuple[str, str | None], ...] = ()
    children: tuple[Element, ...] = ()


def document(root: Element, comment: str) -> str:
    """Return a whole document that starts with a comment."""
    lines: list[str] = []
    _add(root, "", lines)
    body = "\n".join(lines)
    apart = re.sub("-(?=-)", "- ", comment)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- {apart} -->\n{body}\n'


def _add(element: Element, indent: str, lines: list[str]) -> None:
    parts = [f' {name}="{value.translate(_ESCAPES)}"' for name, value in element.attributes if value is not None]
    head = f"{indent}<{element.tag}{''.join(parts)}"
    if not element.children:
        lines.append(f"{head} />")
        return
    lines.append(f"{head}>")
    for child in element.children:
        _add(child, indent + INDENT, lines)
    lines.append(f"{indent}</{element.tag}>")
