"""Conditions of the C preprocessor: what names stand for, and which lines of a text are there.

C11, 6.10.1: a condition is an integer expression, in which names that are no macros are 0. Of C files not all macros
are known here, so everything may be unknown, too: None.
"""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CONDITIONS = ("if", "ifdef", "ifndef", "elif", "else", "endif")
_WORDS = re.compile(r"\s*(?:(\w+)|(<<|>>|&&|\|\||[<>=!]=|[-+*/%<>!~&|^()]))")
_NUMBER = re.compile(r"(0[xX][0-9A-Fa-f]+|0[bB][01]+|\d+)[uUlL]*")
_MOST_DIGITS = 30
_MOST_WORDS = 200
_WIDEST_SHIFT = 64
_DEEPEST = 20
"""Macros that stand for each other."""
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_OPERATORS: dict[str, tuple[int, Callable[[int, int], int]]] = {
    "|": (3, operator.or_),
    "^": (4, operator.xor),
    "&": (5, operator.and_),
    "==": (6, operator.eq),
    "!=": (6, operator.ne),
    "<": (7, operator.lt),
    ">": (7, operator.gt),
    "<=": (7, operator.le),
    ">=": (7, operator.ge),
    "<<": (8, operator.lshift),
    ">>": (8, operator.rshift),
    "+": (9, operator.add),
    "-": (9, operator.sub),
    "*": (10, operator.mul),
    "/": (10, operator.floordiv),
    "%": (10, operator.mod),
}
"""How tightly each holds, and what it does; `||` and `&&`, which may be known when a side is not, hold less tightly."""


def number(text: str) -> int | None:
    """Return the number that a text is in C; None where it is none, or longer than any."""
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > _MOST_DIGITS:
        return None
    digits = match[1]
    if digits.isdecimal():
        is_octal = len(digits) > 1 and digits[0] == "0" and not set(digits) & set("89")
        return int(digits, 8 if is_octal else 10)
    return int(digits, 0)


class Macros:
    """What names stand for.

    Args:
        known: Names that are defined from the start, with their texts.
        otherwise: Tells whether any other name is defined; None where nobody knows.
    """

    def __init__(self, known: Mapping[str, str], otherwise: Callable[[str], bool | None]) -> None:
        self._texts: dict[str, str | None] = dict(known)
        self._gone: set[str] = set()
        self._otherwise = otherwise

    def define(self, text: str) -> str:
        """Take what stands behind `#define`; return the name."""
        match = re.match(r"(\w*)(\(?)", text)
        name, is_function = (match[1], bool(match[2])) if match else ("", False)
        self._texts[name] = None if is_function else bare(text[len(name) :])
        self._gone.discard(name)
        return name

    def undefine(self, name: str) -> None:
        """Take what stands behind `#undef`."""
        self._texts.pop(name, None)
        self._gone.add(name)

    def forget(self, text: str) -> None:
        """Take what stands behind a `#define` or `#undef` of which nobody knows whether it is there."""
        self._texts[text.split("(", maxsplit=1)[0].partition(" ")[0]] = None

    def words(self, name: str) -> list[str]:
        """Return the words that a name stands for; none for what is no macro, or one of which nobody knows."""
        return _split(self._texts.get(name) or "") or []

    def is_defined(self, name: str) -> bool | None:
        """Tell whether a name is a macro; None where nobody knows."""
        if name in self._texts:
            return True if self._texts[name] is not None else None
        return False if name in self._gone else self._otherwise(name)

    def value(self, name: str, depth: int = 0) -> int | None:
        """Return the number that a name stands for; 0 for what is no macro, None where nobody knows."""
        text = self._texts.get(name)
        if text is not None:
            return self.evaluated(text, depth + 1) if depth < _DEEPEST else None
        known = self.is_defined(name)
        return None if known is None else int(known)

    def evaluated(self, text: str, depth: int = 0) -> int | None:
        """Return what an expression comes to; None where nobody knows, or where it is none."""
        words = _split(text)
        if words is None:
            return None
        reader = _Reader(words, self, depth)
        value = reader.value(0)
        return value if reader.is_done else None


def bare(text: str) -> str:
    """Return what stands in a line without comments."""
    return _COMMENT.sub(" ", text).strip()


def _split(text: str) -> list[str] | None:
    words: list[str] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _WORDS.match(text, at)
        if match is None or len(words) > _MOST_WORDS:
            return None
        words.append(match[1] or match[2])
        at = match.end()
    return words or None


