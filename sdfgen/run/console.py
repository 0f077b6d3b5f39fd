"""The consoles of several guests, told apart in one serial stream.

A VMM prints each line of its guest behind the guest's name: `NAME| text`. Whatever else arrives is the kernel's, the
monitor's, a protection domain's, or a guest's that was given the UART itself.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sdfgen.faults.fault import nearest
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.faults.source import Where
    from sdfgen.model.system import System

MARK: Final = "| "
_LONGEST_LINE_BYTES: Final = 1 << 16
"""What never ends is taken for a line here, so that a guest cannot fill our memory."""
_ESCAPE: Final = r"(?:\x1b|\\x1b)"
"""As it is, and as a VMM writes it for its guest."""
_CONTROLS: Final = re.compile(
    rf"{_ESCAPE}\[[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b[ -~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_COLOURS: Final = (36, 33, 35, 32, 34)
"""Codes of colours that can be read on black and on white."""


class Line(NamedTuple):
    """A line without its end; `guest` is None for what bears no guest's name."""

    guest: str | None
    text: str


class Consoles(NamedTuple):
    """The guests of a system, and protection domains with a console like theirs.

    Attributes:
        names: They, in the order of the model.
        marks: Names that stand before a line, and whose line it is.
        uart: The guest that was given the UART: what bears no name may be its.
        places: Where each of the names is given.
        system: Where the system is named.
    """

    names: tuple[str, ...]
    marks: Mapping[str, str]
    uart: str | None
    places: Mapping[str, Where] = {}
    system: Where | None = None

    def place(self, wrong: str) -> Where | None:
        """Return where the name is given that is most like a wrong one, else the first, else the system's."""
        name = nearest(wrong, self.places) or next(iter(self.places), None)
        return self.system if name is None else self.places[name]

    def shows(self, name: str | None, line: Line) -> bool:
        """Tell whether a line is to be seen on a guest's console; without a name on any."""
        return name is None or line.guest == name or (line.guest is None and name == self.uart)


def consoles_of(system: System) -> Consoles:
    """Return the consoles of a system's guests."""
    guests = system.guests
    marks = {name: guest.name for guest in guests for name in (guest.name, guest.vmm)}
    others = [one.owner for one in system.terminals if one.owner not in marks]
    marks |= {name: name for name in others}
    uart = next((guest.name for guest in guests if guest.console is None), None)
    names = (*(guest.name for guest in guests), *others)
    origins = {pd.name: pd.origin for pd in system.all_pds()} | {guest.name: guest.origin for guest in guests}
    places = {name: origins[name].at("name") for name in names}
    return Consoles(names, marks, uart, places, system.origin.at("name"))


class Demultiplexer:
    """Takes the serial stream apart into lines.

    A name at the start of a line claims all of it, so a guest cannot speak for another by printing its name. A name
    behind other text comes from a VMM that spoke while another line was unfinished: that one goes on behind it.
    """

    def __init__(self, marks: Mapping[str, str]) -> None:
        self._guests = marks
        names = sorted(map(re.escape, marks), key=len, reverse=True)
        self._mark = re.compile(f"({'|'.join(names)}){re.escape(MARK)}" if names else r"(?!)")
        self._waiting = b""
        self._unfinished = ""

    def feed(self, data: bytes) -> Iterator[Line]:
        """Yield the lines that this part of the stream completes."""
        *complete, self._waiting = (self._waiting + data).split(b"\n")
        if len(self._waiting) > _LONGEST_LINE_BYTES:
            complete.append(self._waiting)
            self._waiting = b""
        for raw in complete:
            before, line = self._split(raw)
            if line is None:
                yield Line(None, self._unfinished + before)
                self._unfinished = ""
            else:
                self._unfinished = (self._unfinished + before)[-_LONGEST_LINE_BYTES:]
                yield line

    def partial(self) -> Line | None:
        """Return the line that has begun and not ended, such as a prompt."""
        before, line = self._split(self._waiting)
        text = self._unfinished + before
        return line or (Line(None, text) if text else None)

    def _split(self, raw: bytes) -> tuple[str, Line | None]:
        """Return what stands before a name, and what the name claims."""
        text = _CONTROLS.sub("", raw.decode("utf-8", "replace"))
        found = self._mark.search(text)
        return (text[: found.start()], Line(self._guests[found[1]], text[found.end() :])) if found else (text, None)


class Screen:
    """Shows lines, each with the name of its guest unless only one is wanted.

    Args:
        consoles: The guests there are.
        only: The guest whose console alone is shown.
        colours: Colour the names.
    """

    def __init__(self, consoles: Consoles, only: str | None, *, colours: bool) -> None:
        self._consoles = consoles
        self._only = only
        names = consoles.names
        tints = {name: f"\x1b[{_COLOURS[i % len(_COLOURS)]}m{name}|\x1b[0m " for i, name in enumerate(names)}
        self._heads = tints if colours else {name: f"{name}{MARK}" for name in names}

    def render(self, line: Line) -> str:
        """Return what is shown of a line; nothing when another console is wanted."""
        if not self._consoles.shows(self._only, line):
            return ""
        head = "" if self._only or line.guest is None else self._heads[line.guest]
        return f"{head}{line.text}\n"
