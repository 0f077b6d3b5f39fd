"""Lets LIEF look at files in a process of its own, beside the one that reads and copies them.

Importing LIEF takes half a second: longer than everything else that is done to ten files, one of 128 MiB.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from patcher import errors
from patcher.errors import PatchError, raise_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


class LiefBeside:
    """A process that loads LIEF and answers one question; whatever becomes of it, it is gone when this is closed.

    It copies this process, so this one must have no other threads.
    """

    def __init__(self) -> None:
        self._helper = 0

    def start(self) -> None:
        """Start the process; loading LIEF takes it a while, in which this one may do something else."""
        if self._helper:
            return
        asked, self._asked = os.pipe()
        self._told, told = os.pipe()
        self._helper = os.fork()
        if self._helper == 0:
            os.close(self._asked)
            _help(open(asked, "rb"), open(told, "wb"))  # noqa: SIM115 - closed when this process ends
        os.close(asked)
        os.close(told)

    def locate(self, surveys: Surveys) -> Finish:
        """Let LIEF locate the places of several files, as `locate_here` does, but for a while.

        Args:
            surveys: Path and survey of each file.

        Returns:
            What to call before the files are replaced: it waits, and raises what LIEF has found.
        """
        self.start()
        with suppress(BrokenPipeError), open(self._asked, "wb", buffering=0, closefd=False) as asked:
            asked.write(pickle.dumps(surveys))
        return lambda: raise_all(self._answer(surveys[0][0]))

    def _answer(self, path: str) -> list[PatchError]:
        try:
            with open(self._told, "rb", closefd=False) as told:
                faults: list[PatchError] = pickle.load(told)  # noqa: S301 - from a copy of this process
        except EOFError:
            message = "LIEF's process ended without an answer; try again, and report it when it stays so"
            raise PatchError(errors.DISAGREEMENT, message, path) from None
        return faults

    def close(self) -> None:
        """End the process."""
        if self._helper:
            os.kill(self._helper, signal.SIGKILL)
            os.waitpid(self._helper, 0)
            os.close(self._asked)
            os.close(self._told)


def _help(asked: BinaryIO, told: BinaryIO) -> None:
    """Answer one question, in the process beside, and end it without what the first one does at its end."""
    try:
        gc.disable()  # it frees nothing while LIEF makes ten thousand classes and constants, and costs a tenth more
        import patcher.locate  # noqa: F401 - loaded while nobody has asked yet

        pickle.dump(_faults(pickle.load(asked)), told)  # noqa: S301 - from the process that this one copies
        told.flush()
    finally:
        os._exit(0)
