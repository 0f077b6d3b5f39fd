"""A board's folder as it lies there: its files, places in them, and faults about them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.faults.place import Span
from sdfgen.faults.source import Text, Where

if TYPE_CHECKING:
    from sdfgen.model.microkit import Origin

MISSING, NUMBER, MANIFEST, INPUT, IMAGE, GUEST = (f"SDF15{digit}" for digit in range(6))
AGAIN = "run `sdfgen build` again"
START = Span(1, 1, 1)


class Made:
    """The files of one board, each read once.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._contents: dict[str, bytes | None] = {}
        self._texts: dict[str, Text] = {}

    def path(self, name: str) -> str:
        """Return the path of a file."""
        return os.path.join(self.folder, name)

    def content(self, name: str) -> bytes | None:
        """Return a file's content; None when it is missing, no file, or may not be read."""
        if name not in self._contents:
            self._contents[name] = read_file(self.path(name))
        return self._contents[name]

    def names(self) -> list[str]:
        """Return all that lies in the folder, but for folders; symbolic links are not followed."""
        found = []
        for base, folders, names in os.walk(self.folder):
            links = [name for name in folders if os.path.islink(os.path.join(base, name))]
            found += [os.path.relpath(os.path.join(base, name), self.folder) for name in (*names, *links)]
        return sorted(found)

    def text(self, name: str) -> Text:
        """Return a file as a text that places are in; what is no text has no lines."""
        if name not in self._texts:
            content = self.content(name) or b""
            self._texts[name] = Text(self.path(name), "" if b"\0" in content else content.decode(errors="replace"))
        return self._texts[name]

    def where(self, name: str, span: Span = START) -> Where:
        """Return a place in a file."""
        return Where(self.text(name), (span.line, span.column))

    def fault(
        self,
        code: str,
        message: str,
        name: str,
        span: Span = START,
        *,
        advice: str = AGAIN,
        origin: tuple[Origin, str] | None = None,
    ) -> Fault:
        """Return a fault of a file.

        Args:
            code: Its code.
            message: What is wrong.
            name: The file.
            span: Where in it.
            advice: What to do.
            origin: The place in the description that decides what is right.
        """
        notes = ((origin[0].at(origin[1]), "this decides it"),) if origin else ()
        return Fault(code, message, self.where(name, span), advice, notes, span=span)


def read_file(path: str) -> bytes | None:
    """Return the content of a file; None when it is missing, no file, or may not be read.

    Args:
        path: The file.
    """
    try:
        if not os.path.isfile(path):
            return None
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError):
        return None


def shown(value: object) -> str:
    """Return a value as messages show it: addresses and sizes in hexadecimal, nothing as `nothing`."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return hex(value) if abs(value) >= _HEXADECIMAL_FROM else str(value)
    if isinstance(value, (tuple, list)):
        return " ".join(map(shown, value)) if value else "an empty value"
    return "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)


_HEXADECIMAL_FROM = 1024
