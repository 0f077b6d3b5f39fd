"""Watching a running system: its serial stream, the clock, and whether it has ended."""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING, Final

from sdfgen.records import NamedTuple
from sdfgen.run.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from sdfgen.run.console import Demultiplexer, Line, Screen
    from sdfgen.run.expect import Expectations
    from sdfgen.run.script import Script
    from sdfgen.run.terminal import Keyboard, Typist

_CHUNK_BYTES: Final = 1 << 16
_QUIET_S: Final = 0.2
"""A line that has stood unfinished for so long, such as a prompt, is looked at as it is."""


class Hands(NamedTuple):
    """Who types, besides the steps of a script.

    Attributes:
        typist: Writes to the serial line.
        keyboard: Whoever sits there; None for nobody.
        first: What is typed before anything else, once somebody was heard.
    """

    typist: Typist
    keyboard: Keyboard | None
    first: bytes


class Watcher:
    """Shows what a system says until all expectations are met, it ends, or time is up.

    Args:
        demultiplexer: Takes the stream apart.
        screen: Renders lines.
        expectations: What ends the watching; nothing does when there are none.
        show: Takes the text to show.
        now_and_then: Called several times a second.
        hands: Who types; None for nobody.
        show_raw: Takes the stream as it is, instead of its lines; None for its lines.
    """

    def __init__(
        self,
        demultiplexer: Demultiplexer,
        screen: Screen,
        expectations: Expectations | Script,
        show: Callable[[str], None],
        now_and_then: Callable[[], None] = lambda: None,
        hands: Hands | None = None,
        show_raw: Callable[[bytes], None] | None = None,
    ) -> None:
        self._demultiplexer = demultiplexer
        self._screen = screen
        self._expectations = expectations
        self._show = show
        self._now_and_then = now_and_then
        self._hands = hands
        self._first = hands.first if hands else b""
        self._show_raw = show_raw

    def watch(self, stream: int, timeout_s: float) -> Status:
        """Watch a stream.

        Args:
            stream: File descriptor of the serial stream.
            timeout_s: Seconds it may take; 0 for any number.
        """
        deadline = time.monotonic() + timeout_s if timeout_s else float("inf")
        keyboard = self._hands.keyboard if self._hands else None
        sources = [stream, *([keyboard.terminal] if keyboard else [])]
        while (left_s := deadline - time.monotonic()) > 0:
            typist = self._hands.typist if self._hands else None
            sinks = [typist.line] if typist and typist.waiting else []
            ready, writable, _ = select.select(sources, sinks, [], min(left_s, _QUIET_S))
            data = os.read(stream, _CHUNK_BYTES) if stream in ready else None
            self._now_and_then()
            if typist and writable:
                typist.write()
            if typist and keyboard and keyboard.terminal in ready and not _pass_on(keyboard, typist):
                return Status.GOOD if not self._expectations.count else Status.ENDED
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
        if data and self._show_raw:
            self._show_raw(data)
        if data:
            taken = [self._take(line) for line in self._demultiplexer.feed(data)]
            met = any(taken)
        else:
            line = self._demultiplexer.partial()
            met = line is not None and self._see(line, finished=False)
        return self._type() or met

    def _take(self, line: Line) -> bool:
        text = self._screen.render(line)
        if text and not self._show_raw:
            self._show(text)
        return self._see(line, finished=True)

    def _see(self, line: Line, *, finished: bool) -> bool:
        if self._first and self._hands and line.guest is not None:
            self._hands.typist.type(self._first)
            self._first = b""
        return self._expectations.see(line, finished=finished)

    def _type(self) -> bool:
        """Type what is due; tell whether that was the last step."""
        text = self._expectations.due() if self._hands else b""
        if text and self._hands:
            self._hands.typist.type(text)
        return bool(text) and self._expectations.done


def _pass_on(keyboard: Keyboard, typist: Typist) -> bool:
    """Type what was typed; tell whether that goes on."""
    typed = keyboard.read()
    typist.type(typed or b"")
    return typed is not None
