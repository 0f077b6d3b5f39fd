"""Parts of answers: who sees a region, and what decided it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.views.answers import AccessView, DecisionView
from sdfgen.views.devices import principal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.document import RegionView, SystemView
    from sdfgen.views.domains import MapView

WRITTEN = "written here"


def seen(view: SystemView, region: RegionView, offset: int = 0) -> tuple[AccessView, ...]:
    """Return who sees a byte of a region, and where; devices that reach all physical memory are among them.

    Args:
        view: The system.
        region: The region.
        offset: Which byte.
    """
    by_maps = [
        AccessView(one.owner, region.name, one.address + offset, one.rights, one.cached) for one in region.seen_by
    ]
    return (*by_maps, *(dma(view, region.name) if region.kind == "memory" else ()))


def dma(view: SystemView, region: str) -> Iterator[AccessView]:
    """Yield the devices that reach all physical memory by themselves.

    Args:
        view: The system.
        region: What they are told to reach.
    """
    for device in principal(view):
        if device.dma:
            yield AccessView(device.name, region, None, "rw", cached=True, dma=True)


def map_decision(owner: str, m: MapView) -> DecisionView:
    """Return what decided where a region is seen.

    Args:
        owner: The protection domain or virtual machine.
        m: How it sees the region.
    """
    return DecisionView(f"{m.region} at {m.address:#x} in {owner}", _rule(m.why), m.place)


def region_decisions(view: SystemView, region: RegionView) -> tuple[DecisionView, ...]:
    """Return what decided a region, and its physical address: the description, and what the board file has of it.

    Args:
        view: The system.
        region: The region.
    """
    what = "its physical address" if region.phys_addr is not None else "it"
    found = [DecisionView(what, _rule(region.why), region.place)]
    devices = [
        device for device in view.devices if device.name in region.devices and f"device {device.name}" in region.why
    ]
    found += [DecisionView(f"device {one.name}", "a device of the board file", one.place) for one in devices]
    windows = [one for one in view.windows if f"window `{one.name}`" in region.why]
    found += [DecisionView(f"window {one.name}", "a [[window]] of the board file", one.place) for one in windows]
    return tuple(found)


def _rule(why: str) -> str:
    return WRITTEN if why in {"description", "system file", ""} else why
