"""The UIO block driver on a disk that fails, is slow, or does things by halves; and the order that it keeps."""

from __future__ import annotations

import errno
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sddf_queue import BLOCK, Op, Request, Response, Status

from .facts import SMALL_QUEUE
from .uio_virtualiser import Virtualiser, io_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .fake_uio import FakeLinux

DISK_BLOCKS = 512
DATA = "client1_0_data"
SLOW_MS = "40"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.write_bytes(random.Random(1).randbytes(DISK_BLOCKS * BLOCK))  # noqa: S311 - no secret
    return path


@pytest.fixture
def peer(linux: FakeLinux) -> Iterator[Virtualiser]:
    with Virtualiser(linux, SMALL_QUEUE) as virtualiser:
        yield virtualiser


def start(peer: Virtualiser, driver: str, disk: Path, environment: Mapping[str, str]) -> None:
    peer.start([driver, "--engine", "threads", str(disk)], environment=environment)


def calls(log: Path) -> list[str]:
    return log.read_text(encoding="ascii").splitlines()


def fault(call: str, number: int) -> dict[str, str]:
    return {f"FAULT_{call}": str(number)}


FAULTS = {
    "read_EIO": (Op.READ, fault("pread", errno.EIO), Status.IO),
    "read_ENXIO": (Op.READ, fault("pread", errno.ENXIO), Status.NO_DEVICE),
    "read_ENODEV": (Op.READ, fault("pread", errno.ENODEV), Status.NO_DEVICE),
    "read_ENOMEM": (Op.READ, fault("pread", errno.ENOMEM), Status.IO),
    "read_EINTR_for_ever": (Op.READ, fault("pread", errno.EINTR), Status.IO),
    "write_EIO": (Op.WRITE, fault("pwrite", errno.EIO), Status.IO),
    "write_ENOSPC": (Op.WRITE, fault("pwrite", errno.ENOSPC), Status.IO),
    "write_ENXIO": (Op.WRITE, fault("pwrite", errno.ENXIO), Status.NO_DEVICE),
    "write_EAGAIN_for_ever": (Op.WRITE, fault("pwrite", errno.EAGAIN), Status.IO),
    "flush_EIO": (Op.FLUSH, fault("fdatasync", errno.EIO), Status.IO),
    "discard_EIO": (Op.DISCARD, fault("fallocate", errno.EIO), Status.IO),
    "zeroes_EIO": (Op.WRITE_ZEROES, fault("fallocate", errno.EIO), Status.IO),
    "zeroes_that_can_neither_be_made_nor_written": (
        Op.WRITE_ZEROES,
        fault("fallocate", errno.EOPNOTSUPP) | fault("pwrite", errno.EIO),
        Status.IO,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_the_answer_and_the_driver_goes_on(
    peer: Virtualiser, faulty_driver: str, disk: Path, name: str
) -> None:
    code, environment, status = FAULTS[name]
    has_range = code != Op.FLUSH
    start(peer, faulty_driver, disk, environment)
    for n in range(3):
        request = Request(code, block=n, count=64 if has_range else 0, io=io_of(DATA), id=n)
        assert peer.ask(request) == [Response(status, 0, n)]
    assert peer.ask(Request(Op.BARRIER, id=9)) == [Response(Status.OK, 0, 9)]
    assert peer.stop() == (0, "")


@pytest.mark.parametrize("size_bytes", [512, 1000, 4096, 70000])
def test_reads_and_writes_done_by_halves_and_interrupted_are_finished(
    peer: Virtualiser, faulty_driver: str, disk: Path, size_bytes: int
) -> None:
    count = 40
    written = random.Random(2).randbytes(count * BLOCK)  # noqa: S311 - no secret
    start(peer, faulty_driver, disk, {"SHORT_BYTES": str(size_bytes)})
    peer.set_data(DATA, 0, written)
    write = Request(Op.WRITE, block=7, count=count, io=io_of(DATA), id=1)
    assert peer.ask(write) == [Response(Status.OK, count, 1)]
    assert disk.read_bytes()[7 * BLOCK :][: len(written)] == written
    read = Request(Op.READ, block=7, count=count, io=io_of("client2_0_data", BLOCK), id=2)
    assert peer.ask(read) == [Response(Status.OK, count, 2)]
    assert peer.data("client2_0_data", BLOCK, len(written)) == written
    assert peer.stop() == (0, "")


def test_a_transfer_of_less_than_a_sector_is_a_fault(peer: Virtualiser, faulty_driver: str, disk: Path) -> None:
    start(peer, faulty_driver, disk, {"SHORT_BYTES": "511"})
    assert peer.ask(Request(Op.READ, block=0, count=1, io=io_of(DATA))) == [Response(Status.IO, 0, 0)]


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_disk_that_can_not_make_zeroes_is_written_to(
    peer: Virtualiser, faulty_driver: str, disk: Path, number: int
) -> None:
    before = disk.read_bytes()
    start(peer, faulty_driver, disk, fault("fallocate", number))
    # 2 blocks before, 3 after a whole number of buffers.
    assert peer.ask(Request(Op.WRITE_ZEROES, block=2, count=3 * 32 + 3)) == [Response(Status.OK, 99, 0)]
    assert disk.read_bytes() == before[: 2 * BLOCK] + bytes(99 * BLOCK) + before[101 * BLOCK :]
    assert peer.ask(Request(Op.WRITE_ZEROES_UNMAP, block=201, count=33)) == [Response(Status.OK, 33, 0)]
    assert disk.read_bytes()[201 * BLOCK : 234 * BLOCK] == bytes(33 * BLOCK)
    assert disk.read_bytes()[234 * BLOCK :] == before[234 * BLOCK :]
    assert peer.stop() == (0, "")


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_that_can_not_discard_says_so(peer: Virtualiser, faulty_driver: str, disk: Path, number: int) -> None:
    before = disk.read_bytes()
    start(peer, faulty_driver, disk, fault("fallocate", number))
    assert peer.ask(Request(Op.DISCARD, block=0, count=100)) == [Response(Status.UNSUPPORTED, 0, 0)]
    assert disk.read_bytes() == before
    assert peer.stop() == (0, "")


# A block device: its own discard.

DISCARDS = {
    "done": ({}, Status.OK, 3),
    "EOPNOTSUPP": (fault("discard", errno.EOPNOTSUPP), Status.UNSUPPORTED, 0),
    "ENOTTY": (fault("discard", errno.ENOTTY), Status.UNSUPPORTED, 0),
    "EIO": (fault("discard", errno.EIO), Status.IO, 0),
    "ENXIO": (fault("discard", errno.ENXIO), Status.NO_DEVICE, 0),
}


@pytest.mark.parametrize("engine", ["threads", "io_uring"])
@pytest.mark.parametrize("name", DISCARDS)
def test_a_device_discards_by_itself(
    peer: Virtualiser, faulty_driver: str, disk: Path, tmp_path: Path, engine: str, name: str
) -> None:
    environment, status, done = DISCARDS[name]
    before, log = disk.read_bytes(), tmp_path / "calls"
    environment = {"FAKE_DEVICE": str(disk), "CALL_LOG": str(log), **environment}
    peer.start([faulty_driver, "--engine", engine, str(disk)], environment=environment)
    discard = Request(Op.DISCARD, block=7, count=3, id=1)
    assert peer.ask(discard) == [Response(status, done, 1)]
    content = b"d" * (done * BLOCK)
    assert disk.read_bytes() == before[: 7 * BLOCK] + content + before[7 * BLOCK + len(content) :]
    assert calls(log) == [f"begin discard {7 * BLOCK}", f"end discard {7 * BLOCK}"]
    read = Request(Op.READ, block=1, count=1, io=io_of(DATA), id=2)
    many = [Request(Op.DISCARD, block=n, count=1, id=n) for n in range(3, 9)]
    assert peer.ask(read, *many) == [
        Response(Status.OK, 1, 2),
        *(Response(status, min(done, 1), n) for n in range(3, 9)),
    ]
    assert peer.stop() == (0, "")


def test_a_discard_that_lasts_holds_up_nobody(peer: Virtualiser, faulty_driver: str, disk: Path) -> None:
    environment = {"FAKE_DEVICE": str(disk), "SLOW_MS": "300"}
    peer.start([faulty_driver, "--engine", "io_uring", str(disk)], environment=environment)
    peer.put(Request(Op.DISCARD, block=0, count=1, id=1), Request(Op.READ, block=9, count=1, io=io_of(DATA), id=2))
    peer.interrupt()
    assert [answer.id for answer in peer.take(2)] == [2, 1]
    assert peer.stop() == (0, "")


ABILITIES = {
    "nothing_is_said": ({}, 0),
    "discards_and_no_zeroes": ({"discard_max_bytes": "2147483136\n", "write_zeroes_max_bytes": "0\n"}, 0),
    "no_discards": ({"discard_max_bytes": "0\n"}, 1),
    "zeroes": ({"discard_max_bytes": "4096\n", "write_zeroes_max_bytes": "4096\n"}, 2),
    "zeroes_and_no_discards": ({"discard_max_bytes": "0\n", "write_zeroes_max_bytes": "4096\n"}, 3),
    "a_partitions": ({"../discard_max_bytes": "0\n"}, 1),
}


@pytest.mark.parametrize("name", ABILITIES)
def test_a_device_says_what_it_can(peer: Virtualiser, faulty_driver: str, disk: Path, name: str) -> None:
    attributes, traits = ABILITIES[name]
    device = Path(peer.linux.sysfs, "devices", "vda", "vda1")
    device.mkdir(parents=True)
    links = Path(peer.linux.sysfs, "dev", "block")
    links.mkdir(parents=True)
    (links / "253:4").symlink_to(device)
    for attribute, text in attributes.items():
        queue = (device.parent if attribute.startswith("../") else device) / "queue"
        queue.mkdir(exist_ok=True)
        (queue / attribute.removeprefix("../")).write_text(text, encoding="ascii")
    start(peer, faulty_driver, disk, {"FAKE_DEVICE": str(disk)})
    assert peer.maps["storage_info"][79] == traits
    assert peer.stop() == (0, "")


def test_a_file_gives_up_its_room(peer: Virtualiser, faulty_driver: str, disk: Path) -> None:
    start(peer, faulty_driver, disk, {})
    assert peer.maps["storage_info"][79] == 2
    room = disk.stat().st_blocks
    assert peer.ask(Request(Op.WRITE_ZEROES_UNMAP, block=0, count=DISK_BLOCKS)) == [Response(Status.OK, DISK_BLOCKS, 0)]
    assert disk.read_bytes() == bytes(DISK_BLOCKS * BLOCK)
    assert disk.stat().st_blocks < room
    assert peer.stop() == (0, "")


# Order.


def write(block: int) -> Request:
    return Request(Op.WRITE, block=block, count=1, io=io_of(DATA), id=block)


@pytest.fixture
def slow(peer: Virtualiser, faulty_driver: str, disk: Path, tmp_path: Path) -> tuple[Virtualiser, Path]:
    """A driver on a slow disk, and where the disk's calls are written down."""
    log = tmp_path / "calls"
    start(peer, faulty_driver, disk, {"SLOW_MS": SLOW_MS, "CALL_LOG": str(log)})
    return peer, log


def answered(peer: Virtualiser, *requests: Request) -> list[int]:
    """Ids in the order of the answers."""
    peer.put(*requests)
    peer.interrupt()
    answers = peer.take(len(requests))
    assert {answer.status for answer in answers} == {Status.OK}
    return [answer.id for answer in answers]


def test_a_flush_waits_for_what_came_before_it_and_for_nothing_else(slow: tuple[Virtualiser, Path]) -> None:
    peer, log = slow
    answered(peer, write(1), write(2), Request(Op.FLUSH, id=3), write(4))
    lines = calls(log)
    flush = lines.index("begin fdatasync 0")
    assert {f"end pwrite {n * BLOCK}" for n in (1, 2)} < set(lines[:flush])
    assert f"begin pwrite {4 * BLOCK}" in lines[: lines.index(f"end pwrite {BLOCK}")]
    assert lines.count("begin fdatasync 0") == 1


def test_a_flush_waits_for_earlier_flushes(slow: tuple[Virtualiser, Path]) -> None:
    peer, log = slow
    flushes = [Request(Op.FLUSH, id=n) for n in range(3)]
    assert answered(peer, *flushes) == [0, 1, 2]
    assert calls(log) == ["begin fdatasync 0", "end fdatasync 0"] * 3


def test_a_barrier_parts_what_came_before_it_from_what_comes_after(slow: tuple[Virtualiser, Path]) -> None:
    peer, log = slow
    order = answered(peer, write(1), Request(Op.FLUSH, id=2), write(3), Request(Op.BARRIER, id=4), write(5), write(6))
    assert set(order[:3]) == {1, 2, 3}
    assert order[3] == 4
    lines = calls(log)
    after = min(lines.index(f"begin pwrite {n * BLOCK}") for n in (5, 6))
    before = {"end fdatasync 0", f"end pwrite {BLOCK}", f"end pwrite {3 * BLOCK}"}
    assert before < set(lines[:after])


def test_reads_and_writes_run_at_once(slow: tuple[Virtualiser, Path]) -> None:
    peer, log = slow
    answered(peer, *(write(n) for n in range(8)))
    assert [line.split()[0] for line in calls(log)] == ["begin"] * 8 + ["end"] * 8


def test_more_than_the_buffers_hold_waits_and_is_done(peer: Virtualiser, faulty_driver: str, disk: Path) -> None:
    start(peer, faulty_driver, disk, {"SLOW_MS": "1"})
    region_blocks = 512
    requests = [Request(Op.READ, block=0, count=region_blocks, io=io_of(DATA), id=n) for n in range(12)]
    assert peer.ask(*requests) == [Response(Status.OK, region_blocks, n) for n in range(12)]
    assert peer.data(DATA, 0, region_blocks * BLOCK) == disk.read_bytes()


def test_a_flush_is_not_held_up_by_requests_that_hold_all_buffers(
    peer: Virtualiser, faulty_driver: str, disk: Path
) -> None:
    start(peer, faulty_driver, disk, {"SLOW_MS": "2"})
    whole = [Request(Op.READ, block=0, count=512, io=io_of(DATA), id=n) for n in range(1, 8)]
    order = answered(peer, write(0), Request(Op.FLUSH, id=99), *whole)
    # 64 buffers: the seven take 112, so the flush gets one as soon as one is free.
    assert order.index(99) < len(order) - 1


def test_signals_wait_for_a_slow_disk(slow: tuple[Virtualiser, Path]) -> None:
    peer, log = slow
    peer.put(write(1), Request(Op.FLUSH, id=2))
    peer.interrupt()
    peer.take_enable()
    assert peer.stop() == (0, "")
    assert calls(log)[-1] == "end fdatasync 0"
    assert peer.queues.response_tail == 2
