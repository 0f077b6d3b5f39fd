"""Watching a running system: its serial stream, the clock, and whether it has ended."""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING, Final

from sdfgen.run.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdfgen.run.console import Demultiplexer, Line, Screen
    from sdfgen.run.expect import Expectations

_CHUNK_BYTES: Final = 1 << 16
_QUIET_S: Final = 0.2
"""A line that has stood unfinished for so long, such as a prompt, is looked at as it is."""


class Watcher:
    """Shows what a system says until all expectations are met, it ends, or time is up.

    Args:
        demultiplexer: Takes the stream apart.
        screen: Renders lines.
        expectations: What ends the watching; nothing does when there are none.
        show: Takes the text to show.
        now_and_then: Called several times a second.
    """

    def __init__(
        self,
        demultiplexer: Demultiplexer,
        screen: Screen,
        expectations: Expectations,
        show: Callable[[str], None],
        now_and_then: Callable[[], None] = lambda: None,
    ) -> None:
        self._demultiplexer = demultiplexer
        self._screen = screen
        self._expectations = expectations
        self._show = show
        self._now_and_then = now_and_then

    def watch(self, stream: int, timeout_s: float) -> Status:
        """Watch a stream.

        Args:
            stream: File descriptor of the serial stream.
            timeout_s: Seconds it may take; 0 for any number.
        """
        deadline = time.monotonic() + timeout_s if timeout_s else float("inf")
        while (left_s := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([stream], [], [], min(left_s, _QUIET_S))
            data = os.read(stream, _CHUNK_BYTES) if ready else None
            self._now_and_then()
            if self._met(data):
                return Status.GOOD
            if data == b"":
                return Status.ENDED
        return Status.TIMEOUT

    def show_rest(self) -> None:
        """Show the line that was never finished."""
        line = self._demultiplexer.partial()
        if line is not None:
            self._show(self._screen.render(line))

    def _met(self, data: bytes | None) -> bool:
        """Take what was read, or None when the stream is quiet; tell whether the last expectation was met."""
        if not data:
            line = self._demultiplexer.partial()
            return line is not None and self._expectations.see(line)
        met = [self._take(line) for line in self._demultiplexer.feed(data)]
        return any(met)

    def _take(self, line: Line) -> bool:
        text = self._screen.render(line)
        if text:
            self._show(text)
        return self._expectations.see(line)
