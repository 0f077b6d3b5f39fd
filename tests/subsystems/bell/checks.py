from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.guests.checks import two_cells
from sdfgen.model.told import From

from .model import bell_of

if TYPE_CHECKING:
    from sdfgen.guests.checks import Nodes
    from sdfgen.model.guest import EmulatedDevice, Guest
    from sdfgen.model.system import System
    from sdfgen.model.told import Field


def tables(system: System) -> dict[str, dict[str, Any]]:
    bell = bell_of(system)
    if bell is None:
        return {}
    rows = [
        {
            "guest": ring.guest,
            "pitch_hz": From(ring.pitch_hz, ring.origin, "ring"),
            "channel": ring.channel,
            "page_vaddr": ring.vaddr,
        }
        for ring in bell.rings
    ]
    return {"src/bell_table.c": {"bell_rings": rows}}


def device_config(_system: System, _guest: Guest, _device: EmulatedDevice) -> object:
    return None


def nodes(system: System, guest: Guest) -> Nodes:
    bell = bell_of(system)
    return {
        f"/bell@{ring.gpa:x}": {
            "compatible": ("made-up,bell",),
            "reg": two_cells(ring.gpa, 0x1000),
            "pitch": From((ring.pitch_hz,), ring.origin, "ring"),
        }
        for ring in (bell.rings if bell else ())
        if ring.guest == guest.name
    }


def fields(_system: System) -> dict[str, list[Field]]:
    return {}
