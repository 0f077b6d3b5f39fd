"""The back end is killed under load, again and again, and started anew: no acknowledged write is lost."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import pytest

from .backend import Backend, Client
from .client_vm import boot_client
from .disks import Disk

if TYPE_CHECKING:
    from pathlib import Path

    from sdfgen.linux.guest import Guest

    from .machine import Machine

KILLS = 3
# Until the load is under way, and between a start and the next kill: QEMU tries to reconnect once a second.
UNDER_WAY_SECONDS = 2.5
DOWN_SECONDS = 0.2
# So slow that at any moment requests are under way.
SLOW = ("--delay-us", "1500")
FLUSH_MS = 700
# Far more than it takes: other programs may keep the machine busy.
BOOT_SECONDS = 300
LOAD_SECONDS = 600


@dataclasses.dataclass(slots=True)
class Session:
    """What is left of the one boot."""

    disk: Disk
    idle_before: str
    outside_before: str
    said: dict[str, str]
    load_ended_early: bool
    last_lived: bool
    outputs: list[list[str]]


class Restarts:
    """One back end after the other, on the same disk and sockets."""

    def __init__(self, program: str, folder: Path, disk: Disk) -> None:
        self._program = program
        self._folder = folder
        self._disk = disk
        self.clients = [Client(str(folder / f"socket{n}"), n) for n in (1, 0)]
        self.outputs: list[list[str]] = []
        self.current = self._start(SLOW)

    def _start(self, options: tuple[str, ...]) -> Backend:
        return Backend.on_file(self._program, self._disk.path, self.clients, str(self._folder / "log"), *options)

    def again(self, *options: str) -> None:
        """Kills the one there is and starts another."""
        assert self.current.alive()
        self.end()
        time.sleep(DOWN_SECONDS)
        self.current = self._start(options)

    def end(self) -> None:
        self.outputs.append(self.current.end())


def _run(machine: Machine, backend: Restarts) -> bool:
    """Lets the guest work while back ends die; whether its load was over before the last of them did."""
    machine.wait_for("load", BOOT_SECONDS)
    for _ in range(KILLS):
        time.sleep(UNDER_WAY_SECONDS)
        backend.again(*SLOW)
    early = machine.has_said("load-verified")
    machine.wait_for("slow-flush", LOAD_SECONDS)
    backend.again("--flush-delay-ms", str(FLUSH_MS))
    machine.answer("go")
    machine.wait_for("exit", LOAD_SECONDS)
    return early


@pytest.fixture(scope="module")
def session(amd64_guest: Guest, backend_program: str, tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("restart")
    disk = Disk(str(folder / "disk"), (8, 48, 4))
    disk.write_mbr()
    idle, outside = disk.digest(disk.partitions[0]), disk.outside(disk.partitions[:2])
    backend = Restarts(backend_program, folder, disk)
    try:
        with boot_client(amd64_guest, str(folder), "restart.sh", backend.clients) as machine:
            early = _run(machine, backend)
        lived = backend.current.alive()
    finally:
        backend.end()
    return Session(disk, idle, outside, dict(machine.said), early, lived, backend.outputs)


def test_all_that_was_acknowledged_is_read_back(session: Session) -> None:
    assert session.said["load-verified"] == "0"


def test_the_kills_hit_requests_under_way(session: Session) -> None:
    assert not session.load_ended_early
    taken_over = [line for output in session.outputs[1 : KILLS + 1] for line in output if line.startswith("recovered ")]
    assert taken_over


def test_a_flush_completes_only_after_the_drivers(session: Session) -> None:
    assert session.said["flush-failed"] == "0"
    assert int(session.said["flush-ms"]) >= FLUSH_MS


def test_the_guest_reads_what_the_file_holds(session: Session) -> None:
    digests = [session.disk.digest(part) for part in session.disk.partitions]
    assert (session.said["digest-vda"], session.said["digest-vdb"]) == (digests[1], digests[0])


def test_the_other_partition_and_the_table_are_as_they_were(session: Session) -> None:
    assert session.disk.digest(session.disk.partitions[0]) == session.idle_before
    assert session.disk.outside(session.disk.partitions[:2]) == session.outside_before


def test_the_sanitizers_found_nothing(session: Session) -> None:
    assert session.last_lived
    lines = [line for output in session.outputs for line in output]
    assert [line for line in lines if line != "ready" and not line.startswith("recovered ")] == []
