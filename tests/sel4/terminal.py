"""`sdfgen run` on a terminal: keys are typed, and what is seen is looked at as it comes."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LEAVE: Final = b"\x01x"
_READ_BYTES: Final = 1 << 16


class Terminal:
    """All that was seen, and where it was typed last."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._typed_at = 0
        self.seen = b""

    def type(self, keys: bytes) -> None:
        """Type; what was seen before is not waited for any more."""
        self._typed_at = len(self.seen)
        os.write(self._terminal, keys)

    def listen(self, until_s: float) -> None:
        """Take what comes until a moment of the monotonic clock, or the first of it."""
        if select.select([self._terminal], [], [], max(until_s - time.monotonic(), 0))[0]:
            self.seen += os.read(self._terminal, _READ_BYTES)

    def wait(self, text: bytes, timeout_s: float) -> float:
        """Wait for text; how long that took."""
        begun_s = time.monotonic()
        while text not in self.seen[self._typed_at :]:
            assert time.monotonic() < begun_s + timeout_s, f"{text!r} was not seen: {self.seen[-4000:]!r}"
            self.listen(begun_s + timeout_s)
        return time.monotonic() - begun_s

    def rest(self, seconds: float) -> None:
        """Let time pass, without keeping anybody from showing something."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self.listen(until_s)


@contextmanager
def on_terminal(words: Sequence[str], folder: Path) -> Iterator[Terminal]:
    """A command in a folder, on a terminal of its own; it is left by keys."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(words, cwd=folder, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    terminal = Terminal(ours)
    try:
        yield terminal
    finally:
        terminal.type(LEAVE)
        process.wait()
        os.close(ours)
