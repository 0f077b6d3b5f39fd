"""The virtualiser's side of a UIO driver that runs on files: queues, interrupts, storage info."""

from __future__ import annotations

import contextlib
import dataclasses
import mmap
import os
import socket
import struct
import subprocess
import time
from typing import TYPE_CHECKING, Self

import pytest

from tests.sddf_queue import U32, Queues

from .facts import IO_BASES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

    from tests.sddf_queue import Request, Response

    from .fake_uio import FakeLinux

PATIENCE_S = 10.0
REFUSED = "this kernel refuses the engine io_uring"
INFO = struct.Struct("<64sBBHHHHHHxxQ")


@dataclasses.dataclass(frozen=True, slots=True)
class Info:
    """struct sddf_blk_storage_info."""

    serial: bytes
    read_only: int
    ready: int
    sector_bytes: int
    block_size: int
    queue_depth: int
    cylinders: int
    heads: int
    blocks: int
    capacity_blocks: int


def until(what: Callable[[], bool], why: str) -> None:
    """Waits for it, with an end."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, f"never: {why}"
        time.sleep(0.0005)


class Virtualiser:
    """Shared memory and the interrupt line. `capacity` is that of the driver's table."""

    def __init__(self, linux: FakeLinux, capacity: int) -> None:
        self.linux = linux
        self.files = contextlib.ExitStack()
        self.maps = {name: self._map(path) for name, path in linux.write_maps().items()}
        self.words = {name: self._words(region) for name, region in self.maps.items()}
        requests, responses = (memoryview(self.maps[name]) for name in ("request_queue", "response_queue"))
        self.queues = Queues(requests, responses, capacity)
        self.files.callback(self.queues.release)
        self.listener = self.files.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
        with _inside(linux.dev):
            self.listener.bind("uio0.irq")
        self.listener.listen()
        self.listener.settimeout(PATIENCE_S)
        self.line: socket.socket | None = None
        self.driver: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        if self.driver is not None and self.driver.poll() is None:
            self.driver.kill()
            self.driver.communicate()
        if self.line is not None:
            self.line.close()
        self.files.close()

    def _map(self, path: str) -> mmap.mmap:
        with open(path, "r+b") as file:
            return self.files.enter_context(mmap.mmap(file.fileno(), 0))

    def _words(self, region: mmap.mmap) -> memoryview[int]:
        """For whole words: struct clears them first or goes byte by byte, and the driver would see that."""
        return self.files.enter_context(self.files.enter_context(memoryview(region)).cast("I"))

    # The program.

    def launch(self, command: Sequence[str], *options: str, environment: Mapping[str, str] | None = None) -> None:
        """Starts a driver, which may refuse."""
        self.driver = subprocess.Popen(
            [*command, "--sysfs", self.linux.sysfs, "--dev", "dev", *options],
            cwd=os.path.dirname(self.linux.dev),
            env={**os.environ, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if self.line is not None:
            self.line.close()
        self.line, _ = self.listener.accept()
        self.line.settimeout(PATIENCE_S)

    def start(self, command: Sequence[str], *options: str, environment: Mapping[str, str] | None = None) -> None:
        """Starts a driver, and waits until it says it is ready and has turned its interrupt on."""
        self.launch(command, *options, environment=environment)
        until(lambda: self.info.ready == 1 or self._ended(), "ready")
        if self._ended():
            code, complaint = self.wait()
            if REFUSED in complaint:
                pytest.skip(complaint.strip())
            pytest.fail(f"exit {code}: {complaint}")
        self.take_enable()

    def _ended(self) -> bool:
        return self.driver is not None and self.driver.poll() is not None

    def wait(self) -> tuple[int, str]:
        """The driver's exit code and what it complained about."""
        assert self.driver is not None
        _, complaint = self.driver.communicate(timeout=PATIENCE_S)
        return self.driver.returncode, complaint

    def stop(self) -> tuple[int, str]:
        """The same, after asking it to end."""
        assert self.driver is not None
        self.driver.terminate()
        return self.wait()

    # The interrupt line and the notify page.

    def interrupt(self) -> None:
        assert self.line is not None
        self.line.send(struct.pack("<i", 1))

    def take_enable(self) -> None:
        """Waits until the driver turns its interrupt on."""
        assert self.line is not None
        assert self.line.recv(64) == struct.pack("<i", 1)

    @property
    def notifications(self) -> int:
        return self._word("notify", 0)

    def _word(self, name: str, at: int) -> int:
        return self.words[name][at // 4]

    def set_word(self, name: str, at: int, value: int) -> None:
        self.words[name][at // 4] = value % U32

    # The queues.

    def put(self, *requests: Request) -> None:
        """Queues requests and interrupts nobody."""
        self.queues.put(*requests)

    def take(self, count: int) -> list[Response]:
        """Waits for that many responses and frees their slots."""
        until(lambda: self.queues.answered >= count or self._ended(), f"{count} responses")
        assert not self._ended(), self.wait()
        return self.queues.take(count)

    def ask(self, *requests: Request) -> list[Response]:
        """Puts, interrupts once and waits for all the answers, sorted by id."""
        self.put(*requests)
        self.interrupt()
        answers = self.take(len(requests))
        return sorted(answers, key=lambda response: response.id)

    # Storage info and data.

    @property
    def start_word(self) -> int:
        """Behind sDDF's storage info: how often a driver has started, and the first request that it takes."""
        (word,) = struct.unpack_from("<Q", self.maps["storage_info"], INFO.size)
        return int(word)

    @property
    def info(self) -> Info:
        return Info(*INFO.unpack_from(self.maps["storage_info"]))

    def data(self, region: str, offset: int, size: int) -> bytes:
        return self.maps[region][offset : offset + size]

    def set_data(self, region: str, offset: int, content: bytes) -> None:
        self.maps[region][offset : offset + len(content)] = content


def io_of(region: str, offset: int = 0) -> int:
    """The io address of a byte of a data region."""
    return IO_BASES[f"io_base_{region}"] + offset


@contextlib.contextmanager
def _inside(folder: str) -> Iterator[None]:
    """A short relative path: the name of a socket has at most 107 characters."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
