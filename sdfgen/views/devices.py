"""Devices of the board: who reaches their registers, their interrupts, and what they reach by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.units import PAGE_BYTES
from sdfgen.views.document import DeviceView, SystemView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sdfgen.facts.board import Device
    from sdfgen.model.microkit import Origin, Region
    from sdfgen.model.system import System
    from sdfgen.views.domains import Place

    PlaceOf = Callable[[Origin, str], Place]


def devices_in(system: System, region: Region) -> tuple[str, ...]:
    """Return the devices whose registers a region has.

    Args:
        system: The system.
        region: The region.
    """
    return tuple(name for name, device in system.board.devices.items() if _holds(region, device))


def devices_of_interrupt(system: System, irq: int) -> tuple[str, ...]:
    """Return the devices of the board that have an interrupt; the timer's is the timer's.

    Args:
        system: The system.
        irq: The INTID.
    """
    timer = system.board.facts.timer
    own = ("EL1 physical timer",) if timer is not None and timer.intid == irq else ()
    return (*own, *(name for name, device in system.board.devices.items() if device.intid == irq))


def devices(system: System, place_of: PlaceOf) -> tuple[DeviceView, ...]:
    """Return the devices that somebody reaches.

    Args:
        system: The system.
        place_of: Returns where a key stands.
    """
    found = (_device(system, device, place_of(device.facts, "name")) for device in system.board.devices.values())
    return tuple(device for device in found if device.reached_by or device.interrupts)


def principal(view: SystemView) -> tuple[DeviceView, ...]:
    """Return the devices that the system is about: not those which only share a page with one that is.

    Args:
        view: The system.
    """
    meant = {region for device in view.devices if device.given_to or device.interrupts for region in device.regions}
    return tuple(
        device
        for device in view.devices
        if device.given_to or device.interrupts or not meant.intersection(device.regions)
    )


def _holds(region: Region, device: Device) -> bool:
    start = region.phys_addr
    return (
        start is not None
        and start < device.base + device.size_bytes
        and (device.base < start + (region.size_bytes or PAGE_BYTES))
    )


def _device(system: System, device: Device, place: Place) -> DeviceView:
    regions = tuple(region.name for region in system.regions if _holds(region, device))
    reached = tuple(owner for owner, maps in system.spaces() if any(m.region in regions for m in maps))
    given = tuple(guest.name for guest in system.guests if device.name in guest.devices)
    return DeviceView(
        name=device.name,
        address=device.base,
        size_bytes=device.size_bytes,
        interrupt=device.intid,
        given_to=given,
        regions=regions,
        reached_by=reached,
        interrupts=tuple(
            pd.name for pd in system.all_pds() if any(one.irq == device.intid for one in pd.irqs) and device.intid
        ),
        dma=device.facts.dma,
        told=_told(system, given or reached) if device.facts.dma else (),
        place=place,
    )


def _told(system: System, owners: Iterable[str]) -> tuple[str, ...]:
    """Return the regions whose physical addresses somebody knows: its guest's RAM, and what it is told of."""
    ram = {guest.ram_region for guest in system.guests if guest.name in owners}
    seen = {m.region for owner, maps in system.spaces() if owner in owners for m in maps}
    told = [region for region in system.regions if region.name in seen and region.name in system.told_regions | ram]
    return tuple(region.name for region in told)
