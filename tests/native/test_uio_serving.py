"""The UIO block driver at work: a test plays the virtualiser, a file is the disk."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.sddf_queue import BLOCK, Op, Request, Response, Status

from .facts import IO_BASES, SMALL_QUEUE
from .uio_virtualiser import Info, Virtualiser, io_of, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .fake_uio import FakeLinux

QEMU = "qemu-aarch64-static"
DISK_BLOCKS = 1024
REGION_BYTES = 0x200000
REGION_BLOCKS = REGION_BYTES // BLOCK
DATA = "client1_0_data"
BROKEN_QUEUE = 10
ENGINES = ("io_uring", "threads", "aarch64")


def blocks(count: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(count * BLOCK)  # noqa: S311 - no secret


@pytest.fixture(params=ENGINES)
def driver(request: pytest.FixtureRequest) -> list[str]:
    """A driver's command line, for each engine and for the target."""
    if request.param == "aarch64":
        qemu = shutil.which(QEMU)
        if qemu is None:
            pytest.skip(f"{QEMU} is not installed (Debian: qemu-user-static)")
        return [qemu, request.getfixturevalue("served_aarch64_driver"), "--engine", "threads"]
    return [request.getfixturevalue("served_driver"), "--engine", request.param]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.write_bytes(blocks(DISK_BLOCKS, seed=1))
    return path


@pytest.fixture
def peer(linux: FakeLinux) -> Iterator[Virtualiser]:
    with Virtualiser(linux, SMALL_QUEUE) as virtualiser:
        yield virtualiser


@pytest.fixture
def serving(peer: Virtualiser, driver: list[str], disk: Path) -> Virtualiser:
    peer.start([*driver, str(disk)])
    return peer


def ended_well(peer: Virtualiser) -> None:
    assert peer.stop() == (0, "")
    assert peer.info.ready == 0


# Each code.


def test_storage_info_is_the_disk(serving: Virtualiser, driver: list[str]) -> None:
    depth = 64 if "io_uring" in driver else 8
    assert serving.info == Info(bytes(64), 0, 1, 512, 1, depth, 0, 0, 0, DISK_BLOCKS)
    assert serving.notifications == 1
    ended_well(serving)
    assert serving.notifications == 2


def test_reads(serving: Virtualiser, disk: Path) -> None:
    assert serving.ask(Request(Op.READ, block=3, count=2, io=io_of(DATA, BLOCK), id=7)) == [Response(Status.OK, 2, 7)]
    content = disk.read_bytes()
    assert serving.data(DATA, BLOCK, 2 * BLOCK) == content[3 * BLOCK : 5 * BLOCK]
    assert serving.data(DATA, 0, BLOCK) == bytes(BLOCK)
    assert serving.data(DATA, 3 * BLOCK, BLOCK) == bytes(BLOCK)
    ended_well(serving)


def test_writes(serving: Virtualiser, disk: Path) -> None:
    before = disk.read_bytes()
    written = blocks(2, seed=2)
    serving.set_data("client2_0_data", 5 * BLOCK, written)
    assert serving.ask(
        Request(Op.WRITE, block=9, count=2, io=io_of("client2_0_data", 5 * BLOCK), id=1), Request(Op.FLUSH, id=2)
    ) == [Response(Status.OK, 2, 1), Response(Status.OK, 0, 2)]
    assert disk.read_bytes() == before[: 9 * BLOCK] + written + before[11 * BLOCK :]
    ended_well(serving)


@pytest.mark.parametrize("region", [name.removeprefix("io_base_") for name in IO_BASES])
def test_a_request_as_large_as_a_region_is_done_in_pieces(serving: Virtualiser, disk: Path, region: str) -> None:
    written = blocks(REGION_BLOCKS, seed=3)
    serving.set_data(region, 0, written)
    whole = Request(Op.WRITE, block=100, count=REGION_BLOCKS, io=io_of(region))
    assert serving.ask(whole) == [Response(Status.OK, REGION_BLOCKS, 0)]
    serving.set_data(region, 0, bytes(REGION_BYTES))
    assert serving.ask(dataclasses.replace(whole, code=Op.READ)) == [Response(Status.OK, REGION_BLOCKS, 0)]
    assert serving.data(region, 0, REGION_BYTES) == written
    assert disk.read_bytes()[100 * BLOCK :][:REGION_BYTES] == written
    ended_well(serving)


