"""fio in a Linux guest: this project's device beside qemu-storage-daemon's vhost-user-blk export, on one file."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from benchmarks.measure import BenchmarkError, Spread, folder_for_disks, place, spread
from sdfgen.build.toolchain import WARNINGS
from sdfgen.linux.cache import UnavailableError
from sdfgen.linux.cpio import Cpio
from tests.guest.backend import OWN_C, Backend, Client, sources
from tests.guest.client_vm import boot_with, write_initrd
from tests.guest.disks import Disk
from tests.guest.guests import client_guest
from tests.native.toolchain import TEMPLATES_C
from tests.native.toolchain import run as run_compiler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.guest.machine import Machine

SCRIPT: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest", "fio.sh")
DISK_MIB: Final = 256
LOADS: Final = ("randread-4k", "randwrite-4k", "read-1m", "write-1m")
OURS, PEER = "vda", "vdb"
SECONDS: Final = 4
BOOT_SECONDS: Final = 120
LOAD_SECONDS: Final = 120
SOCKET_SECONDS: Final = 10
RATIO_GOAL: Final = 1.0


def optimised_backend() -> str:
    """Compile the back end as it would be used, without sanitizers."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise UnavailableError("no C compiler is installed (Debian: gcc)")
    includes = ("-I", os.path.join(TEMPLATES_C, "include"), "-I", os.path.join(OWN_C, "vhost_user"))
    output = os.path.abspath(place("vhost_user_blk"))
    os.makedirs(os.path.dirname(output), exist_ok=True)
    run_compiler((compiler, *WARNINGS.split(), "-O2", *includes, *sources("file_backend"), "-o", output))
    return output


@contextmanager
def peer(disk: str, socket: str) -> Iterator[None]:
    """Have qemu-storage-daemon serve the whole file as a disk."""
    program = shutil.which("qemu-storage-daemon")
    if program is None:
        raise UnavailableError("qemu-storage-daemon is not installed (Debian: qemu-system-common)")
    export = f"type=vhost-user-blk,id=export,node-name=disk,addr.type=unix,addr.path={socket},writable=on,num-queues=1"
    with subprocess.Popen(
        [program, "--blockdev", f"driver=file,node-name=disk,filename={disk},locking=off", "--export", export]
    ) as process:
        try:
            _wait_for(socket, process)
            yield
        finally:
            process.terminate()


def _wait_for(socket: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SOCKET_SECONDS
    while not os.path.exists(socket):
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkError("qemu-storage-daemon did not start")
        time.sleep(0.05)


def _initrd(folder: str, rounds: int) -> str:
    extra = Cpio()
    extra.copy("test/run", SCRIPT)
    extra.file("test/rounds", str(rounds).encode())
    extra.file("test/seconds", str(SECONDS).encode())
    return write_initrd(client_guest(), os.path.join(folder, "initrd"), extra)


def _run(machine: Machine, rounds: int) -> dict[str, dict[str, list[int]]]:
    """Collect bytes per second, by load and disk."""
    found: dict[str, dict[str, list[int]]] = {load: {OURS: [], PEER: []} for load in LOADS}
    machine.wait_for("booted", BOOT_SECONDS)
    for _ in range(rounds * len(LOADS) * 2):
        _, disk, load, read_kib, _, write_kib, _ = machine.wait_for("fio", LOAD_SECONDS).split()
        found[load][disk].append((int(read_kib) + int(write_kib)) * 1024)
    return found


def measured(rounds: int) -> dict[str, Any]:
    """Boot one guest with both disks and load them in turn.

    Args:
        rounds: How often each disk gets each load.

    Raises:
        UnavailableError: Something that this needs is not installed.
    """
    backend_program = optimised_backend()
    with folder_for_disks("sdfgen-fio") as folder:
        disk = Disk(os.path.join(folder, "disk"), (DISK_MIB,))
        disk.write_gpt()
        ours, other = Client(os.path.join(folder, OURS), 0), Client(os.path.join(folder, PEER), 0)
        with (
            peer(disk.path, other.socket),
            Backend.on_file(backend_program, disk.path, [ours], os.devnull),
            boot_with(client_guest(), folder, _initrd(folder, rounds), [ours, other]) as machine,
        ):
            found = _run(machine, rounds)
    return {"loads": [_row(load, found[load]) for load in LOADS]}


def _row(load: str, rates: dict[str, list[int]]) -> dict[str, Any]:
    ratio = spread(a / b for a, b in zip(rates[OURS], rates[PEER], strict=True))
    ours, other = (spread(rates[disk]) for disk in (OURS, PEER))
    return {"load": load, "ours": ours._asdict(), "peer": other._asdict(), "ratio": ratio._asdict()}


def shown(report: dict[str, Any]) -> Iterator[str]:
    """Give a report's lines.

    Args:
        report: What was measured.
    """
    yield "fio in one Linux guest (QEMU TCG, depth 32, direct), MiB/s: ours beside qemu-storage-daemon"
    for row in report["loads"]:
        ours, other, ratio = (Spread(**row[name]) for name in ("ours", "peer", "ratio"))
        verdict = "met" if ratio.median >= RATIO_GOAL else "MISSED"
        yield (
            f"    {row['load']:<13} ours {ours.median / 2**20:8.1f}  peer {other.median / 2**20:8.1f}  "
            f"ratio {ratio.median:.2f} ({ratio.minimum:.2f} to {ratio.maximum:.2f})  goal {RATIO_GOAL:g}: {verdict}"
        )
