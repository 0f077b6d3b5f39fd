"""How a run ends, and what keeps it from beginning."""

from __future__ import annotations

import enum


class Status(enum.IntEnum):
    """Exit statuses of `sdfgen run`."""

    GOOD = 0
    FAULT = 1
    USAGE = 2
    TIMEOUT = 3
    ENDED = 4
    INTERRUPTED = 130


class RunError(Exception):
    """A run that cannot begin; the message says what is missing."""

    status = Status.FAULT


class UsageError(RunError):
    """A command line that makes no sense for this system."""

    status = Status.USAGE