def test_a_driver_that_sleeps_says_so(peer: Virtualiser, driver: list[str], disk: Path) -> None:
    """Whatever its predecessor, which was killed, had said."""
    peer.queues.set_awake(1)
    peer.start([*driver, str(disk)])
    until(lambda: peer.queues.awake == 0, "asleep")
    assert peer.ask(Request(Op.READ, block=3, count=1, io=io_of(DATA), id=7)) == [Response(Status.OK, 1, 7)]
    until(lambda: peer.queues.awake == 0, "asleep")
    ended_well(peer)


def test_what_comes_while_it_is_awake_needs_no_interrupt(serving: Virtualiser) -> None:
    """Whether it was so once is left to chance; a request that nobody takes ends the test."""
    for number in range(1000):
        serving.put(Request(Op.READ, block=number % DISK_BLOCKS, count=1, io=io_of(DATA), id=number))
        if serving.queues.awake != 1:
            serving.interrupt()
            serving.take_enable()
        assert serving.take(1) == [Response(Status.OK, 1, number)]
    ended_well(serving)


def test_a_broken_queue_is_seen_without_an_interrupt(serving: Virtualiser) -> None:
    """Where it is awake, which a request sees to."""
    serving.put(Request(Op.READ, block=0, count=REGION_BLOCKS, io=io_of(DATA), id=1))
    serving.interrupt()
    until(lambda: serving.queues.request_head == 1, "taken")
    serving.set_word("request_queue", 4, 77)
    code, complaint = serving.wait()
    assert code == BROKEN_QUEUE
    assert "a queue's index makes no sense" in complaint


def test_the_first_and_the_last_block_are_there(serving: Virtualiser, disk: Path) -> None:
    last = DISK_BLOCKS - 1
    ends = [Request(Op.READ, block=0, count=1, io=io_of(DATA), id=1)]
    ends += [Request(Op.READ, block=last, count=1, io=io_of(DATA, REGION_BYTES - BLOCK), id=2)]
    assert serving.ask(*ends) == [Response(Status.OK, 1, 1), Response(Status.OK, 1, 2)]
    content = disk.read_bytes()
    assert serving.data(DATA, 0, BLOCK) == content[:BLOCK]
    assert serving.data(DATA, REGION_BYTES - BLOCK, BLOCK) == content[-BLOCK:]


@pytest.mark.parametrize("sectors", [1, 5, 7])
def test_the_part_of_a_block_behind_the_last_is_read_and_not_written(
    peer: Virtualiser, driver: list[str], disk: Path, sectors: int
) -> None:
    tail = blocks(1, seed=4)[: sectors * 512]
    before = disk.read_bytes() + tail
    disk.write_bytes(before + b"less than a sector")
    peer.start([*driver, str(disk)])
    assert (peer.info.capacity_blocks, peer.maps["storage_info"][78]) == (DISK_BLOCKS, sectors)
    peer.set_data(DATA, 0, blocks(2, seed=5))
    beyond = Request(Op.READ, block=DISK_BLOCKS, count=1, io=io_of(DATA), id=1)
    assert peer.ask(beyond) == [Response(Status.OK, 1, 1)]
    assert peer.data(DATA, 0, 2 * BLOCK) == tail.ljust(BLOCK, b"\0") + blocks(2, seed=5)[BLOCK:]
    refused = (
        dataclasses.replace(beyond, count=2),
        dataclasses.replace(beyond, block=DISK_BLOCKS + 1),
        dataclasses.replace(beyond, block=DISK_BLOCKS - 1, count=2),
        dataclasses.replace(beyond, io=io_of("client2_0_data", REGION_BYTES)),
        *(dataclasses.replace(beyond, code=code) for code in (Op.WRITE, Op.DISCARD, Op.WRITE_ZEROES)),
    )
    for request in refused:
        assert peer.ask(request) == [Response(Status.INVALID, 0, 1)], request
    ended_well(peer)
    assert disk.read_bytes()[: len(before)] == before


