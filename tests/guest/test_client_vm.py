"""Three disks of one Linux, each a partition of one file: everything it does with them, and what the file holds."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

import pytest

from .backend import DISCARD, FLUSH, READ, WRITE, WRITE_ZEROES, Backend, Client, Done, read_log
from .client_vm import boot_client
from .disks import MIB, Disk, Range

if TYPE_CHECKING:
    from sdfgen.linux.guest import Guest

    from .machine import Machine

BLOCK = 4096
SIZES_MIB = (32, 24, 8, 8)
# The fourth partition is nobody's.
DISKS = ("vda", "vdb", "vdc")
READ_ONLY = "vdc"
# Far more than it takes: other programs may keep the machine busy.
BOOT_SECONDS = 300
CHECK_SECONDS = 600

PASSED = (
    "verify-mixed",
    "mkfs",
    "mount",
    "unmount",
    "fsck",
    "mount-again",
    "files-same",
    "unmount-again",
    "verify-small",
    "verify-pages",
    "verify-deep",
    "verify-large",
    "verify-one",
    "discard",
    "zero-out",
    "zero-out-sectors",
    "discarded-is-zero",
    "zeroed-is-zero",
    "unbound",
    "same-after-reset",
    "verify-after-reset",
)


@dataclasses.dataclass(slots=True)
class Session:
    """What is left of the one boot that all tests look at."""

    disk: Disk
    outside_before: str
    read_only_before: str
    said: dict[str, str]
    log: list[Done]
    synced: list[Done]
    backend_lived: bool
    backend_output: list[str]

    def done(self, code: int, part: Range) -> list[Done]:
        """The driver's requests of that kind within a partition."""
        blocks = range(part.start // BLOCK, part.end // BLOCK)
        return [done for done in self.log if done.code == code and done.block in blocks]


def _run(machine: Machine, log: str) -> list[Done]:
    """Lets the guest do everything; what the driver did while it wrote and synced."""
    machine.wait_for("booted", BOOT_SECONDS)
    machine.wait_for("sync-begin", CHECK_SECONDS)
    before = len(read_log(log))
    machine.answer("go")
    machine.wait_for("sync-end", CHECK_SECONDS)
    after = len(read_log(log))
    machine.answer("go")
    machine.wait_for("exit", CHECK_SECONDS)
    return read_log(log)[before:after]


@pytest.fixture(scope="module")
def session(amd64_guest: Guest, backend_program: str, tmp_path_factory: pytest.TempPathFactory) -> Session:
    folder = tmp_path_factory.mktemp("client_vm")
    disk = Disk(str(folder / "disk"), SIZES_MIB)
    disk.write_gpt()
    used = disk.partitions[: len(DISKS)]
    outside, read_only = disk.outside(used), disk.digest(used[-1])
    clients = [Client(str(folder / name), n, read_only=name == READ_ONLY) for n, name in enumerate(DISKS)]
    log = str(folder / "log")
    with (
        Backend.on_file(backend_program, disk.path, clients, log) as backend,
        boot_client(amd64_guest, str(folder), "checks.sh", clients) as machine,
    ):
        synced = _run(machine, log)
        lived = backend.alive()
        output = backend.end()
        return Session(disk, outside, read_only, dict(machine.said), read_log(log), synced, lived, output)


@pytest.mark.parametrize("name", PASSED)
def test_linux_is_satisfied(session: Session, name: str) -> None:
    assert session.said[name] == "0"


@pytest.mark.parametrize(("name", "size_mib"), list(zip(DISKS, SIZES_MIB, strict=False)))
def test_a_disk_is_as_large_as_its_partition(session: Session, name: str, size_mib: int) -> None:
    assert int(session.said[f"size-{name}"]) == size_mib * MIB // 512


@pytest.mark.parametrize("name", DISKS)
def test_blocks_and_write_cache_are_told(session: Session, name: str) -> None:
    facts = {key: session.said[f"{key}-{name}"] for key in ("logical", "physical", "cache")}
    assert facts == {"logical": "512", "physical": "4096", "cache": "write back"}


@pytest.mark.parametrize("name", DISKS)
def test_only_the_read_only_client_is_told_so(session: Session, name: str) -> None:
    assert session.said[f"read-only-{name}"] == str(int(name == READ_ONLY))


def test_a_read_only_disk_cannot_be_written(session: Session) -> None:
    part = session.disk.partitions[DISKS.index(READ_ONLY)]
    assert session.said["write-read-only"] != "0"
    assert session.said["mount-read-only"] != "0"
    assert session.done(READ, part)
    for code in (WRITE, DISCARD, WRITE_ZEROES):
        assert not session.done(code, part)
    assert session.disk.digest(part) == session.read_only_before == session.said["sectors-before-vdc"]


@pytest.mark.parametrize(("index", "name"), list(enumerate(DISKS)))
def test_the_guest_reads_what_the_file_holds(session: Session, index: int, name: str) -> None:
    assert session.said[f"digest-{name}"] == session.disk.digest(session.disk.partitions[index])


def test_nothing_outside_the_partitions_changed(session: Session) -> None:
    assert session.disk.outside(session.disk.partitions[: len(DISKS)]) == session.outside_before


def test_every_write_is_flushed_before_its_fsync_returns(session: Session) -> None:
    first = session.disk.partitions[1].start // BLOCK
    events = [
        done.block - first if done.code == WRITE else "flush"
        for done in session.synced
        if done.code == FLUSH or (done.code == WRITE and first <= done.block < first + 6)
    ]
    merged = [event for event, _ in itertools.groupby(events)]
    wanted: list[int | str] = [1, "flush", 2, "flush", 3, "flush", 4, "flush", 5, "flush"]
    assert merged[merged.index(1) :] == wanted


@pytest.mark.parametrize(("code", "blocks"), [(DISCARD, 1024), (WRITE_ZEROES, 1024)])
def test_discard_and_write_zeroes_reach_the_driver(session: Session, code: int, blocks: int) -> None:
    part = session.disk.partitions[1]
    start = part.start + (MIB if code == DISCARD else 8 * MIB)
    assert sum(done.count for done in session.done(code, Range(start, 4 * MIB))) == blocks


def test_the_driver_refused_nothing(session: Session) -> None:
    assert [done for done in session.log if done.status != 0] == []


def test_the_sanitizers_found_nothing(session: Session) -> None:
    assert session.backend_lived
    assert session.backend_output == ["ready"]
