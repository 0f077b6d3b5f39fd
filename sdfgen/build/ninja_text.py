"""Paths in build statements."""

from __future__ import annotations

import os


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