@pytest.mark.parametrize("code", [Op.DISCARD, Op.WRITE_ZEROES])
def test_blocks_without_data_become_zeroes(serving: Virtualiser, disk: Path, code: Op) -> None:
    before = disk.read_bytes()
    assert serving.ask(Request(code, block=10, count=300)) == [Response(Status.OK, 300, 0)]
    assert disk.read_bytes() == before[: 10 * BLOCK] + bytes(300 * BLOCK) + before[310 * BLOCK :]
    ended_well(serving)


def test_a_barrier_is_answered(serving: Virtualiser) -> None:
    assert serving.ask(Request(Op.BARRIER, id=1), Request(Op.BARRIER, id=2), Request(Op.FLUSH, id=3)) == [
        Response(Status.OK, 0, n) for n in (1, 2, 3)
    ]


# Requests that no virtualiser of ours would send.

READ = Request(Op.READ, block=0, count=1, io=io_of(DATA), id=5)
INVALID = {
    "unknown_code": dataclasses.replace(READ, code=4),
    "code_of_all_ones": dataclasses.replace(READ, code=0xFFFF_FFFF),
    "no_blocks": dataclasses.replace(READ, count=0),
    "no_blocks_to_discard": Request(Op.DISCARD, block=0, count=0, id=5),
    "block_past_the_end": dataclasses.replace(READ, block=DISK_BLOCKS),
    "last_block_past_the_end": dataclasses.replace(READ, block=DISK_BLOCKS - 1, count=2),
    "block_number_that_wraps": dataclasses.replace(READ, block=2**64 - 1, count=2),
    "block_whose_bytes_wrap": dataclasses.replace(READ, block=2**52),
    "zeroes_past_the_end": Request(Op.WRITE_ZEROES, block=DISK_BLOCKS - 1, count=2, id=5),
    "address_zero": dataclasses.replace(READ, io=0),
    "address_below_all_regions": dataclasses.replace(READ, io=io_of("virt_data") - BLOCK),
    "address_above_all_regions": dataclasses.replace(READ, io=io_of("client2_0_data", REGION_BYTES)),
    "address_of_the_request_queue": dataclasses.replace(READ, io=0x80600000),
    "data_that_leave_their_region": dataclasses.replace(READ, io=io_of(DATA, REGION_BYTES - BLOCK), count=2),
    "data_over_two_regions": dataclasses.replace(READ, io=io_of("virt_data", REGION_BYTES - BLOCK), count=2),
    "data_that_wrap": dataclasses.replace(READ, io=2**64 - BLOCK, count=2),
    "address_off_by_one_byte": dataclasses.replace(READ, io=io_of(DATA, 1)),
    "address_off_by_one_word": dataclasses.replace(READ, io=io_of(DATA, 8)),
    "more_blocks_than_the_region_has": dataclasses.replace(READ, count=0xFFFF),
}


def test_invalid_requests_are_refused_and_do_nothing(serving: Virtualiser, disk: Path) -> None:
    before = disk.read_bytes()
    for name, request in INVALID.items():
        assert serving.ask(request) == [Response(Status.INVALID, 0, 5)], name
        if request.code == Op.READ:
            write = dataclasses.replace(request, code=Op.WRITE)
            assert serving.ask(write) == [Response(Status.INVALID, 0, 5)], name
    assert disk.read_bytes() == before
    assert all(serving.data(region, 0, REGION_BYTES) == bytes(REGION_BYTES) for region in ("virt_data", DATA))
    ended_well(serving)


def test_a_read_only_disk_is_not_written(peer: Virtualiser, served_driver: str, disk: Path) -> None:
    before = disk.read_bytes()
    peer.start([served_driver, "--read-only", str(disk)])
    assert peer.info.read_only == 1
    changes = (Op.WRITE, Op.DISCARD, Op.WRITE_ZEROES)
    asked = [Request(code, block=1, count=1, io=io_of(DATA), id=code) for code in changes]
    assert peer.ask(*asked) == [Response(Status.INVALID, 0, code) for code in changes]
    assert peer.ask(Request(Op.FLUSH, id=1), READ) == [Response(Status.OK, 0, 1), Response(Status.OK, 1, 5)]
    assert disk.read_bytes() == before
    ended_well(peer)


