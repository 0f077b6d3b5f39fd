"""The driver VM's side: the UIO mappings through which a guest serves the disk, and its VMM's part in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.emit.c.names import c_name
from sdfgen.model.guest import AppendedFile, EmulatedDevice
from sdfgen.model.microkit import Region, Setvar
from sdfgen.records import NamedTuple
from sdfgen.subsystems.block.connection import data_map_name, io_base_symbol
from sdfgen.subsystems.block.model import VIRTUALISER_DATA, Driver, PhysAddrSlot, UioMap, phys_addr_file
from sdfgen.units import PAGE_BYTES, round_up

if TYPE_CHECKING:
    from sdfgen.guests.machine import Machine
    from sdfgen.subsystems.block.connection import Connection
    from sdfgen.subsystems.block.spec import BlockTable, UioTable

MAPS_PER_UIO_DEVICE = 5
"""Linux: MAX_UIO_MAPS of include/linux/uio_driver.h."""
UIO_KIND = "uio"
UIO_COMPATIBLE = "generic-uio"
UIO_BOOTARGS = f"uio_pdrv_genirq.of_id={UIO_COMPATIBLE}"
PANIC_BOOTARGS = "panic=1"
"""A kernel that can't go on resets itself after a second, for its VMM to start it again; alone, it spins for ever."""
HOOK_FILE = "guest/start-driver"
_DRIVER_PATH = "usr/bin/sdfgen-uio-block"
_HOOK_PATH = "etc/sdfgen/start-driver"
_DISK_PATH = "etc/sdfgen/disk"
_INIT_PATH = "etc/init.d/S95sdfgen-block"
"""BusyBox's rcS, as Buildroot has it, starts what is called so."""


class Wanted(NamedTuple):
    """What the driver VM is built for.

    Attributes:
        table: The block subsystem's table.
        uio: Where the board has its mappings.
        link: Its connection to the virtualiser, with the virtualiser's data.
        capacity: Slots of that connection's queues.
        data: Data regions of the disks by their labels, in the order of the virtualiser's table.
        prefilled: The image holds the phys-addr page.
    """

    table: BlockTable
    uio: UioTable
    link: Connection
    capacity: int
    data: dict[str, Region]
    prefilled: bool


def disk_file(block: str) -> str:
    """Return the file that tells a driver VM its disk, in the board's folder."""
    return f"guest/{block}.disk"


def attach(machine: Machine, wanted: Wanted) -> Driver:
    """Let a guest drive the disk of a block subsystem.

    Args:
        machine: The guest.
        wanted: What for.
    """
    table = wanted.table
    status = Region(f"{table.name}_uio_irq_status", PAGE_BYTES, table)
    page = Region(
        f"{table.name}_phys_addr",
        PAGE_BYTES,
        table,
        prefill_path=phys_addr_file(table.name) if wanted.prefilled else None,
        prefill_made=wanted.prefilled,
    )
    named = _named_regions(status, page, wanted)
    maps = _uio_maps(machine, wanted.uio, named)
    slots = _slots(maps, wanted)
    machine.drives = True
    machine.regions += [status, page]
    _map_into_guest(machine, maps, dict(named), {slot.region for slot in slots})
    _emulate(machine, wanted, maps)
    elf = f"{table.name}_uio_driver.elf"
    _append(machine, table.name, elf)
    if table.physical_addresses == "learned":
        machine.setvars += [Setvar(slot.symbol, slot.region, table) for slot in slots]
    return Driver(
        guest=machine.name,
        storage=table.storage,
        capacity=wanted.capacity,
        maps=maps,
        devices=tuple(f"{table.name}-uio{number}" for number in range(maps[-1].device + 1)),
        slots=slots,
        phys_addr_vaddr=machine.space.map(page, cached=False),
        elf=elf,
    )


def _named_regions(status: Region, page: Region, wanted: Wanted) -> list[tuple[str, Region | None]]:
    """List the mappings in the order that the UIO driver's table has."""
    link = wanted.link
    fixed: list[tuple[str, Region | None]] = [
        ("irq_status", status),
        ("notify", None),
        ("phys_addr", page),
        ("storage_info", link.storage_info),
        ("request_queue", link.requests),
        ("response_queue", link.responses),
        (VIRTUALISER_DATA, link.data),
    ]
    return fixed + [(data_map_name(label), region) for label, region in wanted.data.items()]


def _uio_maps(machine: Machine, uio: UioTable, named: list[tuple[str, Region | None]]) -> tuple[UioMap, ...]:
    """Give each mapping a guest-physical address and a place in a UIO device."""
    maps = []
    for number, (name, region) in enumerate(named):
        size_bytes = (region.size_bytes or 0) if region else PAGE_BYTES
        pages_bytes = round_up(max(1, size_bytes), PAGE_BYTES)
        gpa = machine.place(pages_bytes, uio.stride, uio.irq_status if number == 0 else uio.notify)
        device, index = divmod(number, MAPS_PER_UIO_DEVICE)
        maps.append(UioMap(name, gpa, size_bytes, region.name if region else None, device, index))
    return tuple(maps)


def _slots(maps: tuple[UioMap, ...], wanted: Wanted) -> tuple[PhysAddrSlot, ...]:
    data = {wanted.link.data.name, *(region.name for region in wanted.data.values())}
    return tuple(
        PhysAddrSlot(m.name, io_base_symbol(m.name), m.region, m.size_bytes, number)
        for number, m in enumerate(maps)
        if m.region in data
    )


def _map_into_guest(
    machine: Machine, maps: tuple[UioMap, ...], regions: dict[str, Region | None], data: set[str]
) -> None:
    """Map all UIO regions; never the notify page."""
    for m in maps:
        region = regions[m.name]
        if region is not None:
            why = "board: uio, in steps of its stride"
            machine.map(region, m.gpa, cached=region.name in data, why=why)


def _emulate(machine: Machine, wanted: Wanted, maps: tuple[UioMap, ...]) -> None:
    """Let a store to the notify page notify the virtualiser, whose notification is the UIO device's interrupt."""
    notify = next(m for m in maps if m.region is None)
    channel = machine.context.ids.next(machine.pd)
    row = EmulatedDevice(
        UIO_KIND,
        f"uio_{c_name(wanted.table.name)}",
        notify.gpa,
        PAGE_BYTES,
        wanted.uio.intid,
        wanted.table,
        channel,
    )
    machine.emulate(row)


def _append(machine: Machine, block: str, elf: str) -> None:
    """Have the UIO driver in the guest's initial RAM disk, and started."""
    machine.bootargs.append(UIO_BOOTARGS)
    machine.default_bootargs.append(PANIC_BOOTARGS)
    machine.appended += [
        AppendedFile(_DRIVER_PATH, f"elf/{elf}", "program"),
        AppendedFile(_HOOK_PATH, HOOK_FILE, "program"),
        AppendedFile(_DISK_PATH, disk_file(block), "file"),
        AppendedFile(_INIT_PATH, f"/{_HOOK_PATH}", "link"),
    ]
