"""One boot of a row: QEMU, what its agents are told, and what all of it took."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from benchmarks.measure import BenchmarkError
from benchmarks.sel4.cells import Boot, Cell, Load, Pace, cells, rate
from benchmarks.sel4.mailbox import LostError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from benchmarks.sel4.mailbox import Mailbox
    from benchmarks.sel4.rows import Row

FOR_GOOD_MS: Final = 3_600_000
SETTLE_SECONDS: Final = 3
PATIENCE_SECONDS: Final = 5


def measured(row: Row, pace: Pace, log: str) -> Boot:
    """Boot a row and measure all its cells.

    Args:
        row: The row.
        pace: How long things take.
        log: The file for what the serial line and QEMU say.
    """
    for mailbox in row.mailboxes:
        mailbox.clear()
    loads: dict[Cell, Load] = {}
    trouble: list[str] = []
    boot_seconds = idle_cores = None
    with open(log, "wb") as output, running(row, output) as machine:
        try:
            boot_seconds = machine.booted(row.mailboxes, pace)
            _measure_loads(machine, row, pace, loads, trouble)
            idle_cores = _idle_cores(machine, row, pace)
        except BenchmarkError as error:
            trouble.append(str(error))
    return Boot(boot_seconds, loads, idle_cores, tuple(trouble))


class Machine:
    """QEMU while it runs."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def alive(self) -> bool:
        """Return whether it still runs."""
        return self._process.poll() is None

    def cpu_seconds(self) -> float:
        """Return the time on processors that it has used."""
        with open(f"/proc/{self._process.pid}/stat", encoding="ascii") as file:
            user, system = file.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def booted(self, mailboxes: tuple[Mailbox, ...], pace: Pace) -> float:
        """Wait until all agents answer; how long that took."""
        start = time.monotonic()
        for mailbox in mailboxes:
            mailbox.wait(pace.boot_seconds - (time.monotonic() - start), self.alive)
        return time.monotonic() - start

    def load(self, mailboxes: tuple[Mailbox, ...], cell: Cell, pace: Pace) -> Load:
        """Measure a cell with so many clients; all of them answer, or are lost, before this ends."""
        start, before = time.monotonic(), self.cpu_seconds()
        for mailbox in mailboxes:
            mailbox.tell(cell.command(pace))
        answers = [mailbox.wait(pace.load_seconds, self.alive) for mailbox in mailboxes]
        host_cores = (self.cpu_seconds() - before) / (time.monotonic() - start)
        return Load(sum(rate(answer, cell.block_bytes) for answer in answers), host_cores)


@contextmanager
def running(row: Row, output: BinaryIO) -> Iterator[Machine]:
    """Run a row's QEMU.

    Args:
        row: The row.
        output: Where what it says goes.
    """
    with subprocess.Popen(row.words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT) as process:
        try:
            yield Machine(process)
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def _measure_loads(machine: Machine, row: Row, pace: Pace, loads: dict[Cell, Load], trouble: list[str]) -> None:
    resting = False
    for cell in cells(len(row.mailboxes)):
        if cell.clients == 1 and not resting:
            _rest(machine, row.mailboxes[1:], pace)
            resting = True
        try:
            loads[cell] = machine.load(row.mailboxes[: cell.clients], cell, pace)
        except LostError:
            raise
        except BenchmarkError as error:
            trouble.append(f"{cell.command(pace)}: {error}")
    trouble += [f"{mailbox.name}: writes are not on the disk" for mailbox in row.mailboxes if not mailbox.was_written()]


def _rest(machine: Machine, mailboxes: tuple[Mailbox, ...], pace: Pace) -> None:
    for mailbox in mailboxes:
        mailbox.tell(f"rest {FOR_GOOD_MS}")
        mailbox.wait(pace.load_seconds, machine.alive)


def _idle_cores(machine: Machine, row: Row, pace: Pace) -> float | None:
    if not pace.idle_seconds:
        return None
    _rest(machine, row.mailboxes[:1], pace)
    time.sleep(SETTLE_SECONDS)
    start, before = time.monotonic(), machine.cpu_seconds()
    time.sleep(pace.idle_seconds)
    return (machine.cpu_seconds() - before) / (time.monotonic() - start)
