"""Measures the block path: `python benchmarks/block.py [--rounds N] [--only PART] [--json FILE]`."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from benchmarks import datapath, guest_disk
from benchmarks.measure import BenchmarkError
from benchmarks.options import arguments, save
from sdfgen.linux.cache import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEFAULT_ROUNDS: Final = 5


class Part(NamedTuple):
    """A part of the report: how it is measured, and how it is shown."""

    measured: Callable[[int], dict[str, Any]]
    shown: Callable[[dict[str, Any]], Iterator[str]]


PARTS: Final = {
    "datapath": Part(datapath.measured, datapath.shown),
    "guest": Part(guest_disk.measured, guest_disk.shown),
}


def main() -> None:
    """Measure and report."""
    options = arguments("Measure the block path, ours beside qemu-storage-daemon.", DEFAULT_ROUNDS, PARTS)
    print(f"{time.strftime('%Y-%m-%d')}, load {os.getloadavg()[0]:.1f}, {options.rounds} rounds, medians\n", flush=True)
    reports: dict[str, Any] = {}
    for name in options.only:
        try:
            reports[name] = PARTS[name].measured(options.rounds)
        except UnavailableError as reason:
            print(f"{name}: not measured: {reason}\n", flush=True)
            continue
        print("\n".join(PARTS[name].shown(reports[name])) + "\n", flush=True)
    save(options.json, reports)


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmark: {error}")
