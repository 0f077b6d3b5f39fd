"""What is emitted of the monitor: its table, and where the counters are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.emit.c.device import DeviceConfig
from sdfgen.emit.c.initialiser import Hex, Ref
from sdfgen.emit.c.names import c_name
from sdfgen.emit.c.text import define, includes, table, with_head
from sdfgen.subsystems.monitor.model import monitor_of

if TYPE_CHECKING:
    from sdfgen.emit.devicetree.tree import Node
    from sdfgen.model.guest import EmulatedDevice, Guest
    from sdfgen.model.system import System
    from sdfgen.subsystems.monitor.model import Monitor, Page

DEVICE_KINDS: tuple[str, ...] = ()


def files(system: System) -> dict[str, bytes]:
    """Return the monitor's table.

    Args:
        system: The system.
    """
    monitor = monitor_of(system)
    return {} if monitor is None else {f"src/{monitor.pd}_table.c": with_head(system, _table(monitor))}


def _table(monitor: Monitor) -> str:
    text = ""
    rows: list[object] = []
    for page in monitor.pages:
        before, row = _page(page)
        text += before
        rows.append(row)
    pages, refers = table("pages", "struct monitor_page", rows)
    config = {"pages": refers["at"], "page_count": refers["count"], "interval_looks": monitor.interval}
    return includes("monitor") + text + pages + define("const struct monitor_config monitor_config", config)


def _page(page: Page) -> tuple[str, dict[str, object]]:
    counted = page.counted
    rows: list[object] = [{"name": row.name, "kind": Ref(row.kind)} for row in counted.rows]
    text, refers = table(f"{c_name(counted.pd)}_rows", "struct monitor_row", rows)
    return text, {
        "name": counted.pd,
        "vaddr": Hex(page.vaddr),
        "rows": refers["at"],
        "row_count": refers["count"],
    }


def device_config(_system: System, _guest: Guest, _device: EmulatedDevice) -> DeviceConfig:
    """Return nothing: no device is the monitor's."""
    return DeviceConfig("", None)


def nodes(_system: System, _guest: Guest) -> tuple[Node, ...]:
    """Return nothing: guests do not see it."""
    return ()


def records(system: System) -> dict[str, list[dict[str, Any]]]:
    """Return what the rows of the pages are, for who reads them in memory; the regions have the addresses.

    Args:
        system: The system.
    """
    monitor = monitor_of(system)
    counters = [
        {"domain": page.counted.pd, "region": page.counted.region, "row": number, "name": row.name, "kind": row.kind}
        for page in (monitor.pages if monitor else ())
        for number, row in enumerate(page.counted.rows)
    ]
    return {"counters": counters} if monitor else {}
