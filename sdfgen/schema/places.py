"""Where tables stand in a file, and so which key belongs where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sdfgen.records import NamedTuple
from sdfgen.schema.editors import table_in
from sdfgen.schema.table import Many, OneOrMany

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.schema.table import Table

_UNKNOWN_KEY: Final = "SDF004"
_INCLUDE: Final = "include"
"""A key of files, of which no table knows."""
_TOP: Final = "at the top of the file, above all tables"
_MOST_HOMES: Final = 3
"""Tables that are told to have a key: of more, none says anything."""


class PlacedTable(NamedTuple):
    """A table where it stands in a file.

    Attributes:
        path: The keys that lead to it, with dots between; "" is the file itself.
        table: What may stand in it.
        is_array: There may be several.
    """

    path: str
    table: type[Table]
    is_array: bool

    @property
    def heading(self) -> str:
        """As a file begins it; nothing for the file itself."""
        return self.path and (f"[[{self.path}]]" if self.is_array else f"[{self.path}]")

    @property
    def home(self) -> str:
        """In words, where a key of it belongs."""
        return f"to {self.heading}" if self.heading else _TOP


def placed_tables(root: type[Table]) -> list[PlacedTable]:
    """Return all tables of a file, each where it stands; one that holds itself once.

    Args:
        root: The table that the file is.
    """
    return list(_placed(PlacedTable("", root, is_array=False), frozenset({root})))


def _placed(outer: PlacedTable, seen: frozenset[type[Table]]) -> Iterator[PlacedTable]:
    yield outer
    for name, wanted in outer.table.keys.items():
        inner = table_in(wanted.reader)
        if inner is not None and inner not in seen:
            is_array = isinstance(wanted.reader, Many) and not isinstance(wanted.reader, OneOrMany)
            path = f"{outer.path}.{name}" if outer.path else name
            yield from _placed(PlacedTable(path, inner, is_array), seen | {inner})


def with_home(fault: Fault, root: type[Table]) -> Fault:
    """Return a fault, of an unknown key with the tables that have one of that name.

    Args:
        fault: The fault.
        root: The table that the file is.
    """
    key = fault.where.path[-1] if fault.where.path else None
    if fault.code != _UNKNOWN_KEY or not isinstance(key, str) or "did you mean" in fault.message:
        return fault
    own = [placed.home for placed in placed_tables(root) if key in placed.table.keys]
    homes = [_TOP] if key == _INCLUDE else own
    if not 0 < len(homes) <= _MOST_HOMES:
        return fault
    return fault._replace(advice=f"{fault.advice}; `{key}` belongs {' or '.join(homes)}")
