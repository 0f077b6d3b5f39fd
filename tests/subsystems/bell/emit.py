from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sdfgen.emit.c.device import DeviceConfig
from sdfgen.emit.c.initialiser import Hex
from sdfgen.emit.c.text import define, with_head
from sdfgen.emit.devicetree.tree import Node, Property, cells64, numbers, strings
from sdfgen.units import PAGE_BYTES

from .model import bell_of

if TYPE_CHECKING:
    from sdfgen.model.guest import EmulatedDevice, Guest
    from sdfgen.model.system import System

DEVICE_KINDS: tuple[str, ...] = ()
DECLARED = "struct bell_ring { const char *guest; unsigned int pitch_hz, channel; unsigned long page_vaddr; };\n\n"


def files(system: System) -> dict[str, bytes]:
    bell = bell_of(system)
    if bell is None:
        return {}
    rows = [
        {"guest": r.guest, "pitch_hz": r.pitch_hz, "channel": r.channel, "page_vaddr": Hex(r.vaddr)} for r in bell.rings
    ]
    table = define("extern const struct bell_ring bell_rings[];\nconst struct bell_ring bell_rings", rows, array=True)
    return {"src/bell_table.c": with_head(system, DECLARED + table)}


def device_config(_system: System, _guest: Guest, _device: EmulatedDevice) -> DeviceConfig:
    return DeviceConfig("", None)


def nodes(system: System, guest: Guest) -> tuple[Node, ...]:
    bell = bell_of(system)
    return tuple(
        Node(
            f"bell@{ring.gpa:x}",
            (
                strings("compatible", "made-up,bell"),
                Property("reg", (cells64(ring.gpa, PAGE_BYTES),)),
                numbers("pitch", ring.pitch_hz),
            ),
        )
        for ring in (bell.rings if bell else ())
        if ring.guest == guest.name
    )


def records(system: System) -> dict[str, list[dict[str, Any]]]:
    bell = bell_of(system)
    return {"bells": [{"guest": ring.guest, "pitch_hz": ring.pitch_hz} for ring in (bell.rings if bell else ())]}
