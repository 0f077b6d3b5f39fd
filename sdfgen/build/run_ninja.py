"""Runs Ninja on a build graph, and takes what it writes apart."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Final

from sdfgen.build.toolchain import LIBVMM, SDK
from sdfgen.build.zig_cache import FOLDER, zig_cache
from sdfgen.interrupts import held
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.build.progress import Progress
    from sdfgen.build.toolchain import Toolchain

_MARK: Final = "\x01"
"""Stands before each line that says how far Ninja is."""
_STEP: Final = re.compile(rf"{_MARK}(\d+)/(\d+) (.*)")
_FAILED: Final = re.compile(r"FAILED: (?:\[code=\d+\] )?(.*)")
_NINJA: Final = "ninja: "
_PATIENCE_S: Final = 10
_CHUNK_BYTES: Final = 1 << 16


class Failed(NamedTuple):
    """A step that failed.

    Attributes:
        outputs: What it should have made; nothing when Ninja itself had something to say.
        said: What its program wrote.
    """

    outputs: tuple[str, ...]
    said: str


class Run(NamedTuple):
    """How Ninja is run.

    Attributes:
        toolchain: What the graph's $MICROKIT_SDK and $LIBVMM stand for.
        jobs: Steps at once; 0 lets Ninja choose.
        lock: A descriptor that all children hold until the last has ended.
        progress: Is told what is done.
    """

    toolchain: Toolchain
    jobs: int
    lock: int | None
    progress: Progress


def run_ninja(folder: str, run: Run, *targets: str) -> list[Failed]:
    """Bring what a folder's build.ninja makes up to date, as far as that is possible.

    Args:
        folder: The folder.
        run: How.
        targets: What to make; what the file makes by default when there are none.

    Returns:
        The steps that failed.
    """
    program = _program()
    if program is None:
        return [Failed((), "ninja is not installed: pip install ninja")]
    command = [program, "-C", folder, "-k", "0", *(["-j", str(run.jobs)] if run.jobs else []), *targets]
    if run.progress.shows_commands:
        command.append("-v")
    cache = zig_cache(os.path.join(os.path.dirname(os.path.abspath(folder)), FOLDER))
    with _running(command, run, cache) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        failed = list(_failures(_lines(process.stdout, run.progress), run.progress))
        status = process.wait()
    run.progress.done()
    return failed or ([Failed((), f"ninja ended with status {status}")] if status else [])


@contextmanager
def _running(command: list[str], run: Run, more: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run Ninja apart from the terminal: what ^C means for it is decided here. It has ended when this is left."""
    found = {SDK: run.toolchain.microkit_sdk, LIBVMM: run.toolchain.libvmm}
    environment = {**os.environ, **more, "SDFGEN_PYTHON": sys.executable, "NINJA_STATUS": f"{_MARK}%f/%t "}
    environment |= {name: path for name, path in found.items() if path}
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0,
        pass_fds=() if run.lock is None else (run.lock,),
    ) as process:
        try:
            yield process
        except BaseException:
            with held():
                _end(process)
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End Ninja, which ends its own children first; what does not end keeps the lock."""
    if process.stdout:
        process.stdout.close()
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _lines(stream: IO[bytes], progress: Progress) -> Iterator[str]:
    """Yield the lines of a pipe, and let time pass for who waits meanwhile."""
    waiting = b""
    while True:
        while not select.select([stream], (), (), progress.patience_s)[0]:
            progress.wait()
        data = os.read(stream.fileno(), _CHUNK_BYTES)
        *lines, waiting = (waiting + data).split(b"\n")
        yield from (line.decode(errors="replace") for line in lines)
        if not data:
            if waiting:
                yield waiting.decode(errors="replace")
            return


def _failures(lines: Iterator[str], progress: Progress) -> Iterator[Failed]:
    """Yield the steps that failed: behind the line that says so stand its command and what it wrote."""
    outputs: tuple[str, ...] | None = None
    said: list[str] = []
    for line in lines:
        step, failed = _STEP.match(line), _FAILED.match(line)
        if outputs is not None and (step or failed or line.startswith(_NINJA)):
            yield Failed(outputs, "\n".join(said[1:]))
            outputs, said = None, []
        if step:
            progress.step(int(step[1]), int(step[2]), step[3])
        elif failed:
            outputs = tuple(failed[1].split())
        elif line.startswith(f"{_NINJA}error: "):
            yield Failed((), line)
        elif outputs is not None:
            said.append(line)
    if outputs is not None:
        yield Failed(outputs, "\n".join(said[1:]))


def _program() -> str | None:
    """Return Ninja's path: beside this Python first, since importing its package takes longer than running it."""
    beside = os.path.join(os.path.dirname(sys.executable), "ninja")
    return beside if os.access(beside, os.X_OK) else shutil.which("ninja")
