"""`sdfgen run`: builds what is to run, makes its disk, runs it, and judges what it says."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import tempfile
import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from sdfgen.build.toolchain import LIBVMM, SDK, find_toolchain
from sdfgen.commands.build import Request, build_and_tell
from sdfgen.commands.run_words import check_words, chosen, named_disks
from sdfgen.commands.telling import rendered, report, show
from sdfgen.describe import describe
from sdfgen.interrupts import catch, told
from sdfgen.outputs import LOADER
from sdfgen.records import NamedTuple
from sdfgen.run.console import Consoles, Demultiplexer, Screen, consoles_of
from sdfgen.run.expect import Expectations, expectation
from sdfgen.run.memory import Memory, MemoryReadError
from sdfgen.run.partition_table import write_disk
from sdfgen.run.partitions import partitions
from sdfgen.run.qemu import command, program, running
from sdfgen.run.script import FULL_SCREEN, Script, Word, choose, read_script, steps_of
from sdfgen.run.silence import refuse_unseen, silence
from sdfgen.run.stats import check_counted, stats
from sdfgen.run.status import RunError, Status
from sdfgen.run.terminal import Keyboard, Typist, is_interactive, raw_mode
from sdfgen.run.turns import turns
from sdfgen.run.watch import Hands, Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from sdfgen.commands.run_words import RunRequest
    from sdfgen.describe import Description
    from sdfgen.model.system import System
    from sdfgen.run.partition_table import Partition
    from sdfgen.run.silence import Silence


class _Plan(NamedTuple):
    """Everything that is known before anything is made."""

    request: RunRequest
    description: Description
    system: System
    partitions: dict[str, list[Partition]]
    disks: dict[str, str]
    consoles: Consoles
    expectations: Expectations | Script
    numbers: dict[str, int]
    silent: Silence | None


def run_and_tell(request: RunRequest) -> int:
    """Run a system in QEMU; what it says goes to standard output, what we say to standard error.

    Returns:
        The exit status, a `Status`.
    """
    catch()
    try:
        return _run(_plan(request))
    except RunError as error:
        if error.fault is None:
            _tell(str(error))
        else:
            show(rendered([error.fault], request.style), request.style)
        return error.status
    except BrokenPipeError:
        raise
    except OSError as error:
        _tell(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return Status.FAULT


def _tell(text: str) -> None:
    sys.stderr.write(f"sdfgen: {text}\n")
    sys.stderr.flush()


def _plan(request: RunRequest) -> _Plan:
    """Read the description and check the command line against it, before anything takes time."""
    description = describe(request.description, request.settings, request.boards)
    if description.faults.errors or request.loader:
        report(description, request.style, notes=False)  # else the build does
    system = chosen(list(description.systems.values()))
    consoles = consoles_of(system)
    check_words(request, consoles, has_terminals=bool(system.terminals))
    numbers = {one.owner: one.number for one in system.terminals}
    expectations = _expectations(request, consoles, numbers)
    toolchain = find_toolchain(description.specs[system.board.name].toolchain, system)
    silent = silence(system, toolchain.microkit_sdk, request.loader)
    if silent is not None:
        refuse_unseen(silent, expectations.missing, consoles)
    if _wants_stats(request):
        check_counted(system)
    wanted = partitions(system, request.table, request.sizes, request.fills)
    disks = named_disks(request, system)
    program()
    command(system, LOADER, dict.fromkeys(wanted, LOADER))
    return _Plan(request, description, system, wanted, disks, consoles, expectations, numbers, silent)


def _expectations(request: RunRequest, consoles: Consoles, numbers: dict[str, int]) -> Expectations | Script:
    """Return what is to be seen in any order, or what is to be typed and seen in one."""
    if not (request.send or request.script):
        return Expectations([expectation(text, consoles) for text in request.expect], consoles)
    written = read_script(request.script) if request.script else []
    words = [Word(*step) for step in request.steps]
    return Script(steps_of((*words, *written), consoles, numbers), consoles)


def _wants_stats(request: RunRequest) -> bool:
    return request.stats or request.stats_every > 0


def _run(plan: _Plan) -> int:
    loader = plan.request.loader or _built(plan)
    if not os.path.isfile(loader):
        raise RunError(f"{loader}: there is no such image")
    with _disks(plan) as disks, _Counting(plan) if _wants_stats(plan.request) else nullcontext() as counting:
        taken = turns(plan.system, plan.request.extra)
        more = (*(taken.words if taken else ()), *(counting.words if counting else ()), *plan.request.extra)
        words = command(plan.system, loader, disks, more)
        _tell(shlex.join(words))
        for told_first in (plan.silent and plan.silent.tell(), taken and taken.told):
            if told_first:
                _tell(told_first)
        return _watched(plan, words, counting)


class _Counting(Memory):
    """Says what is counted: now and then, when a signal asks for it, and at the end."""

    def __init__(self, plan: _Plan) -> None:
        super().__init__()
        self._system = plan.system
        self._every_s = plan.request.stats_every
        self._next = time.monotonic() + self._every_s
        self._asked = False
        signal.signal(signal.SIGUSR1, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True

    def look(self) -> None:
        """Say it if it is time."""
        if self._asked or (self._every_s and time.monotonic() >= self._next):
            self._asked = False
            self._next = time.monotonic() + self._every_s
            self.tell()

    def tell(self) -> None:
        """Say it now."""
        try:
            sys.stderr.write(stats(self._system, self.read))
            sys.stderr.flush()
        except MemoryReadError as error:
            _tell(f"--stats: {error}")


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
        quiet=request.quiet,
        verbose=request.verbose,
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
def _disks(plan: _Plan) -> Iterator[dict[str, str]]:
    """Have the disks there: those that are named, made unless they exist, and others for this run."""
    disks = dict(plan.disks)
    for name, path in disks.items():
        if not os.path.exists(path):
            _write(plan, name, path)
    others = [name for name in plan.partitions if name not in disks]
    if not others:
        yield disks
        return
    folder = tempfile.mkdtemp(prefix=f"{plan.system.name}-")
    own = {name: os.path.join(folder, f"{name}.img") for name in others}
    try:
        for name, path in own.items():
            _write(plan, name, path)
        yield disks | own
    finally:
        _put_away(folder, [path for path in own.values() if os.path.exists(path)], keep=plan.request.keep)


def _write(plan: _Plan, name: str, path: str) -> None:
    write_disk(path, f"{plan.system.name} {name}", plan.request.table, plan.partitions[name])


def _put_away(folder: str, paths: list[str], *, keep: bool) -> None:
    if keep and paths:
        _tell(f"the disk is kept: {', '.join(paths)}")
        return
    for path in paths:
        os.unlink(path)
    os.rmdir(folder)


def _watched(plan: _Plan, words: list[str], counting: _Counting | None) -> int:
    """Run QEMU and judge how it went."""
    began = time.monotonic()
    expectations, watcher = plan.expectations, None
    try:
        with running(words, listens=bool(plan.numbers)) as process, _terminal(plan):
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            watcher = _watcher(plan, counting, process.stdin.fileno() if process.stdin else None)
            try:
                status = watcher.watch(process.stdout.fileno(), plan.request.timeout)
            finally:
                if counting and process.poll() is None:
                    counting.tell()
            ended = process.wait() if status is Status.ENDED else None
    except KeyboardInterrupt as error:
        if watcher:
            watcher.show_rest()
        said, number = told(error)
        _tell(_verdict(Status.ENDED, expectations, time.monotonic() - began, None, said))
        return number
    watcher.show_rest()
    if ended == 0 and not expectations.count:
        status = Status.GOOD
    _tell(_verdict(status, expectations, time.monotonic() - began, ended))
    return status


def _is_interactive(plan: _Plan) -> bool:
    return bool(plan.numbers) and is_interactive()


def _terminal(plan: _Plan) -> AbstractContextManager[None]:
    """Have the terminal's keys while somebody sits there who can type to somebody."""
    if not _is_interactive(plan):
        return nullcontext()
    _tell("keys go to the guests; ^A x ends the run, ^\\ l says who has which number (docs/console.md)")
    return raw_mode(sys.stdin.fileno())


