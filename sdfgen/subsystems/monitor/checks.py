"""What the monitor's table must say: it shares nothing with what writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.model.told import From
from sdfgen.subsystems.monitor.model import monitor_of

if TYPE_CHECKING:
    from sdfgen.guests.checks import Nodes
    from sdfgen.model.guest import EmulatedDevice, Guest
    from sdfgen.model.system import System
    from sdfgen.model.told import Field

# templates/c/include/sdfgen/counters.h: enum counters_kind.
_KINDS = ("COUNTERS_SERVICE", "COUNTERS_REQUESTS", "COUNTERS_VMM", "COUNTERS_CONSOLE")


def tables(system: System) -> dict[str, dict[str, Any]]:
    """Return what the variables of the monitor's table hold, by variable, by file.

    Args:
        system: The system.
    """
    monitor = monitor_of(system)
    if monitor is None:
        return {}
    pages = [
        {
            "name": page.counted.pd,
            "vaddr": page.vaddr,
            "rows": [{"name": row.name, "kind": _KINDS.index(row.kind)} for row in page.counted.rows],
            "row_count": len(page.counted.rows),
        }
        for page in monitor.pages
    ]
    config = {
        "pages": pages or None,
        "page_count": len(pages),
        "interval_looks": From(monitor.interval, monitor.origin, "interval"),
    }
    return {f"src/{monitor.pd}_table.c": {"monitor_config": From(config, monitor.origin, "name")}}


def device_config(_system: System, _guest: Guest, _device: EmulatedDevice) -> object:
    """Return nothing: no device is the monitor's."""
    return None


def nodes(_system: System, _guest: Guest) -> Nodes:
    """Return nothing: guests do not see it."""
    return {}


def fields(_system: System) -> dict[str, list[Field]]:
    """Return nothing: it has no binary files."""
    return {}
