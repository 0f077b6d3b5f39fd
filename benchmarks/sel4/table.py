"""From the figures of all boots to the tables of the report."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.sel4.cells import KIB, MIB, cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.sel4.cells import Boot, Cell, Load

MISSING: Final = "-"

Boots = dict[str, list["Boot"]]
"""By the row's name, in the order of the rounds; a round in which a row was not booted has an empty one."""


class Column(NamedTuple):
    """A row of the measurement, which is a column where cells are many.

    Attributes:
        name: The row's.
        limit: Name of the row it is held against; None for a limit.
        clients: How many clients it has.
    """

    name: str
    limit: str | None
    clients: int


def median_rate(boots: Sequence[Boot], cell: Cell) -> float | None:
    """Return the median of a cell's bytes per second; None when no round has it."""
    rates = [boot.loads[cell].bytes_per_second for boot in boots if cell in boot.loads]
    return statistics.median(rates) if rates else None


def median_ratio(boots: Sequence[Boot], cell: Cell, others: Sequence[Boot], other: Cell) -> float | None:
    """Return the median of the ratios of two cells, each taken within a round, so that a slow moment meets both.

    Args:
        boots: Of the row that is judged.
        cell: Its cell.
        others: Of the row it is compared with.
        other: That one's cell.
    """
    ratios = [
        a.loads[cell].bytes_per_second / b.loads[other].bytes_per_second
        for a, b in zip(boots, others, strict=False)
        if cell in a.loads and other in b.loads
    ]
    return statistics.median(ratios) if ratios else None


def rates(columns: Sequence[Column], boots: Mapping[str, Sequence[Boot]]) -> Iterator[str]:
    """Give the table of one client's rates: MiB/s, and how much of its limit that is."""
    yield from _head(["MiB/s, one client (of the limit)", *(column.name for column in columns)])
    for cell in cells(1):
        yield _line([_cell_name(cell), *(_rate(column, boots, cell) for column in columns)])


def rates_of_two(columns: Sequence[Column], boots: Mapping[str, Sequence[Boot]]) -> Iterator[str]:
    """Give the table of two busy clients' rates: MiB/s of both, and how much of one client's alone that is."""
    columns = [column for column in columns if column.clients > 1]
    yield from _head(["MiB/s, two clients together (of one alone)", *(column.name for column in columns)])
    for cell in cells(2):
        if cell.clients > 1:
            yield _line([_cell_name(cell), *(_rate_of_two(column, boots, cell) for column in columns)])


def machines(columns: Sequence[Column], boots: Mapping[str, Sequence[Boot]]) -> Iterator[str]:
    """Give the table of what a row takes of the host."""
    yield from _head(["", "boot, s", "idle, % of a host core", "host cores, busiest load", "rounds, of their median"])
    for column in columns:
        of_row = boots[column.name]
        boot = [each.boot_seconds for each in of_row if each.boot_seconds is not None]
        idle = [each.idle_cores * 100 for each in of_row if each.idle_cores is not None]
        words = [_median(boot, "{:.0f}"), _median(idle, "{:.1f}"), _busiest(of_row), _spread(of_row)]
        yield _line([column.name, *words])


def troubles(columns: Sequence[Column], boots: Mapping[str, Sequence[Boot]]) -> Iterator[str]:
    """Give a line for all that went wrong."""
    for column in columns:
        for number, boot in enumerate(boots[column.name], start=1):
            yield from (f"{column.name}, round {number}: {text}" for text in boot.trouble)


def _rate(column: Column, boots: Mapping[str, Sequence[Boot]], cell: Cell) -> str:
    own = boots[column.name]
    limit = None if column.limit is None else median_ratio(own, cell, boots.get(column.limit, ()), cell)
    return _with_ratio(median_rate(own, cell), limit)


def _rate_of_two(column: Column, boots: Mapping[str, Sequence[Boot]], cell: Cell) -> str:
    own = boots[column.name]
    return _with_ratio(median_rate(own, cell), median_ratio(own, cell, own, cell._replace(clients=1)))


def _with_ratio(bytes_per_second: float | None, ratio: float | None) -> str:
    if bytes_per_second is None:
        return MISSING
    shown = _short(bytes_per_second / MIB)
    return shown if ratio is None else f"{shown} ({_short(ratio * 100)} %)"


def _short(value: float) -> str:
    """Return a number with two or three digits that mean something."""
    digits = 2 if value < 1 else 1 if value < 100 else 0  # noqa: PLR2004 - where a digit more says nothing
    return f"{value:.{digits}f}"


def _cell_name(cell: Cell) -> str:
    size = f"{cell.block_bytes // MIB} MiB" if cell.block_bytes >= MIB else f"{cell.block_bytes // KIB} KiB"
    return f"{cell.direction} {size}, depth {cell.depth}"


def _median(values: Sequence[float], form: str) -> str:
    return form.format(statistics.median(values)) if values else MISSING


def _by_cell(boots: Sequence[Boot]) -> Iterator[list[Load]]:
    """Give the loads of each cell, in the order of the rounds."""
    for cell in dict.fromkeys(cell for boot in boots for cell in boot.loads):
        yield [boot.loads[cell] for boot in boots if cell in boot.loads]


def _busiest(boots: Sequence[Boot]) -> str:
    cores = [statistics.median(load.host_cores for load in loads) for loads in _by_cell(boots)]
    return f"{max(cores):.1f}" if cores else MISSING


def _spread(boots: Sequence[Boot]) -> str:
    """Return how far the rounds of a cell lie apart: the median over all cells of smallest and largest."""
    lows, highs = [], []
    for loads in _by_cell(boots):
        found = [load.bytes_per_second for load in loads]
        middle = statistics.median(found)
        lows.append(min(found) / middle)
        highs.append(max(found) / middle)
    return f"{statistics.median(lows):.2f} to {statistics.median(highs):.2f}" if lows else MISSING


def _head(names: Sequence[str]) -> Iterator[str]:
    yield _line(names)
    yield _line(["---", *("---:" for _ in names[1:])])


def _line(words: Sequence[str]) -> str:
    return f"| {' | '.join(words)} |"
