"""What protection domains have counted, read from their pages in memory, as tables."""

from __future__ import annotations

import struct
from itertools import groupby
from typing import TYPE_CHECKING, Final

from sdfgen.model.counted import COLUMNS
from sdfgen.run.status import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sdfgen.model.counted import Counted
    from sdfgen.model.system import System

    Read = Callable[[int, int], bytes]

# templates/c/include/sdfgen/counters.h: struct counters_page.
_MAGIC: Final = b"SDFGCNTR"
_HEADER_BYTES: Final = 64
_ROW: Final = struct.Struct("<8Q")
_NOT_BEGUN: Final = "has not begun"


def check_counted(system: System) -> None:
    """Refuse a system whose counters nobody can see.

    Raises:
        UsageError: It has no page of counters, or one whose address is not known.
    """
    if not system.counted:
        raise UsageError("--stats: nothing is counted in this system", system.origin.at("name"), "add [monitor]")
    addresses = _addresses(system)
    unknown = next((counted for counted in system.counted if addresses[counted.region] is None), None)
    if unknown is not None:
        where = system.region_index()[unknown.region].origin.at("name")
        raise UsageError(f"--stats: Microkit places `{unknown.region}`, and its address is not known here", where)


def stats(system: System, read: Read) -> str:
    """Return all counters as tables, one for each kind of row.

    Args:
        system: The system.
        read: Returns what lies in physical memory, from an address on and of a size.
    """
    rows = [row for counted in system.counted for row in _rows(system, counted, read)]
    rows.sort(key=lambda row: list(COLUMNS).index(row[0]))
    tables = ([("", *COLUMNS[kind]), *(row[1:] for row in group)] for kind, group in groupby(rows, lambda row: row[0]))
    return "\n".join(map(_table, tables))


def _addresses(system: System) -> dict[str, int | None]:
    return {region.name: region.phys_addr for region in system.regions}


def _rows(system: System, counted: Counted, read: Read) -> list[tuple[str, ...]]:
    """Return a page's rows: kind, name, and numbers."""
    page = read(_addresses(system)[counted.region] or 0, _HEADER_BYTES + _ROW.size * len(counted.rows))
    names = [f"{counted.pd} {row.name}".rstrip() for row in counted.rows]
    if not page.startswith(_MAGIC):
        return [(counted.rows[0].kind, names[0], _NOT_BEGUN)]
    found = []
    for number, row in enumerate(counted.rows):
        values = _ROW.unpack_from(page, _HEADER_BYTES + _ROW.size * number)
        if number and not any(values):
            continue  # as of a console, which counts nothing
        found.append((row.kind, names[number], *map(str, values[: len(COLUMNS[row.kind])])))
    return found


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Align columns: names to the left, numbers to the right."""
    whole = [row for row in rows if len(row) == len(rows[0])]
    widths = [max(len(row[column]) for row in whole) for column in range(len(rows[0]))]
    widths[0] = max(len(row[0]) for row in rows)
    return "".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=False))]
        )
        + "\n"
        for row in rows
    )
