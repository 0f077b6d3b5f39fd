"""Signals that end a command: what runs for it ends first, then it says one line, with status 128 + signal."""

from __future__ import annotations

import signal
from contextlib import contextmanager

from sdfgen.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """A signal asked for the end.

    Attributes:
        number: Which.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def catch() -> None:
    """Let each of these signals raise `Interrupted`; one that is ignored from outside stays so."""
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _raise)


def _raise(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


@contextmanager
def held() -> Iterator[None]:
    """Let signals wait until a body is done that must not end half-way."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def told(error: KeyboardInterrupt) -> tuple[str, int]:
    """Return what is said of an interrupt, and the exit status.

    Args:
        error: The interrupt.
    """
    number = signal.Signals(getattr(error, "number", signal.SIGINT))
    return f"interrupted by {number.name}", 128 + number
