"""Files that a description names: none is opened that may block, and no more is read than was asked for."""

from __future__ import annotations

import os


def length_bytes(path: str) -> int | str:
    """Return the length of a file, or what is wrong with it.

    Args:
        path: The file.
    """
    try:
        if os.path.isfile(path):
            return os.path.getsize(path)
        return "is not a file" if os.path.exists(path) else "does not exist"
    except (OSError, ValueError) as error:
        return f"cannot be used: {error}"


def look_around(path: str, wanted: str, endings: tuple[str, ...]) -> tuple[str, str]:
    """Return which file beside one that can't be read may be meant, in words or "", and what to do.

    Args:
        path: What can't be read.
        wanted: What it should have been.
        endings: Those of files that may be meant.
    """
    from sdfgen.faults.fault import suggestion

    if os.path.isdir(path):
        found = [name for name in _names(path) if name.endswith(endings) and not name.startswith(".")]
        found.sort(key=lambda name: not name.startswith("system."))
        return "", f"name a file in it: {os.path.join(path, found[0])}" if found else f"give the path of {wanted}"
    folder, name = os.path.split(path)
    if name in _names(folder or "."):
        return "", f"make it one that can be read, or give the path of {wanted}"
    near = suggestion(name, (other for other in _names(folder or ".") if other.endswith(endings)))
    return near, f"give the path of {wanted}"


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (OSError, ValueError):
        return []
