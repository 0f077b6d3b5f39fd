"""Boots all rows in turn, round after round."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final

from benchmarks.sel4.cells import Boot
from benchmarks.sel4.session import measured

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.sel4.cells import Pace
    from benchmarks.sel4.rows import Row
    from benchmarks.sel4.table import Boots

ENOUGH_FAILED: Final = 2
"""A row that did not boot so often is not booted again."""
LEFT_OUT: Final = Boot(None, {}, None, ())


def tell(text: str) -> None:
    """Say how far it has come."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def machine() -> str:
    """Return what is known of the host."""
    return f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"


def rounds(rows: Sequence[Row], count: int, pace: Pace, logs: str, save: Callable[[Boots], None]) -> Boots:
    """Measure all rows, each once a round.

    Args:
        rows: The rows.
        count: How many rounds.
        pace: How long things take.
        logs: The folder for what they say.
        save: What is done with the figures after each round.
    """
    boots: Boots = {row.name: [] for row in rows}
    os.makedirs(logs, exist_ok=True)
    for number in range(1, count + 1):
        for row in rows:
            boots[row.name].append(_boot(row, boots[row.name], pace, os.path.join(logs, f"{row.name}-{number}.log")))
            tell(f"round {number} of {count}, {row.name}: {_outcome(boots[row.name][-1])}; {machine()}")
        save(boots)
    return boots


def _boot(row: Row, before: Sequence[Boot], pace: Pace, log: str) -> Boot:
    if sum(boot.boot_seconds is None for boot in before) >= ENOUGH_FAILED:
        return LEFT_OUT
    return measured(row, pace, log)


def _outcome(boot: Boot) -> str:
    if boot is LEFT_OUT:
        return "left out, it did not boot before"
    seconds = "not booted" if boot.boot_seconds is None else f"booted in {boot.boot_seconds:.0f} s"
    return "; ".join([f"{seconds}, {len(boot.loads)} loads", *boot.trouble])
