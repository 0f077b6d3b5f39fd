"""The command line, and the rows that it asks for."""

from __future__ import annotations

import argparse
import functools
import os
from typing import TYPE_CHECKING, Final

from benchmarks.sel4.rows import PEER_FORM, ROW_FORM, limit_name, limit_row, peer, peer_row, system_row, wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.sel4.guest import Guests
    from benchmarks.sel4.rows import Row

DEFAULT_ROUNDS: Final = 5
DEFAULT_COUNTED_ROUNDS: Final = 1


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sel4", description="Measure the block path on seL4 in QEMU, row beside row."
    )
    parser.add_argument("--row", action="append", default=[], type=wanted, metavar=ROW_FORM)
    parser.add_argument("--peer", action="append", default=[], type=peer, metavar=PEER_FORM, help="QEMU's words")
    parser.add_argument("--only", action="append", metavar="NAME", help="only this row or limit; may be repeated")
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS, help="measured rounds (default %(default)s)")
    parser.add_argument(
        "--icount-rounds",
        type=int,
        default=DEFAULT_COUNTED_ROUNDS,
        help="rounds in which QEMU counts instructions, where one core runs (default %(default)s)",
    )
    parser.add_argument("--quick", action="store_true", help="shorter loads, to see that all works")
    parser.add_argument("--fio", action="store_true", help="loads by fio, and by the clock only")
    parser.add_argument("--guests", metavar="FOLDER", help="only write the guests' files there, for a peer's image")
    parser.add_argument("--json", metavar="FILE", help="write the figures to a file too")
    return parser.parse_args()


def makers(options: argparse.Namespace, guests: Guests, folder: str, disks: str) -> dict[str, Callable[[], Row]]:
    """Return how each row is made, the limits last: one for each number of cores that a row has.

    Args:
        options: The command line.
        guests: The guests' files.
        folder: Where what is built goes.
        disks: Where disks go.
    """
    limits = sorted({*(row.cores for row in options.row), *([1] if options.peer else [])})
    kind, clients = ("fio", 1) if options.fio else ("cores", 2)
    ours = functools.partial(system_row, kind=kind)
    limit = functools.partial(limit_row, kind=kind, clients=clients)
    found: dict[str, Callable[[], Row]] = {
        row.name: functools.partial(ours, row, guests, _place(folder, row.name), _place(disks, row.name))
        for row in options.row
    }
    found |= {row.name: functools.partial(peer_row, row, _place(disks, row.name)) for row in options.peer}
    found |= {
        limit_name(cores): functools.partial(limit, cores, guests, _place(disks, limit_name(cores))) for cores in limits
    }
    return {name: make for name, make in found.items() if not options.only or name in options.only}


def _place(folder: str, name: str) -> str:
    return os.path.join(folder, "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in name))
