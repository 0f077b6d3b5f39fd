"""Compiles generated C into a folder that is thrown away, to see it as the programs do."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from typing import TYPE_CHECKING

from sdfgen.faults.place import Span
from sdfgen.records import NamedTuple
from sdfgen.verify.made import MISSING, read_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.verify.made import Made

_READABLE = ("-w", "-gdwarf-4", "-gno-column-info")
"""Without warnings: what is wrong is told as what it is. DWARF 4 is what all readers know."""


_SAID = re.compile(r"^(?P<path>.*?):(?P<line>\d+):(?P<column>\d+): (?:fatal )?error: (?P<what>.*)$")


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
        paths: The files.

    Raises:
        NoCompilerError: There is no such compiler.
    """
    from concurrent.futures import ThreadPoolExecutor

    # Each by itself: of several at once, Zig makes one object.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = pool.map(lambda path: _object(command, path), paths)
        return dict(zip(paths, made, strict=True))


def _object(command: tuple[str, ...], path: str) -> bytes | CompileError:
    with tempfile.TemporaryDirectory(prefix="sdfgen-") as folder:
        output = os.path.join(folder, "table.o")
        said = _run((*command, *_READABLE, "-c", path, "-o", output), folder)
        return CompileError(said) if said is not None else read_file(output) or CompileError("it made no object")


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


def refused(made: Made, name: str, error: CompileError) -> Fault:
    """Return the fault of a file that a compiler refuses.

    Args:
        made: The folder.
        name: The file.
        error: Why.
    """
    match = _SAID.match(str(error))
    if match is None or os.path.basename(match["path"]) != os.path.basename(name):
        return made.fault(MISSING, f"{name} cannot be compiled: {error}", name)
    last = made.text(name).text.count("\n") + 1
    span = Span(min(int(match["line"]), last), 1, 1)
    return made.fault(MISSING, f"{name} cannot be compiled: {match['what']}", name, span)


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
