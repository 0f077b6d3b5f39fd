"""Places in texts."""

from __future__ import annotations

from sdfgen.records import NamedTuple

MAX_NESTING = 64
"""How deep values may nest in a text that has places."""

Path = tuple[str | int, ...]
"""From the root of a text to a value: keys, and indices of lists."""


class Span(NamedTuple):
    """A stretch of one line; line and column count from 1, the width is in characters."""

    line: int
    column: int
    width: int
