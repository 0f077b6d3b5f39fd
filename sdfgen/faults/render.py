"""Faults as text for people, and as JSON, SARIF or GitHub annotations for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sdfgen.faults.findings import as_json
from sdfgen.faults.sarif import as_sarif

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdfgen.faults.fault import Fault
    from sdfgen.faults.place import Span
    from sdfgen.faults.source import Where

TAB = "    "
_SHOWN = 200
"""Characters of a line that are shown: files that others make have lines without end."""


def as_text(faults: Sequence[Fault], assumed: Sequence[str] = ()) -> str:  # noqa: ARG001 - commands say it
    """Render faults one after the other, each with its line and a caret, and a closing count."""
    return _encodable("\n".join([*map(_text, faults), _count(faults), ""])) if faults else ""


def _encodable(text: str) -> str:
    """Escape what is no Unicode: bytes of a file name that is not UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def _text(fault: Fault) -> str:
    span = fault.place
    head = f"{_place_text(fault.where, span)}: {fault.severity}[{fault.code}]: {_clean(fault.message)}"
    lines = [head, *_excerpt(fault.where, span.line, span.column, span.width)]
    for where, words in fault.notes:
        place = where.span
        lines.append(f"  {_place_text(where, place)}: note: {_clean(words)}")
        lines += _excerpt(where, place.line, place.column, place.width)
    if fault.advice:
        lines.append(f"  help: {_clean(fault.advice)}")
    return "\n".join(lines) + "\n"


def _place_text(where: Where, span: Span) -> str:
    return f"{_clean(where.source.name)}:{span.line}:{span.column}"


def _excerpt(where: Where, line: int, column: int, width: int) -> list[str]:
    text, column = _window(where.source.line(line), column)
    if not text.strip():
        return []
    lead = _cells(text[: column - 1])
    marked = _cells(text[column - 1 : column - 1 + width])
    gutter = f"{line:5} | "
    return [f"{gutter}{_visible(text)}", f"{' ' * (len(gutter) - 2)}| {' ' * lead}{'^' * max(1, marked)}"]


def _window(text: str, column: int) -> tuple[str, int]:
    """Return the part of a line that is shown, and the column in it."""
    if len(text) <= _SHOWN:
        return text, column
    start = max(0, column - 1 - _SHOWN // 2)
    head, tail = "…" if start else "", "…" if start + _SHOWN < len(text) else ""
    return f"{head}{text[start : start + _SHOWN]}{tail}", column - start + len(head)


def _visible(text: str) -> str:
    """Show tabs as blanks, and what would move the cursor or change colours as a dot."""
    text = text.replace("\t", TAB)
    return text if text.isprintable() else "".join(c if c.isprintable() else "·" for c in text)


def _cells(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    shown = _visible(text)
    if shown.isascii():
        return len(shown)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in shown)


def _clean(text: str) -> str:
    """Escape what is not printable: names in messages may hold line ends and escape sequences."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def one_line(text: str) -> str:
    """Return a text with nothing in it that a terminal would not show, or that is no Unicode."""
    return _encodable(_clean(text))


def _count(faults: Sequence[Fault]) -> str:
    found = {word: sum(fault.severity == word for fault in faults) for word in ("error", "warning", "note")}
    *most, last = [_plural(number, word) for word, number in found.items() if number or word == "error"]
    return f"{', '.join(most)} and {last}" if most else last


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def as_github(faults: Sequence[Fault], assumed: Sequence[str] = ()) -> str:
    """Render faults, and what was taken for granted, as GitHub workflow commands."""
    notices = (f"::notice title=sdfgen::{_escaped(words)}\n" for words in assumed)
    return _encodable("".join((*map(_github, faults), *notices)))


def _github(fault: Fault) -> str:
    place = f"file={_property(fault.where.source.name)},line={fault.place.line},col={fault.place.column}"
    kind = "notice" if fault.severity == "note" else fault.severity
    return f"::{kind} {place},title={fault.code}::{_escaped(fault.message)}\n"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


class Format(Protocol):
    """Renders faults."""

    def __call__(self, faults: Sequence[Fault], assumed: Sequence[str] = ()) -> str:
        """Return them as text, with what was taken for granted where the format has a place for that."""


FORMATS: dict[str, Format] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
    "sarif": as_sarif,
}
