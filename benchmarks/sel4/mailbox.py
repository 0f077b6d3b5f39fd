"""Commands to the agent in a guest and its answers: blocks at the start of its disk, in the file that QEMU has open."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.measure import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK_BYTES: Final = 4096
WRITTEN_AT: Final = (1 << 20) + BLOCK_BYTES
"""A block that every load of whole MiB writes, and what is written: agent.c."""
WRITTEN: Final = bytes([1]) * BLOCK_BYTES
POLL_SECONDS: Final = 0.05


class LostError(BenchmarkError):
    """An agent answers no more: nothing else can be measured in this boot."""


class Answer(NamedTuple):
    """What an agent wrote.

    Attributes:
        number: The command's.
        words: What follows it: `ok` and numbers, or `error` and a text.
    """

    number: int
    words: tuple[str, ...]


class Mailbox:
    """One agent's, at the start of its disk."""

    def __init__(self, name: str, path: str, offset: int) -> None:
        self.name = name
        self._path = path
        self._offset = offset
        self._number = 0

    def clear(self) -> None:
        """Forget what was said; before QEMU starts."""
        with open(self._path, "r+b") as file:
            os.pwrite(file.fileno(), bytes(2 * BLOCK_BYTES), self._offset)
            os.pwrite(file.fileno(), bytes(BLOCK_BYTES), self._offset + WRITTEN_AT)
        self._number = 0

    def tell(self, words: str) -> None:
        """Write a command."""
        self._number += 1
        block = f"{self._number} {words}\n".encode().ljust(BLOCK_BYTES, b"\0")
        with open(self._path, "r+b") as file:
            os.pwrite(file.fileno(), block, self._offset)

    def wait(self, seconds: float, alive: Callable[[], bool]) -> tuple[str, ...]:
        """Wait for the answer to the last command; before the first one, for the agent's start.

        Args:
            seconds: How long.
            alive: Whether QEMU still runs.

        Returns:
            The words behind `ok`.

        Raises:
            LostError: There is none in time, or QEMU has ended.
            BenchmarkError: It is an error.
        """
        end = time.monotonic() + seconds
        while (answer := parse_answer(self._read(BLOCK_BYTES))) is None or answer.number != self._number:
            if not alive():
                raise LostError(f"{self.name}: QEMU has ended")
            if time.monotonic() > end:
                raise LostError(f"{self.name}: no answer within {seconds:.0f} s")
            time.sleep(POLL_SECONDS)
        if answer.words[:1] != ("ok",):
            raise BenchmarkError(f"{self.name}: {' '.join(answer.words)}")
        return answer.words[1:]

    def was_written(self) -> bool:
        """Return whether loads have left on the disk what they write."""
        return self._read(WRITTEN_AT) == WRITTEN

    def _read(self, place: int) -> bytes:
        with open(self._path, "rb") as file:
            return os.pread(file.fileno(), BLOCK_BYTES, self._offset + place)


def parse_answer(block: bytes) -> Answer | None:
    """Return what a block says; None while there is nothing whole in it.

    Args:
        block: What is on the disk.
    """
    text, newline, rest = block.partition(b"\n")
    number, *words = text.decode("ascii", "replace").split() or [""]
    if not newline or any(rest) or not number.isdecimal() or not words:
        return None
    return Answer(int(number), tuple(words))
