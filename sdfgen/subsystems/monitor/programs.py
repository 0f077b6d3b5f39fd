"""The monitor's program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.model.program import Folders, Program
from sdfgen.subsystems.monitor.model import monitor_of

if TYPE_CHECKING:
    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System

DEVICE_FOLDERS: dict[str, Folders] = {}


def programs(system: System) -> tuple[Program, ...]:
    """Return the program.

    Args:
        system: The system.
    """
    monitor = monitor_of(system)
    if monitor is None:
        return ()
    image = system.images_by_pd()[monitor.pd]
    tables = (f"src/{monitor.pd}_table.c",)
    return (Program(image, monitor.origin, monitor.pd, tables, ("monitor_pd", "microkit"), ("monitor", "pd")),)


def tables(_system: System) -> dict[str, Origin]:
    """Return nothing: its table is for its own program."""
    return {}
