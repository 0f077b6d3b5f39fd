"""dd in Linux guests on seL4 in QEMU: one client, two at once, and the same kernel directly on QEMU as the limit."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from benchmarks.measure import BenchmarkError
from tests.guest.cache import UnavailableError, need_programs
from tests.guest.client_vm import write_initrd
from tests.guest.cpio import Cpio
from tests.guest.guests import driver_guest
from tests.sel4.trial import VARIABLES, sdfgen_words, write_description, write_driver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SCRIPT: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest", "dd.sh")
QEMU: Final = "qemu-system-aarch64"
MIB: Final = 1 << 20
DISK_MIB: Final = 64
LOADS: Final = {4 << 10: 400, 64 << 10: 100, MIB: 40}
"""Requests by their size in bytes."""
GOALS_MIB_S: Final = {4 << 10: 4, 64 << 10: 60, MIB: 200}
CLIENTS: Final = ("client1", "client2")
IDLE_SECONDS: Final = 10
SETTLE_SECONDS: Final = 5
TIMEOUT_SECONDS: Final = 400
RATE: Final = re.compile(r"^(?:(\w+)\| )?@@ rate (\w+) (\d+) (\d+) ([\d.]+)")

Rates = dict[tuple[str, int], float]
"""Bytes per second by direction and request size."""


def _initrd(folder: str, name: str, role: str) -> str:
    extra = Cpio()
    extra.copy("test/run", SCRIPT)
    extra.file("test/role", role.encode())
    extra.file("test/loads", "".join(f"{size} {count}\n" for size, count in LOADS.items()).encode())
    return write_initrd(driver_guest(), os.path.join(folder, name), extra)


def _write_project(folder: str, roles: Sequence[str]) -> None:
    clients = {name: f'disk = [{{ partition = {number} }}]\nbootargs = "quiet"' for number, name in enumerate(CLIENTS)}
    write_description(Path(folder), driver_guest().kernel, clients)
    write_driver(driver_guest(), Path(folder, "driver"))
    for name, role in zip(CLIENTS, roles, strict=True):
        _initrd(folder, name, role)


@contextmanager
def _session(words: Sequence[str], folder: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        try:
            yield process, process.stdout
        finally:
            process.terminate()


def _on_sel4(folder: str) -> list[str]:
    size = ("--disk-size", f"{DISK_MIB}MiB", "--timeout", str(TIMEOUT_SECONDS))
    return sdfgen_words("run", *size, "-o", os.path.join(folder, "build"))


def _rates(output: IO[str], wanted: int) -> dict[str, Rates]:
    """Read lines until as many clients are done."""
    found: dict[str, Rates] = {}
    for line in output:
        match = RATE.match(line)
        if match:
            client, direction, size, count, seconds = match.groups()
            found.setdefault(client or "", {})[direction, int(size)] = int(size) * int(count) / float(seconds)
        wanted -= "@@ done" in line
        if wanted == 0:
            return found
    raise BenchmarkError("the guests ended before they had measured")


def _busy(roles: Sequence[str]) -> Rates:
    """Return what the busy clients move together."""
    with tempfile.TemporaryDirectory(prefix="sdfgen-bench") as folder:
        _write_project(folder, roles)
        with _session(_on_sel4(folder), folder) as (_, output):
            found = _rates(output, roles.count("busy"))
    return {key: sum(rates[key] for rates in found.values()) for key in next(iter(found.values()))}


def _limit() -> Rates:
    with tempfile.TemporaryDirectory(prefix="sdfgen-bench") as folder:
        initrd, disk = _initrd(folder, "initrd", "busy"), os.path.join(folder, "disk")
        with open(disk, "wb") as file:
            file.truncate(DISK_MIB * MIB)
        words = [QEMU, "-machine", "virt", "-cpu", "cortex-a53", "-m", "512", "-display", "none", "-serial", "stdio"]
        words += ["-monitor", "none", "-kernel", driver_guest().kernel, "-initrd", initrd, "-append", "quiet"]
        words += ["-drive", f"file={disk},format=raw,if=none,id=disk", "-device", "virtio-blk-device,drive=disk"]
        with _session(words, folder) as (_, output):
            return _rates(output, 1)[""]


def _cpu_seconds(process: int) -> float:
    """Return what a process and the one that it started have used."""
    with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
        (child,) = file.read().split()
    with open(f"/proc/{child}/stat", encoding="ascii") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _idle_share() -> float:
    """Return which share of a core QEMU takes while the driver and two clients have nothing to do."""
    with tempfile.TemporaryDirectory(prefix="sdfgen-bench") as folder:
        _write_project(folder, ("idle", "idle"))
        with _session(_on_sel4(folder), folder) as (process, output):
            waiting = len(CLIENTS)
            for line in output:
                waiting -= "@@ idle" in line
                if waiting == 0:
                    break
            time.sleep(SETTLE_SECONDS)
            before = _cpu_seconds(process.pid)
            time.sleep(IDLE_SECONDS)
            return (_cpu_seconds(process.pid) - before) / IDLE_SECONDS


def measured(rounds: int) -> dict[str, Any]:
    """Boot everything so many times.

    Args:
        rounds: How often.

    Raises:
        UnavailableError: Something that this needs is not there.
    """
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if missing:
        raise UnavailableError(f"not set: {', '.join(missing)}")
    need_programs(QEMU)
    sessions = [
        {"alone": _busy(("busy", "idle")), "two": _busy(("busy", "busy")), "limit": _limit()} for _ in range(rounds)
    ]
    rows = [
        {
            "direction": direction,
            "bytes": size,
            **{kind: statistics.median(s[kind][direction, size] for s in sessions) for kind in sessions[0]},
        }
        for direction, size in sessions[0]["alone"]
    ]
    return {"rows": rows, "idle_share": _idle_share()}


def shown(report: dict[str, Any]) -> Iterator[str]:
    """Give a report's lines.

    Args:
        report: What was measured.
    """
    yield "dd in a client on seL4 (QEMU TCG, depth 1, direct), MiB/s; the limit is the same kernel directly on QEMU"
    for row in report["rows"]:
        alone, two, limit = (row[kind] / MIB for kind in ("alone", "two", "limit"))
        goal = GOALS_MIB_S[row["bytes"]]
        milliseconds = row["bytes"] / row["alone"] * 1000
        yield (
            f"    {row['direction']:<5} {row['bytes'] >> 10:>5} KiB  alone {alone:7.2f} ({milliseconds:5.2f} ms)  "
            f"two {two:7.2f} ({two / alone:.2f})  limit {limit:7.1f}  goal {goal}: "
            f"{'met' if alone >= goal else 'MISSED'}"
        )
    yield f"    all guests idle: {report['idle_share']:.1%} of a core"
