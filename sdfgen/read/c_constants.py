"""Integer constants of C files, as the preprocessor sees them for one board."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.faults.place import Span
from sdfgen.faults.source import Text, Where
from sdfgen.read.conditions import CONDITIONS, Branches, Macros, lines, number
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.faults.place import Path

_DIRECTIVE = re.compile(r"\s*#\s*(\w+)\s*(.*?)\s*")
_BODY = re.compile(r"(?P<name>\w+)\s+(?P<open>[(\s]*)(?P<text>.*?)(?P<close>[)\s]*)")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


class CText(Text):
    """The text of a C file: a place in it is line, column and width."""

    def span(self, path: Path, *, key: bool = False) -> Span:  # noqa: ARG002 - as all sources are asked
        """Return the place."""
        line, column, width = (*path, 1, 1, 1)[:3]
        return Span(int(line), int(column), int(width))


class Number(NamedTuple):
    """A constant: its name, its value and the place of that; no value where nobody knows whether the line is there."""

    name: str
    value: int | None
    where: Where


def constants(source: CText, board: str | None, defines: Mapping[str, str]) -> Iterator[Number]:
    """Yield the integer constants that a file defines for a board.

    Args:
        source: The file.
        board: The board, for `BOARD_…`; None where nobody says.
        defines: More macros, with their texts; a `BOARD_…` among them says which board it is, too.
    """
    is_said = board is not None or any(name.startswith("BOARD_") for name in defines)

    def is_of_board(name: str) -> bool | None:
        return name == f"BOARD_{board}" if name.startswith("BOARD_") and is_said else None

    macros = Macros(defines, is_of_board)
    branches = Branches(macros)
    for line_number, line in lines(_COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), source.text)):
        match = _DIRECTIVE.fullmatch(line)
        word, rest = (match[1], match[2]) if match else ("", "")
        if word in CONDITIONS:
            branches.directive(word, rest)
        elif word in ("define", "undef") and branches.seen is None:
            macros.forget(rest)
            body = _BODY.fullmatch(rest)
            if word == "define" and body is not None:
                yield Number(body["name"], None, _place(source, line_number, line, body))
        elif word == "undef" and branches.seen:
            macros.undefine(rest)
        elif word == "define" and branches.seen:
            name = macros.define(rest)
            body, value = _BODY.fullmatch(rest), macros.value(name)
            if body is not None and value is not None:
                yield Number(name, value, _place(source, line_number, line, body))


def _place(source: CText, line_number: int, line: str, body: re.Match[str]) -> Where:
    """Return the place of a constant's text: of a number in parentheses that of the number."""
    text = body["text"] if number(body["text"]) is not None else (body["open"] + body["text"] + body["close"]).strip()
    column = line.index(text, line.index(body["name"]) + len(body["name"])) + 1
    return Where(source, (line_number, column, len(text)))
