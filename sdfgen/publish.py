"""Output folders that change as a whole or not at all, and keep the times of what did not change."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_CHUNK_BYTES = 2**20
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
"""renameat2(2)."""


def write_if_changed(path: str, content: bytes) -> bool:
    """Write a file unless it already has this content; never leave half a file.

    Returns:
        Whether it was written.
    """
    if _content(path) == content:
        return False
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    temporary = f"{path}.new"
    with open(temporary, "wb") as file:
        file.write(content)
    os.replace(temporary, path)
    return True


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def publish(work: str, final: str, files: Iterable[str]) -> bool:
    """Make `final` hold exactly `files` of `work`, in one step.

    A file whose content is the same as before stays the same file, with its modification time.
    Whoever is killed on the way leaves `final` as it was.

    Args:
        work: Folder to take the files from.
        final: Folder to make.
        files: Relative paths.

    Returns:
        Whether anything changed.
    """
    wanted = sorted(files)
    same = {name for name in wanted if _same(os.path.join(work, name), os.path.join(final, name))}
    if len(same) == len(wanted) and sorted(_files_below(final)) == wanted:
        return False
    stage = f"{final}.new"
    _remove(stage)
    for name in wanted:
        target = os.path.join(stage, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if name in same:
            _link(os.path.join(final, name), target)
        else:
            _copy(os.path.join(work, name), target)
    os.makedirs(stage, exist_ok=True)
    _swap(stage, final)
    _remove(stage)
    return True


def _remove(folder: str) -> None:
    if os.path.lexists(folder):
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: str, target: str) -> None:
    with open(source, "rb") as read, open(target, "wb") as written:
        while chunk := read.read(_CHUNK_BYTES):
            written.write(chunk)
    os.chmod(target, os.stat(source).st_mode)


def _same(new: str, old: str) -> bool:
    try:
        if os.stat(new).st_mode != os.stat(old).st_mode or os.path.getsize(new) != os.path.getsize(old):
            return False
    except (FileNotFoundError, NotADirectoryError):
        return False
    return _content(new) == _content(old)


def _files_below(folder: str) -> list[str]:
    return [os.path.relpath(os.path.join(base, name), folder) for base, _, names in os.walk(folder) for name in names]


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        import shutil

        shutil.copy2(source, target)


def _swap(stage: str, final: str) -> None:
    """Exchange two folders atomically where the system can; otherwise rename twice."""
    if not os.path.lexists(final):
        os.rename(stage, final)
        return
    if sys.platform == "linux" and _exchange(stage, final):
        return
    old = f"{final}.old"
    _remove(old)
    os.rename(final, old)
    os.rename(stage, final)
    _remove(old)


def _exchange(first: str, second: str) -> bool:
    import ctypes

    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    return bool(renameat2(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0)
