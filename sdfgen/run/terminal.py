"""The terminal in raw mode while its keys go to the guests, and what is typed on the way to them."""

from __future__ import annotations

import os
import sys
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAVE: Final = b"\x01"
"""^A, as QEMU has it: x behind it ends the run, ^A is itself."""
_END: Final = b"x"
_KEYS_BYTES: Final = 1 << 10
_IFLAG, _OFLAG, _CFLAG, _LFLAG, _CC = 0, 1, 2, 3, 6


@contextmanager
def raw_mode(terminal: int) -> Iterator[None]:
    """Have each key at once, ^C too; the terminal is as it was when this is left, whichever way.

    Args:
        terminal: Its file descriptor.
    """
    before = termios.tcgetattr(terminal)
    raw = termios.tcgetattr(terminal)
    raw[_IFLAG] &= ~(termios.BRKINT | termios.ICRNL | termios.INPCK | termios.ISTRIP | termios.IXON)
    raw[_LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    raw[_CC][termios.VMIN], raw[_CC][termios.VTIME] = 1, 0
    try:
        termios.tcsetattr(terminal, termios.TCSADRAIN, raw)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)


def is_interactive() -> bool:
    """Tell whether somebody sits there."""
    return sys.stdin.isatty() and sys.stdout.isatty()


class Keyboard:
    """Keys: all are the guests', but for those behind `LEAVE`."""

    def __init__(self, terminal: int) -> None:
        self.terminal = terminal
        self._leaving = False

    def read(self) -> bytes | None:
        """Return what was typed; None when that ends the run."""
        keys = os.read(self.terminal, _KEYS_BYTES)
        typed = b""
        for key in (keys[i : i + 1] for i in range(len(keys))):
            if self._leaving and key == _END:
                return None
            if self._leaving or key != LEAVE:
                typed += key
            self._leaving = key == LEAVE and not self._leaving
        return typed if keys else None


class Typist:
    """Writes to the serial line as fast as that takes it."""

    def __init__(self, line: int) -> None:
        os.set_blocking(line, False)
        self.line = line
        self.waiting = b""

    def type(self, text: bytes) -> None:
        """Add text to what waits, and write what goes."""
        self.waiting += text
        self.write()

    def write(self) -> None:
        """Write what goes; who does not listen any more misses the rest."""
        try:
            while self.waiting:
                self.waiting = self.waiting[os.write(self.line, self.waiting) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self.waiting = b""
