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
