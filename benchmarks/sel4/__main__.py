"""Measures the block path on seL4 in QEMU, row beside row: benchmarks/README.md."""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks.measure import ROOT, BenchmarkError, folder_for_disks, place
from benchmarks.sel4 import table
from benchmarks.sel4.cells import COUNTED, FIO, FULL, QUICK
from benchmarks.sel4.guest import write_guests
from benchmarks.sel4.options import arguments, makers
from benchmarks.sel4.rounds import machine, rounds, tell
from benchmarks.sel4.rows import RowError, counted, has_cores, limit_name
from sdfgen.linux.cache import UnavailableError, need_programs

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.sel4.cells import Pace
    from benchmarks.sel4.rows import Row
    from benchmarks.sel4.table import Boots

FOLDER: Final = os.path.join(ROOT, place("sel4"))


def main() -> None:
    """Measure and report."""
    options = arguments()
    need_programs("qemu-system-aarch64")
    if options.guests:
        write_guests(options.guests, fio=options.fio)
        return
    with folder_for_disks("sdfgen-bench") as disks:
        rows = list(_rows(options, disks))
        _measure(rows, options)


def _rows(options: argparse.Namespace, disks: str) -> Iterator[Row]:
    """Give the rows that can be made; tell of those that can't."""
    guests = write_guests(os.path.join(FOLDER, "guests"), fio=options.fio)
    for name, make in makers(options, guests, FOLDER, disks).items():
        tell(f"{name}: is made")
        try:
            yield make()
        except RowError as error:
            tell(f"left out: {error}")


def _measure(rows: Sequence[Row], options: argparse.Namespace) -> None:
    figures: dict[str, Boots] = {}

    def saving(kind: str) -> Callable[[Boots], None]:
        return functools.partial(_save, options.json, figures, kind)

    print(f"{time.strftime('%Y-%m-%d')}, {machine()}, {options.rounds} rounds, medians\n", flush=True)
    logs, pace = os.path.join(FOLDER, "log"), _pace(options)
    timed = [row for row in rows if has_cores(row)]
    for row in rows:
        if row not in timed:
            tell(f"{row.name}: no wall time, this host has fewer cores")
    if options.rounds and timed:
        boots = rounds(timed, options.rounds, pace, logs, saving("clock"))
        print("\n".join(_report(timed, boots)), flush=True)
    able = [row for row in map(counted, rows) if row is not None]
    if options.icount_rounds and able and not options.fio:
        boots = rounds(able, options.icount_rounds, COUNTED, os.path.join(logs, "icount"), saving("icount"))
        print("\nWith `-icount shift=0,sleep=on`, a nanosecond for an instruction of any core:\n")
        print("\n".join(_report(able, boots)), flush=True)


def _pace(options: argparse.Namespace) -> Pace:
    if options.fio:
        return FIO
    return QUICK if options.quick else FULL


def _report(rows: Sequence[Row], boots: Boots) -> Iterator[str]:
    limits = {limit_name(row.cores) for row in rows}
    columns = [
        table.Column(row.name, None if row.name in limits else limit_name(row.cores), len(row.mailboxes))
        for row in rows
    ]
    for lines in (table.rates, table.rates_of_two, table.machines):
        yield from lines(columns, boots)
        yield ""
    yield from table.troubles(columns, boots)


def _save(path: str | None, figures: dict[str, Boots], kind: str, boots: Boots) -> None:
    figures[kind] = boots
    if path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump({name: _plain(of_kind) for name, of_kind in figures.items()}, file, indent=1)


def _plain(boots: Boots) -> dict[str, list[dict[str, Any]]]:
    """Return what JSON has words for."""
    return {
        name: [
            boot._asdict() | {"loads": [cell._asdict() | load._asdict() for cell, load in boot.loads.items()]}
            for boot in of_row
        ]
        for name, of_row in boots.items()
    }


if __name__ == "__main__":
    try:
        main()
    except (BenchmarkError, UnavailableError) as error:
        sys.exit(f"benchmark: {error}")
