"""How long a client's write waits on seL4 while another client starts again: the longest of 4 KiB, one after the other.

python -m benchmarks.sel4.restarts --row 2.3.0=SDK:LIBVMM:debug:1 --icount 3
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.measure import BenchmarkError
from benchmarks.sel4.__main__ import FOLDER
from benchmarks.sel4.cells import FULL
from benchmarks.sel4.rounds import tell
from benchmarks.sel4.rows import ROW_FORM, wanted
from benchmarks.sel4.session import running
from benchmarks.sel4.shares import ICOUNT_HELP, systems
from sdfgen.linux.cache import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.sel4.rows import Row
    from benchmarks.sel4.session import Machine

MEASURED_MS: Final = 5000
"""A guest's images are copied long before."""
AFTER_MS: Final = 500
PATIENCE_SECONDS: Final = 400
GOAL_MS: Final = 50
HEAD: Final = "| | longest write, ms, alone | beside a restart | ms after the reset | |\n|---|---:|---:|---:|---|"


class Longest(NamedTuple):
    """The longest of many writes.

    Attributes:
        ms: How long it took.
        began_ms: When it began.
    """

    ms: float
    began_ms: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sel4.restarts", description=__doc__)
    parser.add_argument("--row", action="append", default=[], type=wanted, metavar=ROW_FORM)
    parser.add_argument("--restarts", type=int, default=6, help="of one boot (default %(default)s)")
    parser.add_argument("--icount", type=int, metavar="SHIFT", help=ICOUNT_HELP)
    options = parser.parse_args()
    for row in systems(options, "restarts", HEAD):
        for alone, beside in _boot(row, options.restarts):
            print(_line(row.name, alone, beside), flush=True)


def _line(name: str, alone: Longest, beside: Longest) -> str:
    outcome = "met" if beside.ms < GOAL_MS else "MISSED"
    return f"| {name} | {alone.ms:.1f} | {beside.ms:.1f} | {beside.began_ms - AFTER_MS:.0f} | {outcome} |"


def _boot(row: Row, count: int) -> Iterator[tuple[Longest, Longest]]:
    """Give for each restart the longest write without and with it."""
    for mailbox in row.mailboxes:
        mailbox.clear()
    with open(os.path.join(FOLDER, f"restarts-{row.name}.log"), "wb") as log, running(row, log) as qemu:
        qemu.booted(row.mailboxes, FULL)
        for _ in range(count):
            alone = _longest(row, qemu)
            beside = _longest(row, qemu, restarts=True)
            tell(f"{row.name}: {alone.ms:.1f} ms, {beside.ms:.1f} beside a restart")
            yield alone, beside


def _longest(row: Row, qemu: Machine, *, restarts: bool = False) -> Longest:
    other, victim = row.mailboxes
    victim.tell(f"gaps {MEASURED_MS}")
    if restarts:
        other.tell(f"attack reset {AFTER_MS}")
        other.wait(PATIENCE_SECONDS, qemu.alive)
        other.clear()
    _, longest_ns, began_ns = (int(word) for word in victim.wait(PATIENCE_SECONDS, qemu.alive))
    if restarts:
        other.wait(PATIENCE_SECONDS, qemu.alive)
    return Longest(longest_ns / 1e6, began_ns / 1e6)


if __name__ == "__main__":
    try:
        main()
    except (BenchmarkError, UnavailableError) as error:
        sys.exit(f"benchmark: {error}")
