"""Compiles generated C into a folder that is thrown away, to see it as the programs do."""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.verify.made import read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_READABLE = ("-w", "-gdwarf-4", "-gno-column-info")
"""Without warnings: what is wrong is told as what it is. DWARF 4 is what all readers know."""


class Compilers(NamedTuple):
    """Commands that compile C as the build does: program, flags and folders of headers.

    Attributes:
        linux: For Linux programs.
        domain: For protection domains.
    """

    linux: tuple[str, ...]
    domain: tuple[str, ...]


class CompileError(Exception):
    """A file cannot be compiled; the message is the compiler's first line."""


class NoCompilerError(Exception):
    """There is no compiler to ask."""


def objects(command: tuple[str, ...], paths: list[str]) -> dict[str, bytes | CompileError]:
    """Return the objects of C files by their paths, or why there is none.

    Args:
        command: What compiles.
        paths: The files; their names differ.

    Raises:
        NoCompilerError: There is no such compiler.
    """
    found: dict[str, bytes | CompileError] = {}
    with tempfile.TemporaryDirectory(prefix="sdfgen-") as folder:
        said = _run((*command, *_READABLE, "-c", *paths), folder)
        for path in paths if said is not None else ():
            # One file that is wrong may keep a compiler from the others.
            said = _run((*command, *_READABLE, "-c", path), folder)
            if said is not None:
                found[path] = CompileError(said)
        for path in paths:
            name = f"{os.path.splitext(os.path.basename(path))[0]}.o"
            found.setdefault(path, read_file(os.path.join(folder, name)) or CompileError("it made no object"))
    return found


def macros(command: tuple[str, ...], header: str) -> dict[str, str]:
    """Return what each macro stands for after a header was included.

    Args:
        command: What compiles.
        header: The header.

    Raises:
        CompileError: The header cannot be included.
        NoCompilerError: There is no such compiler.
    """
    with tempfile.TemporaryDirectory(prefix="sdfgen-") as folder:
        output = os.path.join(folder, "macros")
        said = _run((*command, "-w", "-E", "-dM", "-o", output, "-x", "c", header), folder)
        if said is not None:
            raise CompileError(said)
        text = (read_file(output) or b"").decode(errors="replace")
    return dict(_defined(text.splitlines()))


def _defined(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, _, value = line.removeprefix("#define ").partition(" ")
        yield name, value


def _run(command: tuple[str, ...], folder: str) -> str | None:
    """Return the first line of what a compiler says against its input; None when it is content."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except OSError as error:
        raise NoCompilerError(f"{command[0]}: {error.strerror or error}") from error
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if "error" in line]
    return (lines or [*done.stderr.splitlines(), f"status {done.returncode}"])[0]