# Faults of the disk that the kernel reports by itself.


def test_a_disk_that_shrank_answers_with_an_error(serving: Virtualiser, disk: Path) -> None:
    os.truncate(disk, 6 * BLOCK + 1536)
    answers = serving.ask(
        Request(Op.READ, block=5, count=1, io=io_of(DATA), id=1),
        Request(Op.READ, block=4, count=8, io=io_of(DATA, BLOCK), id=2),
        Request(Op.READ, block=500, count=1, io=io_of(DATA), id=3),
    )
    assert answers == [Response(Status.OK, 1, 1), Response(Status.IO, 2, 2), Response(Status.IO, 0, 3)]
    assert serving.data(DATA, BLOCK, 2 * BLOCK) == disk.read_bytes()[4 * BLOCK : 6 * BLOCK]
    assert serving.data(DATA, 3 * BLOCK, BLOCK) == bytes(BLOCK)
    ended_well(serving)


def test_a_fault_in_one_piece_is_where_success_ends(serving: Virtualiser, disk: Path) -> None:
    piece_blocks = 32
    os.truncate(disk, (2 * piece_blocks + 3) * BLOCK)
    asked = Request(Op.READ, block=0, count=6 * piece_blocks, io=io_of(DATA))
    assert serving.ask(asked) == [Response(Status.IO, 2 * piece_blocks + 3, 0)]
    assert serving.ask(dataclasses.replace(asked, count=piece_blocks)) == [Response(Status.OK, piece_blocks, 0)]


# The queues.


def test_every_index_is_used_and_wraps(peer: Virtualiser, driver: list[str], disk: Path) -> None:
    peer.queues.start_at(2**32 - 40)
    peer.start([*driver, str(disk)])
    for turn in range(4):
        asked = [Request(Op.READ, block=n, count=1, io=io_of(DATA, n * BLOCK), id=n) for n in range(SMALL_QUEUE)]
        assert peer.ask(*asked) == [Response(Status.OK, 1, n) for n in range(SMALL_QUEUE)], turn
    assert peer.queues.request_head == peer.queues.tail == 4 * SMALL_QUEUE - 40
    assert peer.data(DATA, 0, SMALL_QUEUE * BLOCK) == disk.read_bytes()[: SMALL_QUEUE * BLOCK]
    ended_well(peer)


def test_requests_queued_before_the_driver_starts_are_to_be_put_again(
    peer: Virtualiser, driver: list[str], disk: Path
) -> None:
    """It says that it has started, and at which request it begins."""
    peer.put(READ)
    assert peer.start_word == 0
    peer.start([*driver, str(disk)])
    assert peer.start_word == 1 << 32 | 1
    assert peer.ask(READ) == [Response(Status.OK, 1, 5)]


def test_a_full_response_queue_holds_up_requests_and_loses_none(serving: Virtualiser) -> None:
    def batch(first: int) -> list[Request]:
        return [Request(Op.FLUSH if n % 2 else 4, id=n) for n in range(first, first + SMALL_QUEUE)]

    serving.put(*batch(0))
    serving.interrupt()
    until(lambda: serving.queues.response_tail == SMALL_QUEUE, "all answers")
    serving.put(*batch(SMALL_QUEUE))
    serving.interrupt()
    serving.interrupt()
    # It is turned on before the look: at the third time the second batch has been looked at.
    serving.take_enable()
    serving.take_enable()
    serving.take_enable()
    assert serving.queues.response_tail == serving.queues.request_head == SMALL_QUEUE
    # From here on no interrupt comes: the driver looks by itself.
    ids = [answer.id for _ in range(2 * SMALL_QUEUE) for answer in serving.take(1)]
    assert sorted(ids) == list(range(2 * SMALL_QUEUE))
    ended_well(serving)


def test_many_answers_need_few_notifications(peer: Virtualiser, served_driver: str, disk: Path) -> None:
    peer.start([served_driver, str(disk)])
    peer.put(*(Request(4, id=n) for n in range(SMALL_QUEUE)))
    peer.interrupt()
    peer.take(SMALL_QUEUE)
    # One that says ready, one for all the answers.
    assert peer.notifications == 2


