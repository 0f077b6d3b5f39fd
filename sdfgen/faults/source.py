"""Texts that a description was read from, and places in them."""

from __future__ import annotations

from sdfgen.faults.place import Path, Span
from sdfgen.records import NamedTuple


class Source:
    """A text that a description was read from: a file, or one command-line setting.

    Attributes:
        name: What to call it in messages: the file's path as the user wrote it.
        path: The file's path for reading, or None for a command-line setting.
        text: Its content.
    """

    def __init__(self, name: str, text: str, path: str | None = None) -> None:
        self.name = name
        self.path = path
        self.text = text
        self._spans: dict[tuple[Path, bool], Span] | None = None
        self._lines: list[str] = []

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Return the place of a value (or of its key), or of the nearest table around it."""
        if self._spans is None:
            from sdfgen.faults.positions import spans_of

            self._spans = spans_of(self.text)
        for length in range(len(path), 0, -1):
            exact = length == len(path)
            for of_key in (key, not key) if exact else (True, False):
                if (found := self._spans.get((path[:length], of_key))) is not None:
                    return found
        return Span(1, 1, 1)

    def line(self, number: int) -> str:
        """Return one line of the text, counted from 1; empty beyond the end."""
        self._lines = self._lines or self.text.split("\n")
        return self._lines[number - 1].removesuffix("\r") if 0 < number <= len(self._lines) else ""


class Text(Source):
    """A text of another kind than descriptions: a place in it is a line and a column, its path."""

    def span(self, path: Path, *, key: bool = False) -> Span:  # noqa: ARG002 - as all sources are asked
        """Return the place."""
        line, column = (*path, 1, 1)[:2]
        return Span(int(line), int(column), 1)


class Where(NamedTuple):
    """The place of one value in a source; line and column are found only when somebody asks."""

    source: Source
    path: Path = ()
    key: bool = False

    @property
    def span(self) -> Span:
        """Line, column and width of the place, counted from 1."""
        return self.source.span(self.path, key=self.key)

    @property
    def text(self) -> str:
        """The place as a dotted path, the same on every machine: `guest[0].name`; nothing in texts of other kinds."""
        if isinstance(self.source, Text):
            return ""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).lstrip(".")

    def of_key(self) -> Where:
        """Return the place of the key instead of its value."""
        return self._replace(key=True)
