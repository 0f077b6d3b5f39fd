"""Where Zig keeps what it compiled of its own: it refuses to work without such a folder."""

from __future__ import annotations

import os
from typing import Final

VARIABLE: Final = "ZIG_GLOBAL_CACHE_DIR"
FOLDER: Final = ".zig-cache"
"""The cache in an output folder, where the user's home has no room for one."""


def zig_cache(instead: str) -> dict[str, str]:
    """Return what the environment needs so that Zig has a cache: nothing where it finds one by itself.

    Zig takes `ZIG_GLOBAL_CACHE_DIR`, else `zig` in `XDG_CACHE_HOME`, else `.cache/zig` in `HOME`.

    Args:
        instead: A folder for it, where none of these can be written to.
    """
    if os.environ.get(VARIABLE) or _usual():
        return {}
    return {VARIABLE: os.path.abspath(instead)}


def _usual() -> bool:
    """Tell whether Zig can write where it usually does; the home must be there, what is below it is made."""
    home, caches = os.environ.get("HOME"), os.environ.get("XDG_CACHE_HOME")
    if not caches and not (home and os.path.isdir(home)):
        return False
    folder = os.path.join(caches or os.path.join(str(home), ".cache"), "zig")
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
