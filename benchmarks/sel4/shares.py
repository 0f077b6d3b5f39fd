"""What one client keeps on seL4 while another attacks: its share of 4 KiB writes at depth 1, and of the core.

python -m benchmarks.sel4.shares --row 2.3.0=SDK:LIBVMM:debug:1 --row 2.0.1=SDK:LIBVMM:debug:1 --icount 3
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.measure import BenchmarkError, folder_for_disks
from benchmarks.sel4.__main__ import FOLDER
from benchmarks.sel4.cells import FULL, KIB, MIB, rate
from benchmarks.sel4.guest import write_guests
from benchmarks.sel4.mailbox import LostError
from benchmarks.sel4.rounds import machine, tell
from benchmarks.sel4.rows import ROW_FORM, system_row, wanted
from benchmarks.sel4.session import running
from sdfgen.linux.cache import UnavailableError, need_programs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.sel4.mailbox import Mailbox
    from benchmarks.sel4.rows import Row
    from benchmarks.sel4.session import Machine

MEASURED_MS: Final = 2000
WARM_UP_MS: Final = 300
ATTACK_MS: Final = 12_000
"""Longer than both measurements; what is left of it is waited for."""
PATIENCE_SECONDS: Final = 300
FAILURE_SECONDS: Final = 15
"""Until an agent has told that it can't do for ever what it should."""
LOADS: Final = {
    "the same": f"load write {4 * KIB} 1 0 {ATTACK_MS}",
    "depth 32": f"load write {4 * KIB} 32 0 {ATTACK_MS}",
    "1 MiB, depth 4": f"load write {MIB} 4 0 {ATTACK_MS}",
}
ATTACKS: Final = ("zeroes", "discard", "spin", "gicd", "sgi", "kicks", "console")
LAST_WORDS: Final = ("storm-refused", "storm-served", "panic")
"""From which an attacker does not come back."""
DISK: Final = {*LOADS, "zeroes", "discard", "storm-served"}
HEAD: Final = "| | attack | writes | core | |\n|---|---|---:|---:|---|"
ICOUNT_HELP: Final = "an instruction takes 2^SHIFT ns, whatever else the host does; about as fast as QEMU: 3"
CONSOLE: Final = "\n[console]\n"
CONSOLE_HELP: Final = "guests have consoles on the UART, instead of the kernel's output"
CORE_GOAL: Final = 0.45
WRITES_GOAL: Final = 0.40
WRITES_GOAL_AT_THE_DISK: Final = 0.35


class Figures(NamedTuple):
    """What a client gets done in a second.

    Attributes:
        writes: Requests.
        rounds: Of counting.
    """

    writes: float
    rounds: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sel4.shares", description=__doc__)
    parser.add_argument("--row", action="append", default=[], type=wanted, metavar=ROW_FORM)
    parser.add_argument("--only", action="append", metavar="ATTACK", help="only this attack; may be repeated")
    parser.add_argument("--rounds", type=int, default=1, help="boots of each kind (default %(default)s)")
    parser.add_argument("--icount", type=int, metavar="SHIFT", help=ICOUNT_HELP)
    parser.add_argument("--console", action="store_true", help=CONSOLE_HELP)
    options = parser.parse_args()
    for row in systems(options, "shares", HEAD, CONSOLE if options.console else ""):
        for line in _lines(row, options.only or (*LOADS, *ATTACKS, *LAST_WORDS), options.rounds):
            print(line, flush=True)


def systems(options: argparse.Namespace, kind: str, head: str, more: str = "") -> Iterator[Row]:
    """Print the head of a table, and give each system that is asked for, built and with disks, to be run.

    Args:
        options: The command line: `row`, and the shift of `icount` or None.
        kind: What is measured, which names the folders.
        head: The table's.
        more: Tables that the descriptions have besides.
    """
    need_programs("qemu-system-aarch64")
    guests = write_guests(os.path.join(FOLDER, "guests"))
    print(f"{time.strftime('%Y-%m-%d')}, {machine()}\n\n{head}", flush=True)
    with folder_for_disks("sdfgen-bench") as disks:
        for each in options.row:
            place = f"{kind}-{each.name}"
            row = system_row(each, guests, os.path.join(FOLDER, place), os.path.join(disks, place), more)
            yield row._replace(words=(*row.words, *_clock(options.icount)))


def _clock(shift: int | None) -> tuple[str, ...]:
    """Return QEMU's words for a clock that counts instructions; none for the host's."""
    return () if shift is None else ("-icount", f"shift={shift},sleep=on")


def _lines(row: Row, names: Sequence[str], count: int) -> Iterator[str]:
    """Give a line for each attack: medians of the boots."""
    shares: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    together = [name for name in names if name not in LAST_WORDS]
    boots = [*([together] if together else []), *([name] for name in names if name in LAST_WORDS)]
    for _ in range(count):
        for attacks in boots:
            try:
                for name, share in _boot(row, attacks):
                    shares[name].append(share)
                    tell(f"{row.name}, {name}: {share[0]:.2f} ({share[1]:.2f})")
            except BenchmarkError as error:
                tell(f"{row.name}: {error}")
    yield from (_line(row.name, name, found) for name, found in shares.items())


def _line(row: str, name: str, found: Sequence[tuple[float, float]]) -> str:
    if not found:
        return f"| {row} | {name} | - | - | not measured |"
    writes, core = (statistics.median(values) for values in zip(*found, strict=True))
    goal = WRITES_GOAL_AT_THE_DISK if name in DISK else WRITES_GOAL
    met = writes >= goal and core >= CORE_GOAL
    return f"| {row} | {name} | {writes:.2f} | {core:.2f} | {'met' if met else 'MISSED'} |"


def _boot(row: Row, attacks: Sequence[str]) -> Iterator[tuple[str, tuple[float, float]]]:
    """Give the shares beside each attack, of what is done beside a client that rests."""
    for mailbox in row.mailboxes:
        mailbox.clear()
    with open(os.path.join(FOLDER, f"shares-{row.name}.log"), "wb") as log, running(row, log) as qemu:
        qemu.booted(row.mailboxes, FULL)
        alone = _figures(row, qemu)
        for name in attacks:
            attacker = row.mailboxes[0]
            attacker.tell(LOADS.get(name, f"attack {name} {ATTACK_MS}"))
            if name not in LOADS:
                attacker.wait(PATIENCE_SECONDS, qemu.alive)
            beside = _figures(row, qemu)
            if name in LOADS:
                attacker.wait(PATIENCE_SECONDS, qemu.alive)
            _end(attacker, name, qemu)
            yield name, (beside.writes / alone.writes, beside.rounds / alone.rounds)


def _end(attacker: Mailbox, name: str, qemu: Machine) -> None:
    """Wait until an attack is over; that there was none is an error."""
    attacker.tell("rest 50")
    try:
        attacker.wait(FAILURE_SECONDS if name in LAST_WORDS else PATIENCE_SECONDS, qemu.alive)
    except LostError:
        if name not in LAST_WORDS or not qemu.alive():
            raise


def _figures(row: Row, qemu: Machine) -> Figures:
    victim = row.mailboxes[1]
    victim.tell(f"load write {4 * KIB} 1 {WARM_UP_MS} {MEASURED_MS}")
    writes = rate(victim.wait(PATIENCE_SECONDS, qemu.alive), 1)
    victim.tell(f"count {MEASURED_MS}")
    return Figures(writes, rate(victim.wait(PATIENCE_SECONDS, qemu.alive), 1))


if __name__ == "__main__":
    try:
        main()
    except (BenchmarkError, UnavailableError) as error:
        sys.exit(f"benchmark: {error}")
