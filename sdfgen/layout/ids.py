"""Channel and interrupt ids that are free."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Ids:
    """Channel and interrupt ids, per protection domain; explicit ones are never handed out."""

    def __init__(self, explicit: Iterable[tuple[str, int]] = ()) -> None:
        self._used: dict[str, set[int]] = {}
        for pd, number in explicit:
            self._used.setdefault(pd, set()).add(number)

    def next(self, pd: str) -> int:
        """Return the lowest free id of a protection domain and take it."""
        used = self._used.setdefault(pd, set())
        number = 0
        while number in used:
            number += 1
        used.add(number)
        return number
