"""Lets LIEF look at files in a process of its own, beside the one that reads and copies them.

Importing LIEF takes half a second: longer than everything else that is done to ten files, one of 128 MiB.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from patcher import errors
from patcher.errors import PatchError, raise_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from patcher.verify import Survey

    Surveys = Sequence[tuple[str, Survey]]
    Finish = Callable[[], None]


def locate_here(surveys: Surveys) -> Finish:
    """Let LIEF locate the places of several files, in this process.

    Args:
        surveys: Path and survey of each file.

    Returns:
        What to call before the files are replaced.

    Raises:
        PatchError: LIEF cannot read a file, or finds another place.
    """
    raise_all(_faults(surveys))
    return lambda: None


def _faults(surveys: Surveys) -> list[PatchError]:
    from patcher.locate import locate

    faults: list[PatchError] = []
    for path, survey in surveys:
        try:
            locate(path, survey)
        except PatchError as fault:
            faults += fault.faults
    return faults


@contextmanager
def lief_beside() -> Iterator[Callable[[Surveys], Finish]]:
    """Start a process that loads LIEF, and give what stands for `locate_here` with it.

    It copies this process, so this one must have no other threads. Whatever becomes of it, it is gone afterwards.
    """
    asked_read, asked_write = os.pipe()
    told_read, told_write = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.close(asked_write)
        os.close(told_read)
        _help(open(asked_read, "rb"), open(told_write, "wb"))  # noqa: SIM115 - closed when this process ends
    os.close(asked_read)
    os.close(told_write)
    try:
        with open(asked_write, "wb", buffering=0) as asked, open(told_read, "rb") as told:
            yield lambda surveys: _ask(surveys, asked, told)
    finally:
        os.kill(helper, signal.SIGKILL)
        os.waitpid(helper, 0)


def _help(asked: BinaryIO, told: BinaryIO) -> None:
    """Answer one question, in the process beside, and end it without what the first one does at its end."""
    try:
        gc.disable()  # it frees nothing while LIEF makes ten thousand classes and constants, and costs a tenth more
        import patcher.locate  # noqa: F401 - loaded while nobody has asked yet

        pickle.dump(_faults(pickle.load(asked)), told)  # noqa: S301 - from the process that this one copies
        told.flush()
    finally:
        os._exit(0)


def _ask(surveys: Surveys, asked: BinaryIO, told: BinaryIO) -> Finish:
    with suppress(BrokenPipeError):  # then there is no answer either
        asked.write(pickle.dumps(surveys))

    def finish() -> None:
        try:
            faults = pickle.load(told)  # noqa: S301 - from a copy of this process
        except EOFError:
            message = "LIEF's process ended without an answer; try again, and report it when it stays so"
            raise PatchError(errors.DISAGREEMENT, message, surveys[0][0]) from None
        raise_all(faults)

    return finish
