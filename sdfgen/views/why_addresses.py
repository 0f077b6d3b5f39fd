"""What lies at an address: physical, virtual in a protection domain, guest-physical in a virtual machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.units import PAGE_BYTES, range_text, size_text
from sdfgen.views.answers import AnswerView, DecisionView
from sdfgen.views.physical import FREE
from sdfgen.views.why_parts import dma, map_decision, region_decisions, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.document import RangeView, RegionView, SystemView
    from sdfgen.views.domains import MachineView, MapView, Place

_WORDS = {
    "kernel": "the kernel's, and the images of all domains",
    "root server": "the kernel made objects of the root server there",
    "reserved": "the kernel keeps it, or something below it does",
    "free": "nothing has a chosen address there",
}
_FOR_MICROKIT = "Microkit puts regions without an address, and what images need, somewhere in free RAM"
_RULES = {
    "kernel": "the board file's [kernel]",
    "root server": "the kernel puts them at the top of the highest RAM",
    "reserved": "a [[reserved]] of the board file",
    "free": "what the board file has of memory, less all that lies there",
}


def answers(view: SystemView, address: int) -> Iterator[AnswerView]:
    """Yield what lies at an address.

    Args:
        view: The system.
        address: The address.
    """
    yield from _physical(view, address)
    machines = {machine.name for machine in view.machines()}
    for owner, maps in view.spaces():
        for m in maps:
            if _holds(m.address, m.size_bytes, address):
                kind = "guest-physical" if owner in machines else "virtual"
                yield _mapped(view, owner, kind, m, address - m.address)
    for machine in view.machines():
        yield from _emulated(machine, address)


def nearest(view: SystemView, address: int) -> str:
    """Say which physical ranges come before and behind an address.

    Args:
        view: The system.
        address: The address.
    """
    before, behind = _neighbours(view, address)
    said = [f"{one.name} ends at {one.end:#x}" for one in before]
    said += [f"{one.name} begins at {one.start:#x}" for one in behind]
    return f"; as a physical address: {', '.join(said)}" if said else ""


def near(view: SystemView, address: int) -> Place | None:
    """Return the place of the nearest physical range before or behind an address that has one.

    Args:
        view: The system.
        address: The address.
    """
    before, behind = _neighbours(view, address)
    return next((one.place for one in (*before, *behind) if one.place), None)


def _neighbours(view: SystemView, address: int) -> tuple[list[RangeView], list[RangeView]]:
    before = [one for one in view.memory if one.end <= address]
    behind = [one for one in view.memory if one.start > address]
    return before[-1:], behind[:1]


def _holds(start: int, size_bytes: int | None, address: int) -> bool:
    return start <= address < start + (size_bytes or PAGE_BYTES)


def _physical(view: SystemView, address: int) -> Iterator[AnswerView]:
    for one in view.memory:
        if one.start <= address < one.end:
            region = view.region(one.name) if one.kind in {"region", "device"} else None
            yield _of_nobody(view, one, address) if region is None else _of_region(view, region, address)
    for device in view.devices:
        if _holds(device.address, device.size_bytes, address):
            decision = DecisionView("its registers", "a device of the board file", device.place)
            what = f"registers of {device.name}, {range_text(device.address, device.size_bytes)}"
            yield AnswerView("physical address", hex(address), what, decisions=(decision,))


def _of_nobody(view: SystemView, one: RangeView, address: int) -> AnswerView:
    place = one.place or next((part.place for part in view.windows if part.start <= address < part.end), None)
    decision = DecisionView(one.name, _RULES[one.kind], place)
    what = f"{one.name}, {range_text(one.start, one.end - one.start)}: {_WORDS[one.kind]}"
    more = (_FOR_MICROKIT,) if one.kind == FREE and one.name == "RAM" else ()
    return AnswerView("physical address", hex(address), what, more, tuple(dma(view, "")), (decision,))


def _of_region(view: SystemView, region: RegionView, address: int) -> AnswerView:
    offset = address - (region.phys_addr or 0)
    what = f"{_inside(region.name, offset)}, {range_text(region.phys_addr or 0, region.size_bytes or PAGE_BYTES)}"
    return AnswerView(
        "physical address", hex(address), what, (), seen(view, region, offset), region_decisions(view, region)
    )


def _mapped(view: SystemView, owner: str, kind: str, m: MapView, offset: int) -> AnswerView:
    region, address = view.region(m.region), m.address + offset
    what = f"{_inside(m.region, offset)} in {owner}, mapped at {range_text(m.address, m.size_bytes or PAGE_BYTES)}"
    more = [f"physical address {region.phys_addr + offset:#x}"] if region and region.phys_addr is not None else []
    more += _files(view, owner, address) if kind == "guest-physical" else []
    access = seen(view, region, offset) if region else ()
    return AnswerView(f"{kind} address", hex(address), what, tuple(more), access, (map_decision(owner, m),))


def _files(view: SystemView, machine: str, address: int) -> list[str]:
    """Say which of a guest's files goes to an address."""
    guest = next((one.guest for one in view.machines() if one.name == machine), None)
    places = [(guest.dtb_address, "device tree"), (guest.initrd_address, "initial RAM disk")] if guest else []
    return [f"the {name} of {machine} goes there" for place, name in places if place == address]


def _emulated(machine: MachineView, address: int) -> Iterator[AnswerView]:
    for one in machine.guest.emulated if machine.guest else ():
        if _holds(one.address, one.size_bytes, address):
            what = f"registers of {one.name} ({one.kind}), which the VMM of {machine.name} plays; an access traps"
            decision = DecisionView(one.name, "where the board file lets guests see emulated devices", one.place)
            more = (f"interrupt {one.interrupt} in the guest", f"{size_text(one.size_bytes)} at {one.address:#x}")
            yield AnswerView("guest-physical address", hex(address), what, more, decisions=(decision,))


def _inside(name: str, offset: int) -> str:
    return f"{name} + {offset:#x}" if offset else name
