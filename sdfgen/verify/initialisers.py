"""Where each value of a C initialiser stands: `devices[0].gpa` has a line and a column."""

from __future__ import annotations

import re

from sdfgen.faults.place import Span

_TOKEN = re.compile(
    r"(?P<skip>\s+|/\*.*?\*/|//[^\n]*|#[^\n]*)|(?P<member>\.[A-Za-z_]\w*)|(?P<mark>[{},;=])"
    r'|(?P<word>"(?:\\.|[^"\\\n])*"|[^\s{},;=]+)',
    re.DOTALL,
)
_BOUND = re.compile(r"\[\w*\]$")


def places(text: str) -> dict[str, Span]:
    """Return the place of every value by its path, and of every variable by its name.

    Args:
        text: C text; what is none has no places, or wrong ones.
    """
    walker = _Walker(text)
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            walker.take(str(match.lastgroup), match.group(), match.start())
    return walker.found


class _Walker:
    def __init__(self, text: str) -> None:
        self.found: dict[str, Span] = {}
        self._text = text
        self._open: list[tuple[str, int]] = []
        self._path: str | None = None
        self._last = ("", 0)

    def take(self, kind: str, word: str, start: int) -> None:
        """Take the next token."""
        if kind == "mark":
            self._mark(word, start)
        elif kind == "member" and self._open:
            self._path = self._open[-1][0] + word
        elif self._open or self._path is not None:
            self.found.setdefault(self._here(), self._span(start, len(word)))
        else:
            self._last = (_BOUND.sub("", word), start)

    def _mark(self, mark: str, start: int) -> None:
        if mark == "=" and not self._open:
            name, at = self._last
            self._path = name
            self.found.setdefault(f"{name} ", self._span(at, len(name)))
        elif mark == "{" and (self._open or self._path is not None):
            here = self._here()
            self.found.setdefault(here, self._span(start, 1))
            self._open.append((here, 0))
            self._path = None
        elif mark in ",}" and self._open:
            path, index = self._open[-1]
            self._open[-1] = (path, index + 1)
            self._path = None
            if mark == "}":
                self._open.pop()
        elif mark == ";":
            self._open, self._path = [], None

    def _here(self) -> str:
        if self._path is not None:
            return self._path
        path, index = self._open[-1]
        return f"{path}[{index}]"

    def _span(self, start: int, width: int) -> Span:
        before = self._text[:start]
        return Span(before.count("\n") + 1, start - before.rfind("\n"), max(1, width))