class _Reader:
    """Reads an expression by how tightly its operators hold."""

    def __init__(self, words: list[str], macros: Macros, depth: int) -> None:
        self._words = words
        self._at = 0
        self._macros = macros
        self._depth = depth
        self._is_wrong = False

    @property
    def is_done(self) -> bool:
        """All of it was an expression."""
        return self._at == len(self._words) and not self._is_wrong

    def value(self, least: int) -> int | None:
        """Return what comes to the next operator that holds less tightly than `least`."""
        value = self._one()
        while True:
            word = self._next()
            tight = {"||": 1, "&&": 2}.get(word) or _OPERATORS.get(word, (0,))[0]
            if tight <= least:
                return value
            self._at += 1
            value = _joined(word, value, self.value(tight))

    def _one(self) -> int | None:
        word = self._next()
        self._at += 1
        if word in ("!", "-", "+", "~"):
            value = self._one()
            return None if value is None else {"!": int(not value), "-": -value, "+": value, "~": ~value}[word]
        if word == "(":
            value = self.value(0)
            self._expect(")")
            return value
        if word == "defined":
            return self._defined()
        return self._named(word) if word.isidentifier() else self._number(word)

    def _named(self, word: str) -> int | None:
        if self._next() == "(":  # a macro that takes arguments: none of those is known
            self._skip()
            return None
        return self._macros.value(word, self._depth)

    def _number(self, word: str) -> int | None:
        value = number(word)
        self._is_wrong |= value is None
        return value

    def _defined(self) -> int | None:
        in_parentheses = self._next() == "("
        self._at += in_parentheses
        known = self._macros.is_defined(self._next())
        self._at += 1
        if in_parentheses:
            self._expect(")")
        return None if known is None else int(known)

    def _skip(self) -> None:
        depth = 0
        while self._next():
            depth += {"(": 1, ")": -1}.get(self._next(), 0)
            self._at += 1
            if depth == 0:
                return
        self._is_wrong = True

    def _next(self) -> str:
        return self._words[self._at] if self._at < len(self._words) else ""

    def _expect(self, word: str) -> None:
        self._is_wrong |= self._next() != word
        self._at += 1


def _joined(word: str, one: int | None, two: int | None) -> int | None:
    if word in ("||", "&&"):
        decides = word == "||"
        if any(side is not None and bool(side) == decides for side in (one, two)):
            return int(decides)
        return None if None in (one, two) else int(not decides)
    if one is None or two is None or (word in ("/", "%") and two == 0):
        return None
    if word in ("<<", ">>") and not 0 <= two <= _WIDEST_SHIFT:
        return None
    value = int(_OPERATORS[word][1](one, two))
    return value if abs(value) < 1 << 2 * _WIDEST_SHIFT else None


class _Branch(NamedTuple):
    """Of a condition: whether this branch is there, and whether any was so far; None where nobody knows."""

    seen: bool | None
    taken: bool | None


class Branches:
    """The conditions around a line."""

    def __init__(self, macros: Macros) -> None:
        self._macros = macros
        self._branches: list[_Branch] = []

    @property
    def seen(self) -> bool | None:
        """Whether a line here is there; None where nobody knows."""
        found = {branch.seen for branch in self._branches}
        return False if False in found else None if None in found else True

    @property
    def depth(self) -> int:
        """How many conditions have not ended."""
        return len(self._branches)

    def directive(self, word: str, text: str) -> bool | None:
        """Take a directive of a condition.

        Args:
            word: Which.
            text: What stands behind it.

        Returns:
            Whether what follows is there, as far as this condition decides that; None where nobody knows.
        """
        text = bare(text)
        if word in ("if", "ifdef", "ifndef"):
            seen = False if self.seen is False else self._holds(word, text)
            self._branches.append(_Branch(seen, seen))
            return seen
        if not self._branches:
            return True
        before = self._branches.pop()
        if word != "endif":
            self._branches.append(self._next(before, word, text))
            return self._branches[-1].seen
        return True

    def _next(self, before: _Branch, word: str, text: str) -> _Branch:
        """Return the branch behind another: there when its condition holds and no earlier one did."""
        if before.taken or self.seen is False:
            return _Branch(False, True)
        condition = True if word == "else" else self._holds("if", text)
        if before.taken is None:
            return _Branch(False if condition is False else None, True if condition else None)
        return _Branch(condition, condition)

    def _holds(self, word: str, text: str) -> bool | None:
        if word == "if":
            value = self._macros.evaluated(text)
            return None if value is None else bool(value)
        known = self._macros.is_defined(text)
        return known if word == "ifdef" or known is None else not known


def lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield a text's lines with their numbers; what goes on behind a backslash is one, with the number of its first."""
    start, parts = 1, []
    for line_number, line in enumerate(text.split("\n"), 1):
        line_text = line.removesuffix("\r")
        parts.append(line_text.removesuffix("\\"))
        if not line_text.endswith("\\"):
            yield start, " ".join(parts)
            start, parts = line_number + 1, []
    if parts:
        yield start, " ".join(parts)
