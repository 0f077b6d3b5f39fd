"""The C device behind a pipe (device_shim.c)."""

from __future__ import annotations

import struct
import subprocess
from typing import IO, TYPE_CHECKING

from .scenario import BLOCK, BLOCKS, REGION_BYTES, Outcome, Program, World

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTICES = struct.Struct("<II?")
ANSWER_BYTES = NOTICES.size + 2 * REGION_BYTES + BLOCKS * BLOCK


class CrashError(Exception):
    """The program ended; what it said."""


class Shim:
    """One such program, started again when it has crashed."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, stderr=pipe)
        return self.process

    def close(self) -> None:
        """Ends the program."""
        if self.process is not None:
            self.process.communicate()
            self.process = None

    def play(self, program: Program) -> list[Outcome]:
        """What came of each step."""
        frame = encoded(program)
        process = self._running()
        try:
            answer = _exchange(process, struct.pack("<I", len(frame)) + frame)
        except (BrokenPipeError, EOFError) as error:
            self.process = None
            raise CrashError(process.communicate()[1].decode()) from error
        return [_outcome(answer[at : at + ANSWER_BYTES]) for at in range(0, len(answer), ANSWER_BYTES)]


def _exchange(process: subprocess.Popen[bytes], frame: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(frame)
    process.stdin.flush()
    (size,) = struct.unpack("<I", _exactly(process.stdout, 4))
    return _exactly(process.stdout, size)


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data


def _start(world: World) -> bytes:
    index = struct.pack("<H", world.geometry.start)
    words = (world.geometry.avail + 2, world.geometry.used + 2)
    return b"S" + world.packed() + b"".join(_write(word, index) for word in words)


def _write(gpa: int, data: bytes) -> bytes:
    return b"W" + struct.pack("<QI", gpa, len(data)) + data


def encoded(program: Program) -> bytes:
    actions = [_start(program.world)]
    for step in program.steps:
        actions += [_write(write.gpa, write.data) for write in step.writes]
        actions.append(b"BM" if step.backwards else b"RM")
    return b"".join(actions)


def _outcome(answer: bytes) -> Outcome:
    interrupts, config_interrupts, needs_reset = NOTICES.unpack_from(answer)
    memory = NOTICES.size
    disk = memory + 2 * REGION_BYTES
    regions = (answer[memory : memory + REGION_BYTES], answer[memory + REGION_BYTES : disk])
    return Outcome(interrupts, config_interrupts, needs_reset, regions, answer[disk:])
