"""`sdfgen run`: builds what is to run, makes its disk, runs it, and judges what it says."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from sdfgen.build.graph_image import LOADER
from sdfgen.build.toolchain import LIBVMM, SDK, find_toolchain
from sdfgen.commands.build import Request, build_and_tell
from sdfgen.commands.dispatch import report
from sdfgen.describe import describe
from sdfgen.run.console import Consoles, Demultiplexer, Screen, consoles_of
from sdfgen.run.expect import Expectations, expectation
from sdfgen.run.partition_table import write_disk
from sdfgen.run.partitions import partitions
from sdfgen.run.qemu import command, program, running
from sdfgen.run.status import RunError, Status, UsageError
from sdfgen.run.watch import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from sdfgen.describe import Description
    from sdfgen.model.system import System
    from sdfgen.run.partition_table import Partition


class RunRequest(NamedTuple):
    """The arguments of `sdfgen run`."""

    description: str
    settings: tuple[str, ...] = ()
    boards: tuple[str, ...] = ()
    style: str = "text"
    out: str | None = None
    jobs: int = 0
    loader: str | None = None
    disk: str | None = None
    table: str = "gpt"
    sizes: tuple[str, ...] = ()
    fills: tuple[str, ...] = ()
    keep: bool = False
    console: str | None = None
    expect: tuple[str, ...] = ()
    timeout: int = 0
    extra: tuple[str, ...] = ()


class _Plan(NamedTuple):
    """Everything that is known before anything is made."""

    request: RunRequest
    description: Description
    system: System
    partitions: list[Partition]
    consoles: Consoles
    expectations: Expectations


def run_and_tell(request: RunRequest) -> int:
    """Run a system in QEMU; what it says goes to standard output, what we say to standard error.

    Returns:
        The exit status, a `Status`.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        return _run(_plan(request))
    except RunError as error:
        _tell(str(error))
        return error.status
    except KeyboardInterrupt:
        return Status.INTERRUPTED
    except BrokenPipeError:
        # Nobody reads on; nothing is left to be said, not even when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Status.FAULT
    except OSError as error:
        _tell(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return Status.FAULT


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _tell(text: str) -> None:
    sys.stderr.write(f"sdfgen: {text}\n")
    sys.stderr.flush()


def _plan(request: RunRequest) -> _Plan:
    """Read the description and check the command line against it, before anything takes time."""
    description = describe(request.description, request.settings, request.boards)
    if description.faults.errors or request.loader:
        report(description, request.style)  # else the build does
    system = _chosen(list(description.systems.values()))
    consoles = consoles_of(system)
    _check_words(request, system, consoles)
    expectations = Expectations([expectation(text, consoles) for text in request.expect], consoles)
    wanted = partitions(system, request.table, request.sizes, request.fills)
    program()
    command(system, LOADER, LOADER if system.block else None)
    return _Plan(request, description, system, wanted, consoles, expectations)


def _check_words(request: RunRequest, system: System, consoles: Consoles) -> None:
    """Refuse what the command line has and this system has no use for."""
    if request.console is not None and request.console not in consoles.names:
        raise UsageError(f"--console {request.console}: the guests are {', '.join(consoles.names) or 'none'}")
    if request.extra and not request.extra[0].startswith("-"):
        raise UsageError(f"{request.extra[0]}: one description is run; arguments for QEMU begin with `-`, behind `--`")
    if request.disk and system.block is None:
        raise UsageError(f"--disk {request.disk}: nothing in this system drives a disk")
    if request.disk and os.path.exists(request.disk) and (request.sizes or request.fills):
        raise UsageError(f"--disk {request.disk}: exists and is used as it is, without --disk-size and --fill")


def _chosen(systems: list[System]) -> System:
    """Return the system of the only board that QEMU can run."""
    names = ", ".join(system.board.name for system in systems)
    able = [system for system in systems if system.board.facts.qemu is not None]
    if not able:
        raise RunError(f"QEMU can't run {names}: no [qemu] section in the board file")
    if len(able) > 1:
        raise UsageError(f"choose a board with --board: QEMU can run {', '.join(s.board.name for s in able)}")
    return able[0]


def _run(plan: _Plan) -> int:
    loader = plan.request.loader or _built(plan)
    if not os.path.isfile(loader):
        raise RunError(f"{loader}: there is no such image")
    with _disk(plan) as disk:
        words = command(plan.system, loader, disk, plan.request.extra)
        _tell(shlex.join(words))
        return _watched(plan, words)


def _built(plan: _Plan) -> str:
    """Build as `sdfgen build` does; return the image."""
    request, board = plan.request, plan.system.board.name
    build = Request(
        description=request.description,
        settings=request.settings,
        boards=(board,),
        style=request.style,
        out=request.out,
        compile_=True,
        jobs=request.jobs,
        depfile=None,
    )
    sys.stderr.write(build_and_tell(build))
    loader = os.path.join(build.folder, board, LOADER)
    if not os.path.isfile(loader):
        raise RunError(_nothing_to_run(plan, loader))
    return loader


def _nothing_to_run(plan: _Plan, loader: str) -> str:
    """Say what an image that was not made needs."""
    toolchain = find_toolchain(plan.description.specs[plan.system.board.name].toolchain, plan.system)
    needed = [(SDK, toolchain.microkit_sdk), *([(LIBVMM, toolchain.libvmm)] if plan.consoles.names else [])]
    missing = [name for name, path in needed if not path]
    why = f"{' and '.join(missing)} missing (docs/run.md)" if missing else "see what the build waits for"
    return f"{loader} was not made, so there is nothing to run: {why}"


@contextmanager
def _disk(plan: _Plan) -> Iterator[str | None]:
    """Have the disk there: the one that is named, made unless it exists, or one for this run."""
    request = plan.request
    if plan.system.block is None:
        yield None
    elif request.disk is not None:
        if not os.path.exists(request.disk):
            write_disk(request.disk, plan.system.name, request.table, plan.partitions)
        yield request.disk
    else:
        folder = tempfile.mkdtemp(prefix=f"{plan.system.name}-")
        path = os.path.join(folder, "disk.img")
        try:
            write_disk(path, plan.system.name, request.table, plan.partitions)
            yield path
        finally:
            _put_away(folder, path, keep=request.keep)


def _put_away(folder: str, path: str, *, keep: bool) -> None:
    if keep and os.path.exists(path):
        _tell(f"the disk is kept: {path}")
        return
    if os.path.exists(path):
        os.unlink(path)
    os.rmdir(folder)


def _watched(plan: _Plan, words: list[str]) -> int:
    """Run QEMU and judge how it went."""
    expectations = plan.expectations
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    screen = Screen(plan.consoles, plan.request.console, colours=colours)
    watcher = Watcher(Demultiplexer(plan.consoles.marks), screen, expectations, _show)
    began = time.monotonic()
    try:
        with running(words) as process:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            status = watcher.watch(process.stdout.fileno(), plan.request.timeout)
            ended = process.wait() if status is Status.ENDED else None
    except KeyboardInterrupt:
        status, ended = (Status.INTERRUPTED if expectations.count else Status.GOOD), None
    watcher.show_rest()
    if ended == 0 and not expectations.count:
        status = Status.GOOD
    _tell(_verdict(status, expectations, time.monotonic() - began, ended))
    return status


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _verdict(status: Status, expectations: Expectations, seconds: float, ended: int | None) -> str:
    """Say how a run went, and what was not seen."""
    how = "QEMU was ended" if ended is None else f"QEMU ended with status {ended}"
    if status is Status.TIMEOUT:
        how = "time is up"
    if not expectations.count:
        return f"{how} after {seconds:.1f} s"
    if not expectations.missing:
        return f"all that was expected was seen after {seconds:.1f} s"
    return "\n  ".join([f"{how} after {seconds:.1f} s; not seen:", *(one.text for one in expectations.missing)])
