"""Tables that are told apart by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sdfgen.faults.fault import Fault, Faults

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from sdfgen.faults.source import Where

    class Named(Protocol):
        """A table with a name."""

        @property
        def name(self) -> str:
            """Its name."""

        def at(self, name: str) -> Where:
            """Return the place of a key."""


AnyNamed = TypeVar("AnyNamed", bound="Named")


def each_name_once(tables: Iterable[AnyNamed], what: str, advice: str, faults: Faults) -> list[AnyNamed]:
    """Return tables in the order of their names; of two with one name, the first.

    Args:
        tables: The tables.
        what: What they are, in the plural.
        advice: What to do about a name that is given twice.
        faults: Takes those.
    """
    found: dict[str, AnyNamed] = {}
    for table in tables:
        first = found.setdefault(table.name, table)
        if first is not table:
            message, notes = f"two {what} are called `{table.name}`", ((first.at("name"), "the other one is here"),)
            faults.add(Fault("SDF024", message, table.at("name"), advice, notes))
    return [found[name] for name in sorted(found)]