def _watcher(plan: _Plan, counting: _Counting | None, line: int | None) -> Watcher:
    """Return who watches, and types."""
    request = plan.request
    interactive = _is_interactive(plan)
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    hands = None
    if line is not None:
        first = choose(plan.numbers[request.console]) if request.console in plan.numbers else b""
        keyboard = Keyboard(sys.stdin.fileno()) if interactive else None
        hands = Hands(Typist(line), keyboard, first + (FULL_SCREEN if request.raw else b""))
    return Watcher(
        Demultiplexer(plan.consoles.marks),
        Screen(plan.consoles, request.console, colours=colours),
        plan.expectations,
        _show,
        counting.look if counting else _nothing,
        hands,
        _show_raw if interactive or request.raw else None,
    )


def _show_raw(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _nothing() -> None:
    pass


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _verdict(
    status: Status,
    expectations: Expectations | Script,
    seconds: float,
    ended: int | None,
    interrupted: str | None = None,
) -> str:
    """Say how a run went, and what was not seen."""
    how = interrupted or ("QEMU was ended" if ended is None else f"QEMU ended with status {ended}")
    if status is Status.TIMEOUT:
        how = "time is up"
    if not expectations.count:
        return f"{how} after {seconds:.1f} s"
    if not expectations.missing:
        return f"all that was expected was seen after {seconds:.1f} s"
    return "\n  ".join([f"{how} after {seconds:.1f} s; not seen:", *(one.text for one in expectations.missing)])
