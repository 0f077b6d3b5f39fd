"""Runs programs in turn and says what each of them cost, whole process."""

from __future__ import annotations

import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ROOT: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK: Final = os.path.join("build", "bench")
LOG: Final = os.path.join(ROOT, WORK, "last.log")
WARM_UP_ROUNDS: Final = 2
_LOG_SHOWN: Final = 2000
_MEMORY: Final = "/dev/shm"  # noqa: S108 - a folder of each run's own is made there

ENVIRONMENT: Final = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
"""What measured programs see: both sides may use the bytecode that their installation compiled."""


def folder_for_disks(prefix: str) -> tempfile.TemporaryDirectory[str]:
    """Make a folder for disks that machines use: in memory where there is such a place, so that no real disk counts.

    Args:
        prefix: How its name begins.
    """
    return tempfile.TemporaryDirectory(prefix=prefix, dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None)


class BenchmarkError(Exception):
    """A program to measure failed, or made something else than it should."""


class Sample(NamedTuple):
    """What one run cost.

    Attributes:
        wall_ms: Time by the clock.
        cpu_ms: Time on processors, user and system, of the process and its children.
    """

    wall_ms: float
    cpu_ms: float


class Command(NamedTuple):
    """Something to measure.

    Attributes:
        name: What the report calls it.
        argv: The program and its arguments.
        prepare: What is done before each run, unmeasured.
        times: How often the program runs, one process after another, for one sample.
        goal_ms: The wall time that is aimed at, if any.
    """

    name: str
    argv: tuple[str, ...]
    prepare: Callable[[], None] = lambda: None
    times: int = 1
    goal_ms: float | None = None


class Pair(NamedTuple):
    """Two commands whose ratio is reported.

    Attributes:
        ours: Name of the one that is judged.
        other: Name of the one it is compared with.
        goal: The ratio of wall times that is aimed at, if any.
    """

    ours: str
    other: str
    goal: float | None = None


class Section(NamedTuple):
    """A part of the report.

    Attributes:
        title: What it is about.
        commands: What is measured, in turn.
        pairs: The ratios to report.
        check: What has to hold of the outcome.
        notes: What else the reader has to know.
    """

    title: str
    commands: tuple[Command, ...]
    pairs: tuple[Pair, ...] = ()
    check: Callable[[], None] = lambda: None
    notes: tuple[str, ...] = ()


class Spread(NamedTuple):
    """Median and extremes of something measured often."""

    median: float
    minimum: float
    maximum: float


def spread(values: Iterable[float]) -> Spread:
    """Return median and extremes.

    Args:
        values: At least one number.
    """
    known = list(values)
    return Spread(statistics.median(known), min(known), max(known))


def interleave(commands: Sequence[Command], rounds: int) -> dict[str, list[Sample]]:
    """Run all commands once per round, in turn, so that a slow moment of the machine meets all of them.

    Args:
        commands: What to run; their names differ.
        rounds: How many rounds count; the warm-up comes before them.

    Returns:
        The samples by the command's name, in the order of the rounds.
    """
    samples: dict[str, list[Sample]] = {command.name: [] for command in commands}
    for number in range(-WARM_UP_ROUNDS, rounds):
        for command in commands:
            sample = sample_of(command)
            if number >= 0:
                samples[command.name].append(sample)
    return samples


def sample_of(command: Command) -> Sample:
    """Run a command once.

    Args:
        command: What to run.
    """
    command.prepare()
    parts = [_process(command.argv) for _ in range(command.times)]
    return Sample(sum(part.wall_ms for part in parts), sum(part.cpu_ms for part in parts))


def _process(argv: Sequence[str]) -> Sample:
    with open(LOG, "wb") as log:
        start = time.perf_counter()
        process = subprocess.Popen(
            argv, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchmarkError(f"{shlex.join(argv)}\nended with {process.returncode}:\n{_said()}")
    return Sample(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000)


def _said() -> str:
    with open(LOG, encoding="utf-8", errors="replace") as log:
        return log.read()[-_LOG_SHOWN:].strip()


def run(*argv: str) -> str:
    """Run something that is not measured and return what it printed.

    Args:
        argv: The program and its arguments.

    Raises:
        BenchmarkError: It failed.
    """
    done = subprocess.run(argv, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{shlex.join(argv)}\nended with {done.returncode}:\n{done.stderr[-_LOG_SHOWN:].strip()}")
    return done.stdout


def program(name: str) -> str:
    """Return the path of a program that stands beside this interpreter.

    Args:
        name: The program, such as `sdfgen`.
    """
    return os.path.join(os.path.dirname(sys.executable), name)


def place(*names: str) -> str:
    """Return a path in the benchmark's folder, relative to the project's, where everything runs.

    Args:
        names: The folders and the file.
    """
    return os.path.join(WORK, *names)


def emptied(*names: str) -> Callable[[], None]:
    """Return a preparation: the folder exists and is empty.

    Args:
        names: The folder's place.
    """
    folder = os.path.join(ROOT, place(*names))

    def empty() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)

    return empty


def out_of(name: str) -> tuple[str, str]:
    """Return the place of what a command makes.

    Args:
        name: The command's name.
    """
    return "out", name.replace(", ", "-").replace(" ", "-")
