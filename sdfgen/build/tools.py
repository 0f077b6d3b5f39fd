"""Who compiles, and in which version: the compiler is an input of a build like any file."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from sdfgen.build.toolchain import LLD, ZIG, has_zig
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_GNU_PROGRAMS = ("cc1", "as", "ld")
"""What `gcc` runs."""
_LIBRARIES = ("fdt", "lief", "ninja", "pyelftools")
"""Python packages that take part in what is made."""


class Tool(NamedTuple):
    """A program or library of the build.

    Attributes:
        name: What it is called.
        version: As it says itself.
        files: Its programs: with others of them everything is compiled anew.
    """

    name: str
    version: str
    files: tuple[str, ...] = ()


def tools(cc: str) -> Iterator[Tool]:
    """Yield the programs and libraries that a build uses; what is not installed is left out.

    Args:
        cc: The description's compiler: `zig` or the prefix of a GCC.
    """
    if cc != ZIG:
        yield from _gnu(cc)
    yield from _zig() if has_zig() else _lld()
    from importlib import metadata

    for name in _LIBRARIES:
        try:
            yield Tool(name, metadata.version(name))
        except metadata.PackageNotFoundError:
            continue


def own_steps() -> list[str]:
    """Return the files of the tool's own steps: what they make has no other input that tells of a new version."""
    import patcher
    from sdfgen import guest_files

    folders = [os.path.dirname(str(package.__file__)) for package in (guest_files, patcher)]
    names = [os.path.join(folder, name) for folder in folders for name in os.listdir(folder)]
    return sorted(name for name in names if name.endswith(".py"))


def _zig() -> Iterator[Tool]:
    """Yield Zig: every domain is linked with it, whoever compiles."""
    import ziglang

    program = os.path.join(os.path.dirname(str(ziglang.__file__)), "zig")
    version = _said(program, "version")
    if version:
        yield Tool(ZIG, version, (program,))


def _lld() -> Iterator[Tool]:
    """Yield the lld that links domains where there is no Zig."""
    import shutil

    program = shutil.which(LLD)
    if program is not None:
        yield Tool(LLD, _said(program, "--version").split("\n")[0], (program,))


def _gnu(prefix: str) -> Iterator[Tool]:
    import shutil

    gcc, ar = (shutil.which(f"{prefix}{name}") for name in ("gcc", "gcc-ar"))
    if gcc is None:
        return
    asked = [f"-print-prog-name={name}" for name in _GNU_PROGRAMS]
    parts = [_said(gcc, option) for option in (*asked, "-print-libgcc-file-name")]
    files = [gcc, *([ar] if ar else []), *(part for part in parts if os.path.isabs(part) and os.path.isfile(part))]
    yield Tool(f"{prefix}gcc", _said(gcc, "--version").split("\n")[0], tuple(files))


def _said(*command: str) -> str:
    """Return what a program writes; nothing when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
