"""Paths in build statements, and contents behind commands."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Author(NamedTuple):
    """The author's files, for build statements.

    Attributes:
        folder: The description's.
        up: Path from the board's folder to it.
        digest: Returns the hash of a file's content, by its path.
    """

    folder: str
    up: str
    digest: Callable[[str], str]

    def name(self, path: str) -> str:
        """Return a file as the graph names it."""
        return beside(self.up, path)

    def content(self, *paths: str) -> str:
        """Return the line that gives a build statement the content of files."""
        digests = joined(self.digest(os.path.join(self.folder, path)) for path in paths)
        return f"  content = {digests}\n" if digests else ""


def joined(digests: Iterable[str]) -> str:
    """Return one hash for several; none for none, and the only one as it is."""
    found = list(filter(None, digests))
    if len(found) > 1:
        from sdfgen.build.digest import digest

        return digest("".join(found).encode())
    return found[0] if found else ""


def beside(up: str, path: str) -> str:
    """Return a file of the author's for a build statement.

    Args:
        up: Path from the board's folder to the description's.
        path: As the description has it: from its folder, or absolute.
    """
    return escaped(os.path.join(up, path))


def escaped(path: str) -> str:
    """Escape a path for a build statement."""
    return path.replace("$", "$$").replace(" ", "$ ").replace(":", "$:")


def quoted(path: str) -> str:
    """Quote a path for the shell inside a variable of Ninja's."""
    import shlex

    return shlex.quote(path).replace("$", "$$")