HOSTILE = {
    "more_requests_than_slots": ("request_queue", 4, SMALL_QUEUE + 1),
    "requests_taken_back": ("request_queue", 4, -1),
    "responses_freed_that_never_were": ("response_queue", 0, 1),
    "response_head_of_all_ones": ("response_queue", 0, SMALL_QUEUE * 2),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_index_that_makes_no_sense_before_the_start_is_left_behind(
    peer: Virtualiser, served_driver: str, disk: Path, name: str
) -> None:
    region, at, value = HOSTILE[name]
    peer.set_word(region, at, value)
    peer.start([served_driver, str(disk)])
    peer.queues.tail, peer.queues.head = (value % 2**32, 0) if region == "request_queue" else (0, value)
    peer.put(Request(4, id=7))
    peer.interrupt()
    assert [answer.id for answer in peer.take(1)] == [7]


@pytest.mark.parametrize("name", HOSTILE)
def test_an_index_that_makes_no_sense_ends_the_driver(
    peer: Virtualiser, served_driver: str, disk: Path, name: str
) -> None:
    region, at, value = HOSTILE[name]
    peer.start([served_driver, str(disk)])
    peer.set_word(region, at, value)
    peer.interrupt()
    assert peer.wait() == (
        BROKEN_QUEUE,
        "uio_block_driver: the virtualiser broke the protocol: a queue's index makes no sense\n",
    )
    assert peer.info.ready == 0


def test_random_slots_and_indices_never_crash_the_driver(peer: Virtualiser, served_driver: str, disk: Path) -> None:
    source = random.Random(4)  # noqa: S311 - no secret
    for _ in range(12):
        peer.queues.start_at(source.randrange(2**32))
        peer.start([served_driver, "--read-only", str(disk)])
        for _ in range(60):
            peer.maps["request_queue"][16 : 16 + 32 * SMALL_QUEUE] = source.randbytes(32 * SMALL_QUEUE)
            peer.set_word("request_queue", 4, peer.queues.request_head + source.randrange(SMALL_QUEUE + 1))
            peer.set_word("response_queue", 0, peer.queues.response_tail - source.randrange(SMALL_QUEUE + 1))
            with_luck(peer)
        code, complaint = peer.stop()
        assert code in {0, BROKEN_QUEUE}, complaint


def with_luck(peer: Virtualiser) -> None:
    """An interrupt, unless the driver has ended already."""
    try:
        peer.interrupt()
    except (BrokenPipeError, ConnectionResetError):
        return


# Ending, and starting again.


@pytest.mark.parametrize("times", [3])
def test_a_driver_takes_over_from_one_that_ended(peer: Virtualiser, driver: list[str], disk: Path, times: int) -> None:
    for n in range(times):
        peer.start([*driver, str(disk)])
        peer.set_data(DATA, 0, blocks(1, seed=n))
        assert peer.ask(Request(Op.WRITE, block=n, count=1, io=io_of(DATA), id=n)) == [Response(Status.OK, 1, n)]
        ended_well(peer)
    assert peer.queues.request_head == times
    assert disk.read_bytes()[: times * BLOCK] == b"".join(blocks(1, seed=n) for n in range(times))


def test_a_driver_takes_over_from_one_that_was_killed(peer: Virtualiser, driver: list[str], disk: Path) -> None:
    peer.start([*driver, str(disk)])
    assert peer.ask(READ) == [Response(Status.OK, 1, 5)]
    assert peer.driver is not None
    peer.driver.kill()
    peer.wait()
    assert peer.info.ready == 1
    peer.put(dataclasses.replace(READ, id=6))
    peer.launch([*driver, str(disk)])
    until(lambda: peer.start_word == 2 << 32 | 2, "another start")
    until(lambda: peer.info.ready == 1, "ready")
    peer.take_enable()
    assert peer.ask(dataclasses.replace(READ, id=6)) == [Response(Status.OK, 1, 6)]
    ended_well(peer)


def test_what_was_taken_is_answered_before_the_driver_ends(serving: Virtualiser) -> None:
    large = [Request(Op.READ, block=0, count=REGION_BLOCKS, io=io_of(DATA), id=n) for n in range(SMALL_QUEUE)]
    serving.put(*large)
    serving.interrupt()
    until(lambda: serving.queues.request_head > 0, "a request that was taken")
    ended_well(serving)
    assert serving.queues.response_tail == serving.queues.request_head


def test_a_second_driver_is_refused(peer: Virtualiser, served_driver: str, disk: Path) -> None:
    peer.start([served_driver, str(disk)])
    second = subprocess.run(
        [served_driver, "--sysfs", peer.linux.sysfs, "--dev", peer.linux.dev, str(disk)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    words = "uio_block_driver: uio1 'block-uio1' is in use: another driver is running\n"
    assert (second.stderr, second.returncode) == (words, 6)
    assert peer.ask(READ) == [Response(Status.OK, 1, 5)]
    ended_well(peer)


# The disk itself.

BAD_DISKS = {
    "missing": ("nowhere", "No such file or directory"),
    "a_folder": (".", "is neither a block device nor a regular file"),
    "a_character_device": ("/dev/null", "is neither a block device nor a regular file"),
    "too_small": ("small", "holds no block of 4096 bytes"),
}


@pytest.mark.parametrize("name", BAD_DISKS)
def test_a_disk_that_can_not_be_used_is_refused(
    peer: Virtualiser, served_driver: str, tmp_path: Path, name: str
) -> None:
    (tmp_path / "small").write_bytes(bytes(BLOCK - 1))
    path, words = BAD_DISKS[name]
    path = os.path.join(tmp_path, path)
    peer.launch([served_driver, path])
    assert peer.wait() == (9, f"uio_block_driver: {path}: {words}\n")
    assert peer.info.ready == 0


# Against a model.


class Model:
    """What the disk and memory must hold after requests that do not overlap within a batch."""

    def __init__(self, content: bytes) -> None:
        self.disk = bytearray(content)
        self.memory = bytearray(REGION_BYTES)

    def do(self, request: Request) -> None:
        disk = slice(request.block * BLOCK, (request.block + request.count) * BLOCK)
        start = request.io - io_of(DATA)
        memory = slice(start, start + request.count * BLOCK)
        if request.code == Op.READ:
            self.memory[memory] = self.disk[disk]
        elif request.code == Op.WRITE:
            self.disk[disk] = self.memory[memory]
        elif request.code in {Op.DISCARD, Op.WRITE_ZEROES}:
            self.disk[disk] = bytes(request.count * BLOCK)


def random_batch(source: random.Random) -> list[Request]:
    """Sixteen requests, each with a place of its own on the disk and in memory."""
    parts = SMALL_QUEUE // 2
    disk_places = source.sample(range(parts), parts)
    batch = []
    for n, place in enumerate(disk_places):
        code = source.choice([Op.READ, Op.WRITE, Op.WRITE, Op.READ, Op.FLUSH, Op.BARRIER, Op.WRITE_ZEROES, Op.DISCARD])
        count = source.choice([1, 2, 3, 31, 32])
        has_range = code not in {Op.FLUSH, Op.BARRIER}
        batch.append(
            Request(
                code,
                block=place * 64 + source.randrange(32) if has_range else 0,
                count=count if has_range else 0,
                io=io_of(DATA, n * 32 * BLOCK),
                id=n,
            )
        )
    return batch


@pytest.mark.parametrize("seed", range(3))
def test_random_requests_do_what_the_model_does(serving: Virtualiser, disk: Path, seed: int) -> None:
    source = random.Random(seed)  # noqa: S311 - no secret
    model = Model(disk.read_bytes())
    for _ in range(25):
        fresh = source.randbytes(BLOCK) * REGION_BLOCKS
        serving.set_data(DATA, 0, fresh)
        model.memory[:] = fresh
        batch = random_batch(source)
        expected = [Response(Status.OK, request.count, request.id) for request in batch]
        assert serving.ask(*batch) == expected
        for request in batch:
            model.do(request)
        assert serving.data(DATA, 0, REGION_BYTES) == model.memory
    ended_well(serving)
    assert disk.read_bytes() == model.disk
