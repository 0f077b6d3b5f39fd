"""Output folders that change as a whole or not at all, and keep the times of what did not change."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

_CHUNK_BYTES = 2**20
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
"""renameat2(2)."""


def write_files(folder: str, files: Mapping[str, bytes]) -> None:
    """Write the files whose content is not there yet; never leave half a file.

    New files with the same content become one file with several names: making a file can cost
    half a millisecond, a name for it hundredths of that.

    Args:
        folder: Where the paths start.
        files: Content by relative path.
    """
    written: dict[bytes, str] = {}
    new_folders = _make_folders({os.path.dirname(os.path.join(folder, name)) for name in files})
    for name, content in files.items():
        path = os.path.join(folder, name)
        if os.path.dirname(path) in new_folders:
            _write_or_link(content, written, path)
        elif _content(path) != content:
            temporary = f"{path}.new"
            _remove_file(temporary)
            _write_or_link(content, written, temporary)
            os.replace(temporary, path)
        else:
            continue
        written[content] = path


def _make_folders(folders: Iterable[str]) -> set[str]:
    """Make the folders that are missing, and return those."""
    missing = {folder for folder in folders if folder and not os.path.isdir(folder)}
    for folder in missing:
        os.makedirs(folder, exist_ok=True)
    return missing


def _write_or_link(content: bytes, written: Mapping[bytes, str], path: str) -> None:
    if content in written:
        _link(written[content], path)
        return
    with open(path, "wb") as file:
        file.write(content)


def _remove_file(path: str) -> None:
    """Remove what a killed build left; writing into it would reach every file that shares its content."""
    with suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def make_links(folder: str, links: Mapping[str, str]) -> None:
    """Have symbolic links in a folder.

    Args:
        folder: The folder.
        links: Where each leads, by its name.
    """
    for name, target in links.items():
        path = os.path.join(folder, name)
        if not _leads_to(path, target):
            temporary = f"{path}.new"
            _remove(temporary)
            os.symlink(target, temporary)
            if os.path.isdir(path) and not os.path.islink(path):
                _remove(path)
            os.replace(temporary, path)


def _leads_to(path: str, target: str) -> bool:
    return os.path.islink(path) and os.readlink(path) == target


def publish(
    work: str, final: str, files: Iterable[str], copied: Container[str], links: Mapping[str, str] | None = None
) -> None:
    """Make `final` hold exactly `files` of `work`, in one step.

    A file whose content is the same as before stays the same file, with its modification time.
    Whoever is killed on the way leaves `final` as it was.

    Args:
        work: Folder to take the files from.
        final: Folder to make.
        files: Relative paths.
        copied: Those that other programs may write in place; the rest is only given a second name.
        links: Symbolic links that it holds besides, and where they lead.
    """
    links = links or {}
    wanted = sorted(files)
    same = {name for name in wanted if _same(os.path.join(work, name), os.path.join(final, name))}
    linked = all(_leads_to(os.path.join(final, name), target) for name, target in links.items())
    if len(same) == len(wanted) and linked and sorted(set(_files_below(final)) - links.keys()) == wanted:
        return
    stage = f"{final}.new"
    _remove(stage)
    os.makedirs(stage)
    _make_folders({os.path.join(stage, os.path.dirname(name)) for name in wanted})
    for name in wanted:
        source = os.path.join(final if name in same else work, name)
        action = _copy if name in copied and name not in same else _link
        action(source, os.path.join(stage, name))
    make_links(stage, links)
    _swap(stage, final)
    _remove(stage)


def _same(new: str, old: str) -> bool:
    try:
        one, other = os.stat(new), os.stat(old)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if os.path.samestat(one, other):
        return True
    return one.st_mode == other.st_mode and one.st_size == other.st_size and _content(new) == _content(old)


def _files_below(folder: str) -> list[str]:
    return [os.path.relpath(os.path.join(base, name), folder) for base, _, names in os.walk(folder) for name in names]


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        import shutil

        shutil.copy2(source, target)


def _remove(folder: str) -> None:
    if os.path.islink(folder):
        os.unlink(folder)
    elif os.path.lexists(folder):
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


def _copy(source: str, target: str) -> None:
    with open(source, "rb") as read, open(target, "wb") as written:
        while chunk := read.read(_CHUNK_BYTES):
            written.write(chunk)
    os.chmod(target, os.stat(source).st_mode)


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
