"""Devices that guests are given: whose each is, and what a guest and its VMM have of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault, suggestion
from sdfgen.layout.space import Space, page_range
from sdfgen.model.microkit import Irq, Paddr, Region, Vaddr
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.facts.board import Board, Device
    from sdfgen.guests.machine import Machine
    from sdfgen.layout.context import Context
    from sdfgen.spec.guest import GuestTable

GIC_REGION = "gic_vcpu"
"""The virtual CPU interface, one region for all guests."""


def taken_by_board(board: Board) -> Space:
    """Take what the board has, whether a guest is given it or not."""
    space = Space()
    for base, size_bytes in board.guest_gic():
        space.take(base, size_bytes)
    space.take(board.console.registers, board.console.size)
    for device in board.devices.values():
        space.take(*page_range(device.base, device.size_bytes))
    return space


def devices_by_guest(context: Context, tables: list[GuestTable]) -> dict[str, list[Device]]:
    """Return the devices of each guest; one that another guest has, or has a neighbour of in its page, is a fault.

    Args:
        context: The board, and what takes faults.
        tables: The guests.
    """
    given: dict[str, list[Device]] = {}
    holders: list[tuple[Device, GuestTable]] = []
    for table in tables:
        given[table.name] = []
        for device in _devices(context, table, "devices"):
            other = next((held for held in holders if held[1] is not table and _share_a_page(held[0], device)), None)
            if other is None:
                holders.append((device, table))
                given[table.name].append(device)
            else:
                context.faults.add(_held(other, device, table))
    return given


def _share_a_page(one: Device, two: Device) -> bool:
    (low, low_size), (high, _) = sorted(page_range(d.base, d.size_bytes) for d in (one, two))
    return high < low + low_size


def _held(other: tuple[Device, GuestTable], device: Device, table: GuestTable) -> Fault:
    held, holder = other
    where = table.at("devices")
    place = where._replace(path=(*where.path, table.devices.index(device.name)))
    notes = ((holder.at("devices"), f"`{holder.name}` has `{held.name}`"),)
    if held.name == device.name:
        message = f"device `{device.name}` is given to two guests, `{holder.name}` and `{table.name}`"
        return Fault("SDF089", message, place, "give it to one of them", notes)
    message = (
        f"device `{device.name}` of guest `{table.name}` shares a page of registers with `{held.name}` "
        f"of guest `{holder.name}`: each would reach both"
    )
    return Fault("SDF089", message, place, "give both to one guest, or choose one in another page", notes)


def _devices(context: Context, table: GuestTable, key: str) -> list[Device]:
    known = context.board.devices
    names: tuple[str, ...] = getattr(table, key)
    where = table.at(key)
    for index, name in enumerate(names):
        if name not in known:
            message = f"board `{context.board.name}` has no device `{name}`{suggestion(name, known)}"
            place = where._replace(path=(*where.path, index))
            context.faults.add(Fault("SDF011", message, place, f"known devices: {context.board.device_text()}"))
    return [known[name] for name in dict.fromkeys(names) if name in known]


def add_hardware(machine: Machine) -> None:
    """Map the virtual CPU interface and the devices passed through, and receive their interrupts."""
    found = machine.context.board.mapped_cpu_interface  # a GICv3's is registers of the core
    if found is not None:
        physical, seen = found
        why = "board: gic.vcpu_interface"
        origin = machine.table
        interface = Region(GIC_REGION, PAGE_BYTES, origin, phys_addr=Paddr(physical), why=why, key="name")
        machine.regions.append(interface)
        machine.map(interface, seen, cached=False, why="board: gic.cpu_interface")
    for region in _device_regions(machine):
        machine.regions.append(region)
        machine.map(region, region.phys_addr or 0, cached=False, why="equal to the physical address")
        _add_resets(machine, region)
    machine.irqs += _irqs(machine)


def _device_regions(machine: Machine) -> Iterator[Region]:
    """Cover the devices' registers with whole pages; devices that share a page share its region."""
    pages: list[tuple[int, int, str]] = []
    for device in sorted(machine.hardware, key=lambda d: (d.base, d.name)):
        base, size = page_range(device.base, device.size_bytes)
        if pages and base < pages[-1][1]:
            low, high, name = pages[-1]
            pages[-1] = (low, max(high, base + size), name)
        else:
            pages.append((base, base + size, device.name))
    for low, high, name in pages:
        why = f"board: device {name}"
        yield Region(f"dev_{name}", high - low, machine.table, phys_addr=Paddr(low), why=why, key="devices")


def _add_resets(machine: Machine, region: Region) -> None:
    """Let the VMM stop the devices that do DMA, if it can stop all of them: only then does it start the guest again."""
    start, size_bytes = region.phys_addr or 0, region.size_bytes or 0
    stores = [
        (device.base - start + device.facts.reset.offset, device.facts.reset.value)
        for device in machine.hardware
        if device.facts.dma and device.facts.reset and start <= device.base < start + size_bytes
    ]
    if stores and machine.guest.restarts:
        vaddr = machine.space.map(region, cached=False)
        machine.resets += [(Vaddr(vaddr + offset), value) for offset, value in stores]


def _irqs(machine: Machine) -> Iterator[Irq]:
    context, table = machine.context, machine.table
    extra = _devices(context, table, "interrupts")
    for device in extra:
        if device.intid is None:
            message = f"device `{device.name}` of board `{context.board.name}` has no interrupt"
            context.faults.add(Fault("SDF012", message, table.at("interrupts"), "remove it from `interrupts`"))
    for device in {d.name: d for d in (*machine.hardware, *extra)}.values():
        if device.intid is not None:
            yield Irq(device.intid, context.ids.next(machine.pd), table, trigger=device.facts.trigger)
