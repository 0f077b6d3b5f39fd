"""The driver VM: RAM, devices passed through, and the UIO mappings it serves the disk with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sdfgen.faults.fault import Fault, suggestion
from sdfgen.layout.space import Space, page_range
from sdfgen.model.microkit import Gpa, Irq, Map, Paddr, ProtectionDomain, Region, Setvar, Vcpu, VirtualMachine
from sdfgen.subsystems.block.model import Driver, PhysAddrSlot, UioMap
from sdfgen.subsystems.block.shared import (
    DRIVER_VMM_PRIORITY,
    STACK_BYTES,
    VIRTUALISER_DATA,
    Connection,
    Context,
    PdSpace,
    data_map_name,
    file_size,
    gic_map,
    gic_region,
    guest,
    io_base_symbol,
    ram_region,
    scheduling,
    vm_priority,
)
from sdfgen.units import PAGE_BYTES

if TYPE_CHECKING:
    from sdfgen.facts.board import Device
    from sdfgen.guests.timer import TimerBuilder
    from sdfgen.model.guest import Guest
    from sdfgen.spec.description import DriverTable, GuestTable

MAPS_PER_UIO_DEVICE = 5
"""Linux: MAX_UIO_MAPS of include/linux/uio_driver.h."""
PREFILLED_PAGE = "phys_addr.bin"


class DriverParts(NamedTuple):
    """What the driver VM adds to the system."""

    pd: ProtectionDomain
    regions: tuple[Region, ...]
    driver: Driver


def build_driver(
    context: Context,
    timer: TimerBuilder,
    link: Connection,
    capacity: int,
    virt_data: Region,
    client_data: dict[str, Region],
) -> DriverParts:
    """Build the driver VM.

    Args:
        context: Board, ids and so on.
        timer: What wakes its guest.
        link: Its connection to the virtualiser.
        capacity: Slots of that connection's queues.
        virt_data: The virtualiser's data region.
        client_data: Data regions by client name, in the order of client indices.
    """
    table = context.table.driver
    file_size(context, table, "dtb")
    vmm = f"{table.name}_vmm"
    devices = _devices(context, table.devices, "devices")
    linux = _guest(context, vmm, devices)
    ram = ram_region(linux, table, identity=any(d.facts.dma for d in devices))
    status = Region(f"{table.name}_uio_irq_status", PAGE_BYTES, table)
    page = _phys_addr_page(context, table)
    hardware = _device_regions(devices, table)
    maps = _uio_maps(context, linux, hardware, _named_regions(status, page, link, virt_data, client_data))
    slots = _slots(maps, virt_data, client_data)
    channel = context.ids.next(vmm)
    irqs = _irqs(context, vmm, devices, table)
    linux = linux._replace(passthrough=tuple((irq.id, irq.irq) for irq in irqs))
    space = PdSpace(context.board.address_limit)
    space.map_at(ram, linux.ram_vaddr, why="equal to the guest-physical address")
    page_vaddr = space.map(page, cached=False)
    linux = linux._replace(timer=timer.connect(table, table.name, vmm, space))
    vm_maps = _vm_maps(context, linux, ram, hardware, maps, {slot.region for slot in slots})
    pd = _vmm(context, vmm, space, irqs, slots)._replace(vm=virtual_machine(table, table.name, vm_maps))
    driver = _driver(context, linux, capacity, maps, slots)._replace(channel=channel, phys_addr_vaddr=page_vaddr)
    regions = (ram, gic_region(context, table), status, page, *(region for region, _ in hardware))
    return DriverParts(pd, regions, driver)


def _guest(context: Context, vmm: str, devices: list[Device]) -> Guest:
    """Make the driver's guest; one that is given the UART has its console there."""
    table = context.table.driver
    linux = guest(context, table, table.name, vmm, with_driver=True)
    linux = linux._replace(devices=tuple(d.name for d in devices))
    return linux._replace(console=None) if context.board.facts.guest.console_device in linux.devices else linux


