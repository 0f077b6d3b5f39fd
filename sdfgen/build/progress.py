"""Says what is being done: work that takes longer than a second is not silent."""

from __future__ import annotations

import os
import sys
import time

_FIRST_S = 1.0
_EVERY_S = 10.0
_CLEAR = "\r\x1b[K"
_WIDTH = 100


def _is_terminal() -> bool:
    """Tell whether lines can be written over: not in the log of a CI, which may call itself a terminal."""
    return sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


class Progress:
    """What is shown of a board's build while it goes on, on standard error.

    A terminal has one line that is written over; a log gets a line after a second, and then one every ten.

    Args:
        name: Whose build it is.
        quiet: Show nothing.
        verbose: Show every step, with its command.
    """

    def __init__(self, name: str, *, quiet: bool = False, verbose: bool = False) -> None:
        self._name = name
        self._quiet = quiet
        self.shows_commands = verbose and not quiet
        self._terminal = _is_terminal() and not self.shows_commands
        self._begun_s = time.monotonic()
        self._next_s = self._begun_s + _FIRST_S
        self._done, self._last = "starts", ""
        self._written = False

    @property
    def patience_s(self) -> float:
        """How long to wait until something is to be said."""
        return max(0.0, self._next_s - time.monotonic())

    @property
    def _now(self) -> str:
        return f"{self._done}, {time.monotonic() - self._begun_s:.0f} s{self._last}"

    def step(self, number: int, total: int, what: str) -> None:
        """Take note of a step that is done."""
        if self.shows_commands:
            sys.stderr.write(f"[{number}/{total}] {what}\n")
        self._done, self._last = f"{number} of {total} steps", f"; done: {what}"
        if self._terminal or self.patience_s == 0:
            self.wait()

    def wait(self) -> None:
        """Say how far it is, when it is time to."""
        if time.monotonic() < self._next_s:
            return
        if self._terminal and not self._quiet:
            sys.stderr.write(f"{_CLEAR}{self._name}: {self._now}"[: _WIDTH + len(_CLEAR)])
            sys.stderr.flush()
            self._written = True
        elif not (self._quiet or self.shows_commands):
            sys.stderr.write(f"sdfgen: {self._name}: {self._now}\n")
            sys.stderr.flush()
        self._next_s = time.monotonic() + (0.1 if self._terminal else _EVERY_S)

    def done(self) -> None:
        """Leave a clean line."""
        if self._written:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._written = False
