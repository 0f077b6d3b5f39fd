"""Machines with more cores than the host: QEMU runs their cores in turn, by counting instructions."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Final

from sdfgen.records import NamedTuple
from sdfgen.run.qemu import program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sdfgen.model.system import System

FAIR_VERSION: Final = (8, 1)
"""The first QEMU that shares instructions among cores: before, one that spins has them all until a timer is due."""
_VERSION: Final = re.compile(r"version (\d+)\.(\d+)")
_VERSION_TIMEOUT_S: Final = 10
_OWN: Final = ("-icount", "-accel", "-enable-kvm")
"""With one of these on its command line, a run has its own way of running cores. QEMU takes two dashes for one."""
_TURN_US: Final = 200
"""How long a turn is at most, in the machine's time. Shorter ones cost more changes, longer ones more spinning."""
ENDS_OF_TURNS: Final = (
    *("-netdev", "hubport,id=turns,hubid=0"),
    *("-object", f"filter-buffer,id=turn,netdev=turns,queue=rx,interval={_TURN_US}"),
)
"""What makes turns short for a QEMU that counts instructions: a turn ends when a timer of the machine is due, and that
of a filter for packets of nobody always is."""
_COUNTING: Final = ("-icount", "shift=1,sleep=on")


class Turns(NamedTuple):
    """How a small host runs a machine's cores.

    Attributes:
        words: What QEMU's command line has more.
        told: A line about it.
    """

    words: tuple[str, ...]
    told: str


def host_core_count() -> int:
    """Return how many cores of the host QEMU may use."""
    return len(os.sched_getaffinity(0))


def is_fair() -> bool:
    """Tell whether this QEMU can run cores in turn; one that does not tell its version is taken for an old one.

    Raises:
        RunError: When QEMU is not installed.
    """
    return _is_fair(_version())


def turns(system: System, extra: Sequence[str]) -> Turns | None:
    """Return how the cores of a machine run here; None when each has one of the host's, or the command line decides.

    Cores of an SMP kernel take its one lock in turn, idle ones too, and spin until it is theirs (seL4 16.0.0). On
    threads that a small host runs one after the other, a guest with a timer comes to nothing else.

    Args:
        system: The system.
        extra: Arguments for QEMU that the user gives.

    Raises:
        RunError: When QEMU is not installed.
    """
    cores, host_cores = system.core_count, host_core_count()
    if cores <= host_cores or any(word.removeprefix("-") in _OWN or word in _OWN for word in extra):
        return None
    share = f"the machine's {cores} cores share {host_cores} of this host"
    found = _version()
    if _is_fair(found):
        return Turns((*_COUNTING, *ENDS_OF_TURNS), f"{share}: they run in turn, by instructions (docs/run.md)")
    have, need = (".".join(map(str, version)) for version in (found or ("unknown",), FAIR_VERSION))
    return Turns(
        (), f"{share} and wait for each other: guests hardly boot. QEMU {need} runs them in turn, this is {have}"
    )


def _is_fair(found: tuple[int, int] | None) -> bool:
    return found is not None and found >= FAIR_VERSION


def _version() -> tuple[int, int] | None:
    """Return QEMU's version; None when it does not tell."""
    words = [program(), "--version"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_VERSION_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = _VERSION.search(done.stdout)
    return (int(found[1]), int(found[2])) if found else None