def _vmm(
    context: Context, name: str, space: PdSpace, irqs: tuple[Irq, ...], slots: tuple[PhysAddrSlot, ...]
) -> ProtectionDomain:
    table = context.table.driver
    budget_us, period_us = scheduling(table.budget, table.period)
    return ProtectionDomain(
        name=name,
        origin=table,
        program_image=table.image or f"{name}.elf",
        priority=DRIVER_VMM_PRIORITY if table.priority is None else table.priority,
        budget_us=budget_us,
        period_us=period_us,
        stack_size_bytes=STACK_BYTES if table.stack_size is None else table.stack_size,
        maps=tuple(space.maps),
        irqs=irqs,
        setvars=tuple(Setvar(s.symbol, s.region, table) for s in slots) if context.learned else (),
    )


def _driver(
    context: Context, linux: Guest, capacity: int, maps: tuple[UioMap, ...], slots: tuple[PhysAddrSlot, ...]
) -> Driver:
    table = context.table.driver
    notify = next(m for m in maps if m.region is None)
    return Driver(
        guest=linux,
        storage=table.storage,
        capacity=capacity,
        maps=maps,
        devices=tuple(f"blk-uio{number}" for number in range(maps[-1].device + 1)),
        intid=context.board.facts.uio.intid,
        notify_gpa=notify.gpa,
        slots=slots,
        dtb=table.dtb,
        origin=table,
    )


def virtual_machine(table: GuestTable, name: str, maps: tuple[Map, ...]) -> VirtualMachine:
    """Make the virtual machine of a Linux guest: one vCPU, at the priority all guests share."""
    budget_us, period_us = scheduling(table.vm_budget, table.vm_period)
    return VirtualMachine(
        name=name,
        origin=table,
        vcpus=(Vcpu(0, table),),
        maps=maps,
        priority=vm_priority(table),
        budget_us=budget_us,
        period_us=period_us,
    )


def _devices(context: Context, names: tuple[str, ...], key: str) -> list[Device]:
    known = context.board.devices
    where = context.table.driver.at(key)
    for index, name in enumerate(names):
        if name not in known:
            message = f"board `{context.board.name}` has no device `{name}`{suggestion(name, known)}"
            place = where._replace(path=(*where.path, index))
            context.faults.add(Fault("SDF011", message, place, f"known devices: {context.board.device_text()}"))
    return [known[name] for name in dict.fromkeys(names) if name in known]


def _irqs(context: Context, vmm: str, devices: list[Device], table: DriverTable) -> tuple[Irq, ...]:
    extra = _devices(context, table.interrupts, "interrupts")
    for device in extra:
        if device.intid is None:
            message = f"device `{device.name}` of board `{context.board.name}` has no interrupt"
            context.faults.add(Fault("SDF012", message, table.at("interrupts"), "remove it from `interrupts`"))
    sources = {d.name: d for d in (*devices, *extra) if d.intid is not None}
    return tuple(
        Irq(d.intid, context.ids.next(vmm), table, trigger=d.facts.trigger)
        for d in sources.values()
        if d.intid is not None
    )


def _device_regions(devices: list[Device], table: DriverTable) -> list[tuple[Region, Gpa]]:
    """Cover the devices' registers with whole pages; devices that share a page share its region."""
    pages: list[tuple[int, int, str]] = []
    for device in sorted(devices, key=lambda d: (d.base, d.name)):
        base, size = page_range(device.base, device.size_bytes)
        if pages and base < pages[-1][1]:
            low, high, name = pages[-1]
            pages[-1] = (low, max(high, base + size), name)
        else:
            pages.append((base, base + size, device.name))
    return [(_device_region(name, low, high - low, table), Gpa(low)) for low, high, name in pages]


