"""What the author of a description is told: faults with a code, a place and a way out."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.faults.place import Span
    from sdfgen.faults.source import Where


class Fault(NamedTuple):
    """One thing that is wrong with a description.

    Attributes:
        code: Stable code, `SDF0nn`; `sdfgen explain CODE` tells more.
        message: What is wrong.
        where: The place to change.
        advice: What to do about it.
        notes: Other places that take part, each with what it has to do with the fault.
        severity: `error`, `warning` or `note`.
        span: The place when the parser knows it better than `where`.
    """

    code: str
    message: str
    where: Where
    advice: str = ""
    notes: tuple[tuple[Where, str], ...] = ()
    severity: str = "error"
    span: Span | None = None

    @property
    def place(self) -> Span:
        """Line, column and width of the fault."""
        return self.span or self.where.span


MOST_ALIKE = 200
"""Faults of one code and severity that are told: nobody reads more, and a file may have a hundred thousand."""


class Faults:
    """Collects faults, each once, and of those that are alike the first."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, object, object], Fault] = {}
        self._alike: dict[tuple[str, str], int] = {}
        self._is_hard = False

    def harden(self) -> None:
        """Let warnings be errors: those that are there, and all that come."""
        self._is_hard = True
        found, self._found, self._alike = self._found, {}, {}
        self.extend(found.values())

    def add(self, fault: Fault) -> None:
        """Add a fault; the same message at the same place counts once."""
        if self._is_hard and fault.severity == "warning":
            fault = fault._replace(severity="error")
        key = (fault.code, fault.message, fault.where, fault.span)
        kind = (fault.code, fault.severity)
        count = self._alike.get(kind, 0)
        if key in self._found or count > MOST_ALIKE:
            return
        self._alike[kind] = count + 1
        if count == MOST_ALIKE:
            fault = fault._replace(message="there are more like this, which are not told", advice="", notes=())
        self._found[key] = fault

    def full(self, code: str) -> bool:
        """Tell whether no more errors of a code are taken."""
        return self._alike.get((code, "error"), 0) > MOST_ALIKE

    def extend(self, faults: Iterable[Fault]) -> None:
        """Add several faults."""
        for fault in faults:
            self.add(fault)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found)

    @property
    def errors(self) -> int:
        """How many of them are errors."""
        return sum(fault.severity == "error" for fault in self)

    def sorted(self) -> list[Fault]:
        """Return them in the order of the text: by file, line, column and code."""
        return sorted(self, key=lambda f: (f.where.source.name, f.place, f.code, f.message))


_MOST_NAMES = 1000
"""Among more, looking for the nearest takes longer than it helps."""


def nearest(wrong: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like another; None where none is much like it."""
    from difflib import get_close_matches

    names = list(islice(known, _MOST_NAMES + 1))
    near = get_close_matches(wrong, names, n=1, cutoff=0.6) if len(names) <= _MOST_NAMES else []
    return near[0] if near else None


def suggestion(wrong: str, known: Iterable[str]) -> str:
    """Return ` (did you mean `x`?)` for the nearest known name, or nothing."""
    near = nearest(wrong, known)
    return f" (did you mean `{near}`?)" if near else ""
