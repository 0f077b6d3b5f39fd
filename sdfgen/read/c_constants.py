"""Integer constants of C files, as the preprocessor sees them for one board."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.faults.place import Span
from sdfgen.faults.source import Text, Where
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.place import Path

_DIRECTIVE = re.compile(r"\s*#\s*(\w+)\s*(.*)")
_DEFINE = re.compile(r"(\w+)\s+\(*\s*(0[xX][0-9A-Fa-f]+|\d+)[uUlL]*\s*\)*\s*$")
_DEFINED = re.compile(r"defined\s*\(\s*(\w+)\s*\)|defined\s+(\w+)")
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_MOST_DIGITS = 30


class CText(Text):
    """The text of a C file: a place in it is line, column and width."""

    def span(self, path: Path, *, key: bool = False) -> Span:  # noqa: ARG002 - as all sources are asked
        """Return the place."""
        line, column, width = (*path, 1, 1, 1)[:3]
        return Span(int(line), int(column), int(width))


class Number(NamedTuple):
    """A constant: its name, its value and the place of that."""

    name: str
    value: int
    where: Where


class _Branch(NamedTuple):
    """Of a condition: whether this branch is seen, and whether any was so far; None where nobody knows."""

    seen: bool | None
    taken: bool | None


def constants(source: CText, board: str | None) -> Iterator[Number]:
    """Yield the integer constants that a file defines for a board; what stands on an unknown condition is left out.

    Args:
        source: The file.
        board: The board, for `BOARD_…`; None where nobody says.
    """
    bare = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), source.text)
    branches: list[_Branch] = []
    for number, line in enumerate(bare.split("\n"), 1):
        match = _DIRECTIVE.fullmatch(line.rstrip("\r"))
        if match is None:
            continue
        word, rest = match[1], match[2].strip()
        if word == "define" and all(branch.seen for branch in branches):
            yield from _defined(source, number, line, rest)
        elif word in ("if", "ifdef", "ifndef"):
            seen = _condition(word, rest, board)
            branches.append(_Branch(seen, seen))
        elif word in ("elif", "else") and branches:
            branches.append(_next(branches.pop(), True if word == "else" else _condition("if", rest, board)))
        elif word == "endif" and branches:
            branches.pop()


def _defined(source: CText, number: int, line: str, rest: str) -> Iterator[Number]:
    match = _DEFINE.fullmatch(rest)
    if match is not None and len(match[2]) <= _MOST_DIGITS:
        digits = match[2]
        octal = len(digits) > 1 and digits.isdecimal() and digits[0] == "0" and not set(digits) & set("89")
        value = int(digits, 8) if octal else int(digits, 0 if digits[:2].lower() == "0x" else 10)
        column = line.index(digits, line.index(match[1]) + len(match[1])) + 1
        yield Number(match[1], value, Where(source, (number, column, len(digits))))


def _next(before: _Branch, condition: bool | None) -> _Branch:
    """Return the branch behind another: seen when its condition holds and no earlier one did."""
    if before.taken:
        return _Branch(False, True)
    if before.taken is None:
        return _Branch(False if condition is False else None, True if condition else None)
    return _Branch(condition, condition)


def _condition(word: str, text: str, board: str | None) -> bool | None:
    """Return whether a condition holds; None for what is not known."""
    if word in ("ifdef", "ifndef"):
        known = _is_defined(text, board)
        return known if word == "ifdef" or known is None else not known
    parts = [part.strip() for part in text.split("||")]
    found = [_is_one(part, board) for part in parts]
    return True if True in found else None if None in found else False


def _is_one(text: str, board: str | None) -> bool | None:
    inverted = text.startswith("!")
    match = _DEFINED.fullmatch(text.removeprefix("!").strip().strip("()").strip() if inverted else text)
    if match is None:
        match = _DEFINED.fullmatch(text.removeprefix("!").strip())
    if match is None:
        return {"0": False, "1": True}.get(text)
    known = _is_defined(match[1] or match[2], board)
    return known if not inverted or known is None else not known


def _is_defined(name: str, board: str | None) -> bool | None:
    """Return whether a name is defined: of all names only the boards' are known."""
    return name == f"BOARD_{board}" if name.startswith("BOARD_") and board is not None else None
