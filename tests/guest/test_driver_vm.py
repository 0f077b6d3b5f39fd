"""The UIO driver in a real Linux, with the generated device tree, against a virtualiser on the host."""

from __future__ import annotations

import dataclasses
import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.sddf_queue import BLOCK, Op, Request, Response, Status

from .disks import MIB
from .driver_vm import ENGINES, DriverVm, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .driver_vm import DriverSystem

DISK_BYTES = 32 * MIB
# Far more than it takes: other programs may keep the machine busy.
ANSWER_SECONDS = 120
# Requests at once; each has its own part of a data region.
BATCH = 48
ROUNDS = 12
MOST_BLOCKS = 16
EXIT_DIFFERS = 8


class Virtualiser:
    """Puts requests and checks the driver's answers and the disk against a model of it."""

    def __init__(self, vm: DriverVm, disk: str, seed: int) -> None:
        self.vm = vm
        self.disk = disk
        self.random = random.Random(seed)  # noqa: S311
        with open(disk, "rb") as file:
            self.model = bytearray(file.read())
        self.next_id = 0

    def request(self, code: int, io: int = 0, block: int = 0, count: int = 0) -> Request:
        self.next_id += 1
        return Request(code, block, count, io, self.next_id)

    def run(self, requests: Sequence[Request], *, one_by_one: bool = False) -> dict[int, Response]:
        """Puts them, with one interrupt or one each, and waits for all answers; each one is answered once."""
        answers: dict[int, Response] = {}

        def all_there() -> bool:
            for answer in self.vm.queues.take(self.vm.queues.answered):
                assert answer.id not in answers
                answers[answer.id] = answer
            return len(answers) == len(requests)

        for request in requests:
            self.vm.queues.put(request)
            if one_by_one:
                self.vm.interrupt()
        if not one_by_one:
            self.vm.interrupt()
        wait_until(all_there, ANSWER_SECONDS)
        assert set(answers) == {request.id for request in requests}
        return answers

    def place(self, index: int) -> tuple[int, int]:
        """An io address and its guest-physical one, in one region or another."""
        names = list(self.vm.system.io_bases)
        name = names[index % len(names)]
        offset = index // len(names) * MOST_BLOCKS * BLOCK
        return self.vm.system.io_bases[name] + offset, self.vm.system.maps[name].gpa + offset

    def write_and_read(self, *, one_by_one: bool = False) -> None:
        """One round: blocks that don't overlap are written or read, all at once."""
        starts = self.random.sample(range(DISK_BYTES // BLOCK // MOST_BLOCKS), BATCH)
        reads: list[tuple[int, Request]] = []
        requests: list[Request] = []
        for index, start in enumerate(starts):
            io, gpa = self.place(index)
            request = self.request(
                self.random.choice((Op.READ, Op.WRITE)), io, start * MOST_BLOCKS, self.random.randint(1, MOST_BLOCKS)
            )
            requests.append(request)
            if request.code == Op.READ:
                self.vm.write(gpa, b"\xcc" * (MOST_BLOCKS * BLOCK))
                reads.append((gpa, request))
            else:
                data = self.random.randbytes(request.count * BLOCK)
                self.vm.write(gpa, data)
                self.model[request.block * BLOCK : request.block * BLOCK + len(data)] = data
        answers = self.run(requests, one_by_one=one_by_one)
        assert {(answers[r.id].status, answers[r.id].count == r.count) for r in requests} == {(Status.OK, True)}
        for gpa, request in reads:
            self.check_read(gpa, request)

    def check_read(self, gpa: int, request: Request) -> None:
        size = request.count * BLOCK
        rest = MOST_BLOCKS * BLOCK - size
        assert self.vm.read(gpa, size) == self.model[request.block * BLOCK : request.block * BLOCK + size]
        assert self.vm.read(gpa + size, rest) == b"\xcc" * rest

    def refused(self, request: Request) -> tuple[int, int]:
        answer = self.run([request])[request.id]
        return answer.status, answer.count

    def flush(self) -> None:
        (answer,) = self.run([self.request(Op.FLUSH)]).values()
        assert answer.status == Status.OK

    def check_disk(self) -> None:
        with open(self.disk, "rb") as file:
            assert file.read() == self.model


@dataclasses.dataclass(slots=True)
class Running:
    """A booted driver VM, and what it said before the first driver was started."""

    vm: DriverVm
    disk: str
    listed: list[str]


@pytest.fixture(scope="module")
def running(driver_system: DriverSystem, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("driver_vm")
    disk = str(folder / "disk")
    with open(disk, "wb") as file:
        file.write(random.Random(3).randbytes(DISK_BYTES))  # noqa: S311
    with DriverVm(driver_system, str(folder), disk) as vm:
        vm.start()
        vm.connect()
        listed = [value for name, value in vm.machine.said if name == "list"]
        yield Running(vm, disk, listed)


def test_linux_shows_the_nine_maps_over_two_devices(running: Running) -> None:
    devices = [value for name, value in running.vm.machine.said if name == "uio"]
    assert devices == ["block-uio0 5", "block-uio1 4"]
    maps = {line.split()[0]: [int(number, 0) for number in line.split()[3:5]] for line in running.listed[1:]}
    assert maps == {region.name: [region.gpa, region.size_bytes] for region in running.vm.system.maps.values()}


def test_the_driver_has_the_io_addresses_of_the_system_file(running: Running) -> None:
    found = {line.split()[0]: int(line.split()[5], 0) for line in running.listed[1:] if line.split()[5] != "-"}
    assert found == running.vm.system.io_bases


def test_a_page_of_another_build_stops_the_driver(running: Running) -> None:
    status, _, message = dict(running.vm.machine.said)["differing-page"].partition(" ")
    assert int(status) == EXIT_DIFFERS
    assert message.startswith("uio_block_driver: ")


# In this order: each engine is another start of the driver on the same queues.
@pytest.mark.parametrize("engine", ENGINES)
def test_requests_are_served_until_the_driver_is_ended(running: Running, engine: str) -> None:
    vm = running.vm
    if engine != ENGINES[0]:
        vm.machine.answer("next")
        vm.machine.wait_for("started-" + engine, ANSWER_SECONDS)
    wait_until(lambda: vm.ready and vm.notifications > 0, ANSWER_SECONDS)
    assert vm.capacity_blocks == DISK_BYTES // BLOCK

    virtualiser = Virtualiser(vm, running.disk, seed=ENGINES.index(engine))
    for number in range(ROUNDS):
        virtualiser.write_and_read(one_by_one=number % 2 == 1)
    virtualiser.flush()
    virtualiser.check_disk()
    _check_refusals(virtualiser)
    virtualiser.write_and_read()
    virtualiser.flush()

    vm.machine.answer("end")
    assert vm.machine.wait_for("ended-" + engine, ANSWER_SECONDS) == "0"
    assert not vm.ready
    virtualiser.check_disk()


def _check_refusals(virtualiser: Virtualiser) -> None:
    io, _ = virtualiser.place(0)
    end = DISK_BYTES // BLOCK
    system = virtualiser.vm.system
    last = max(system.io_bases, key=lambda name: system.io_bases[name])
    beyond = system.io_bases[last] + system.maps[last].size_bytes
    wrong = (
        virtualiser.request(Op.READ, io, end, 1),
        virtualiser.request(Op.WRITE, io, end - 1, 2),
        virtualiser.request(Op.WRITE, io, 2**64 - 1, 2),
        virtualiser.request(Op.READ, beyond, 0, 1),
        virtualiser.request(Op.READ, beyond - BLOCK, 0, 2),
        virtualiser.request(Op.WRITE, 0, 0, 1),
        virtualiser.request(Op.READ, io, 0, 0),
        virtualiser.request(77, io, 0, 1),
    )
    assert [virtualiser.refused(request) for request in wrong] == [(Status.INVALID, 0)] * len(wrong)
    assert virtualiser.refused(virtualiser.request(Op.BARRIER)) == (Status.OK, 0)


def test_the_driver_said_nothing_but_how_it_serves(running: Running) -> None:
    lines = [value for name, value in running.vm.machine.said if name == "output"]
    assert [line.split(":")[1].split()[0] for line in lines] == ["serving"] * len(ENGINES)
    assert os.path.getsize(running.disk) == DISK_BYTES
