"""Folders outside the repository that are made once: packages, guest kernels and their initial ramdisks."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class UnavailableError(Exception):
    """What this machine lacks."""


def cache_folder() -> str:
    """Where guests are kept between runs."""
    path = os.environ.get("SDFGEN_CACHE") or os.path.join(os.path.expanduser("~"), ".cache", "sdfgen-guests")
    os.makedirs(path, exist_ok=True)
    return path


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Only one process at a time, even when test runs overlap."""
    with open(os.path.join(cache_folder(), name + ".lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made(name: str, make: Callable[[str], None]) -> str:
    """The folder of that name, made by `make` unless it exists: whole or not at all."""
    path = os.path.join(cache_folder(), name)
    with locked(name):
        if not os.path.isdir(path):
            _make(path, make)
    return path


def _make(path: str, make: Callable[[str], None]) -> None:
    new = tempfile.mkdtemp(prefix=os.path.basename(path) + ".", dir=os.path.dirname(path))
    try:
        make(new)
        os.rename(new, path)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def need_programs(*names: str) -> None:
    """Refuses where one of them is not on PATH."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        raise UnavailableError(f"not installed: {', '.join(missing)}")