def _device_region(name: str, base: int, size_bytes: int, table: DriverTable) -> Region:
    why = f"board: device {name}"
    return Region(f"dev_{name}", size_bytes, table, phys_addr=Paddr(base), why=why, key="devices")


def _phys_addr_page(context: Context, table: DriverTable) -> Region:
    possible = "memory_region.prefill_path" in context.dialect.attributes  # asking for it elsewhere is a rule's fault
    prefill = PREFILLED_PAGE if possible and context.table.phys_addr_page == "prefilled" else None
    return Region("blk_phys_addr", PAGE_BYTES, table, prefill_path=prefill)


def _named_regions(
    status: Region, page: Region, link: Connection, virt_data: Region, client_data: dict[str, Region]
) -> list[tuple[str, Region | None]]:
    """List the mappings in the order that the UIO driver's table has."""
    fixed: list[tuple[str, Region | None]] = [
        ("irq_status", status),
        ("notify", None),
        ("phys_addr", page),
        ("storage_info", link.storage_info),
        ("request_queue", link.requests),
        ("response_queue", link.responses),
        (VIRTUALISER_DATA, virt_data),
    ]
    return fixed + [(data_map_name(name), region) for name, region in client_data.items()]


def _uio_maps(
    context: Context,
    linux: Guest,
    hardware: list[tuple[Region, Gpa]],
    named: list[tuple[str, Region | None]],
) -> tuple[UioMap, ...]:
    """Give each mapping a guest-physical address and a place in a UIO device."""
    uio = context.board.facts.uio
    space = _guest_space(context, linux, hardware)
    maps = []
    for number, (name, region) in enumerate(named):
        size = (region.size_bytes or PAGE_BYTES) if region else PAGE_BYTES
        start = uio.irq_status if number == 0 else uio.notify
        gpa = space.place(size, uio.stride, start, 2**64) or 0
        device, index = divmod(number, MAPS_PER_UIO_DEVICE)
        maps.append(UioMap(name, Gpa(gpa), size, region.name if region else None, device, index))
    return tuple(maps)


def _guest_space(context: Context, linux: Guest, hardware: list[tuple[Region, Gpa]]) -> Space:
    facts = context.board.facts
    space = Space()
    space.take(linux.ram_gpa, linux.ram_bytes)
    if linux.console is not None:
        space.take(linux.console.gpa, linux.console.size_bytes)
    space.take(facts.gic.distributor, facts.gic.distributor_size)
    space.take(facts.gic.cpu_interface, facts.gic.cpu_interface_size)
    for device in context.board.devices.values():
        space.take(*page_range(device.base, device.size_bytes))
    for region, gpa in hardware:
        space.take(gpa, region.size_bytes or PAGE_BYTES)
    return space


def _slots(maps: tuple[UioMap, ...], virt_data: Region, client_data: dict[str, Region]) -> tuple[PhysAddrSlot, ...]:
    data = {virt_data.name, *(region.name for region in client_data.values())}
    return tuple(
        PhysAddrSlot(m.name, io_base_symbol(m.name), m.region, m.size_bytes, number)
        for number, m in enumerate(maps)
        if m.region in data
    )


def _vm_maps(
    context: Context,
    linux: Guest,
    ram: Region,
    hardware: list[tuple[Region, Gpa]],
    maps: tuple[UioMap, ...],
    data: set[str],
) -> tuple[Map, ...]:
    """Map RAM, interrupt controller, devices and all UIO regions; never the notify page."""
    table = context.table.driver
    uio = (
        Map(m.region, m.gpa, table, cached=m.region in data, why="board: uio, in steps of its stride")
        for m in maps
        if m.region is not None
    )
    devices = (
        Map(region.name, gpa, table, cached=False, why="equal to the physical address") for region, gpa in hardware
    )
    ram_map = Map(ram.name, linux.ram_gpa, table, perms="rwx", why="board: guest.ram")
    return (ram_map, gic_map(context, table), *devices, *uio)
