"""What a run has to show: expressions that must all be seen, in any order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.run.status import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sdfgen.faults.source import Where
    from sdfgen.run.console import Consoles, Line


class Expectation(NamedTuple):
    """An expression to be found in a line; on one guest's console when `console` names it."""

    text: str
    console: str | None
    pattern: re.Pattern[str]


def expectation(text: str, consoles: Consoles, where: Where | None = None) -> Expectation:
    """Read `REGEX` or `NAME:REGEX`; a name is one when a guest bears it.

    Args:
        text: The expression.
        consoles: The guests.
        where: Its place in a script; None for one of a command line.

    Raises:
        UsageError: When it is no regular expression.
    """
    name, colon, rest = text.partition(":")
    console = name if colon and name in consoles.names else None
    try:
        return Expectation(text, console, re.compile(text if console is None else rest))
    except re.error as error:
        raise UsageError(f"{'--' if where is None else ''}expect {text}: {error}", where) from error


class Expectations:
    """Expressions that have not been seen yet."""

    def __init__(self, wanted: Iterable[Expectation], consoles: Consoles) -> None:
        self.missing = list(dict.fromkeys(wanted))
        self.count = len(self.missing)
        self._consoles = consoles

    def see(self, line: Line, *, finished: bool = True) -> bool:  # noqa: ARG002 - one that goes on counts as well
        """Look at a line, finished or not; tell whether it was the last that was wanted."""
        before = len(self.missing)
        self.missing = [one for one in self.missing if not self._met(one, line)]
        return len(self.missing) < before and not self.missing

    def due(self) -> bytes:
        """Return nothing: nobody types."""
        return b""

    @property
    def done(self) -> bool:
        """All were seen, and there were some."""
        return bool(self.count) and not self.missing

    def _met(self, one: Expectation, line: Line) -> bool:
        return self._consoles.shows(one.console, line) and one.pattern.search(line.text) is not None
