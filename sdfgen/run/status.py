"""How a run ends, and what keeps it from beginning."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault

if TYPE_CHECKING:
    from sdfgen.faults.source import Where


class Status(enum.IntEnum):
    """Exit statuses of `sdfgen run`."""

    GOOD = 0
    FAULT = 1
    USAGE = 2
    TIMEOUT = 3
    ENDED = 4
    INTERRUPTED = 130


class RunError(Exception):
    """A run that cannot begin.

    Args:
        message: What is missing.
        where: The place in a file that says otherwise; None where no file has to do with it.
        advice: What to do about it.
        notes: Other places that take part.
    """

    status = Status.FAULT

    def __init__(
        self, message: str, where: Where | None = None, advice: str = "", notes: tuple[tuple[Where, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.fault = None if where is None else Fault("SDF224", message, where, advice, notes)


class UsageError(RunError):
    """A command line that makes no sense for this system."""

    status = Status.USAGE
