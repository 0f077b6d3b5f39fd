"""From `[[guest]]` tables to virtual machines with their VMMs: RAM, images, hardware, console, timer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault, suggestion
from sdfgen.guest_files.initrd import final_bytes
from sdfgen.guests.machine import Machine, VmmOrigin, vmm_name
from sdfgen.layout.context import DRIVER_VMM_PRIORITY, GUEST_PRIORITY, VMM_PRIORITY, Parts, scheduling
from sdfgen.layout.physical import first_fit, physical_space
from sdfgen.layout.space import Space, page_range
from sdfgen.model.guest import CONSOLE, EmulatedDevice, Guest, TimerLink
from sdfgen.model.microkit import Gpa, Irq, Paddr, ProtectionDomain, Region, Vaddr, Vcpu, VirtualMachine
from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES, round_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sdfgen.facts.board import Board, Device
    from sdfgen.guests.timer import TimerBuilder
    from sdfgen.layout.context import Context
    from sdfgen.model.guest import KernelImage
    from sdfgen.spec.guest import GuestTable

STACK_BYTES = 0x5000
"""Of a VMM: the frames of all functions of its program image at once, with a page to spare (docs/image.md)."""
GIC_REGION = "gic_vcpu"
"""The virtual CPU interface, one region for all guests."""


def machines(context: Context) -> tuple[Machine, ...]:
    """Begin every guest of a description, in the order of their names; of two with one name, the first.

    Args:
        context: Board, ids and so on.
    """
    found: dict[str, GuestTable] = {}
    for table in context.spec.guest:
        first = found.setdefault(table.name, table)
        if first is not table:
            notes = ((first.at("name"), "the other one is here"),)
            message = f"two guests are called `{table.name}`"
            context.faults.add(Fault("SDF024", message, table.at("name"), "rename one of them", notes))
    if not found:
        return ()
    places, addresses = RamPlaces(context), _taken_by_board(context.board)
    hardware = _hardware(context, [found[name] for name in sorted(found)])
    return tuple(_machine(context, found[name], hardware[name], places, addresses.copy()) for name in sorted(found))


def _taken_by_board(board: Board) -> Space:
    """Take what the board has, whether a guest is given it or not."""
    space = Space()
    for base, size_bytes in board.guest_gic():
        space.take(base, size_bytes)
    space.take(board.console.registers, board.console.size)
    for device in board.devices.values():
        space.take(*page_range(device.base, device.size_bytes))
    return space


def _hardware(context: Context, tables: list[GuestTable]) -> dict[str, list[Device]]:
    """Return the devices of each guest; one that another guest has, or has a neighbour of in its page, is a fault."""
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
    (low, low_size), (high, high_size) = sorted(page_range(d.base, d.size_bytes) for d in (one, two))
    return high < low + low_size or (low == high and low_size > 0 < high_size)


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


class RamPlaces:
    """Guest-physical addresses of guests' RAM: the board's, but for several whose devices do DMA each its own."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._customary = context.board.guest.ram
        self._space = physical_space(context, _written_regions(context))

    def of(self, table: GuestTable, *, identity: bool) -> Gpa:
        """Return the address of a guest's RAM.

        Args:
            table: The guest.
            identity: It has to be the physical one.
        """
        if not identity:
            return Gpa(self._customary)
        size = round_up(max(1, table.ram), LARGE_PAGE_BYTES)
        if self._space.place(size, LARGE_PAGE_BYTES, self._customary, self._customary + size) is not None:
            return Gpa(self._customary)
        found = first_fit(self._context, self._space, size)
        return Gpa(self._customary if found is None else found[0])  # then regions overlap, which a rule tells


def _written_regions(context: Context) -> Iterator[Region]:
    """Yield the regions whose physical address the description writes."""
    for table in context.spec.memory_region:
        if table.phys_addr is not None:
            yield Region(table.name, table.size, table, phys_addr=Paddr(table.phys_addr))


def _machine(
    context: Context, table: GuestTable, hardware: list[Device], places: RamPlaces, addresses: Space
) -> Machine:
    """Begin a guest: what does not depend on what subsystems add to it."""
    facts = context.board.guest
    restarts = not any(device.facts.dma for device in hardware)
    ram = places.of(table, identity=not restarts)
    file_size(context, table, "dtb")
    guest = Guest(
        name=table.name,
        vmm=vmm_name(table.name),
        origin=table,
        ram_region=f"{table.name}_ram",
        ram_gpa=ram,
        ram_bytes=table.ram,
        ram_vaddr=Vaddr(ram),
        dtb_gpa=Gpa(ram + table.ram - facts.dtb_from_top),
        initrd_gpa=Gpa(0),
        timer=TimerLink(Vaddr(0), 0),
        kernel=table.kernel,
        initrd=table.initrd,
        dtb=table.dtb,
        kernel_image=_kernel_image(context, table),
        cpus=table.cpus,
        devices=tuple(device.name for device in hardware),
        restarts=restarts,
    )
    machine = Machine(context, table, guest, hardware, addresses)
    _add_ram(machine)
    _add_hardware(machine)
    _add_console(machine)
    return machine


def _add_ram(machine: Machine) -> None:
    """Map RAM into guest and VMM; at its guest-physical address where a device does DMA into it."""
    guest, identity = machine.guest, not machine.guest.restarts
    region = Region(
        guest.ram_region,
        round_up(max(1, guest.ram_bytes), LARGE_PAGE_BYTES),  # any other is a rule's fault
        machine.table,
        phys_addr=Paddr(guest.ram_gpa) if identity else None,
        why="equal to the guest-physical address: a device passed through does DMA" if identity else "",
        key="ram",
    )
    machine.regions.append(region)
    machine.space.map_at(region, guest.ram_vaddr, why="equal to the guest-physical address")
    customary = guest.ram_gpa == machine.context.board.guest.ram
    why = "board: guest.ram" if customary else "equal to the physical address, beside other guests' RAM"
    machine.map(region, guest.ram_gpa, perms="rwx", why=why)


def _add_hardware(machine: Machine) -> None:
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


def _add_console(machine: Machine) -> None:
    """Emulate a console, unless the guest is given a UART."""
    board = machine.context.board
    if board.guest.console_device in machine.guest.devices:
        return
    console = board.console
    row = EmulatedDevice(CONSOLE, "console", Gpa(console.registers), console.size, console.intid, machine.table)
    machine.emulate(row)


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


def finish(machine: Machine, timer: TimerBuilder) -> tuple[Guest, Parts]:
    """Finish a guest when all subsystems have added to it.

    Args:
        machine: The guest.
        timer: What wakes it.

    Returns:
        The guest, and its VMM with all that belongs to it.
    """
    link = timer.connect(machine)
    initrd_bytes = _initrd_bytes(machine)
    guest = machine.guest._replace(
        timer=link,
        initrd_bytes=initrd_bytes,
        initrd_gpa=_initrd_gpa(machine, initrd_bytes),
        bootargs=machine.table.bootargs,
        own_bootargs=tuple(machine.bootargs),
        appended=tuple(machine.appended),
        passthrough=tuple((irq.id, irq.irq) for irq in machine.irqs),
        emulated=tuple(machine.emulated),
    )
    return guest, Parts((_vmm(machine),), tuple(machine.regions), tuple(machine.channels))


def _initrd_bytes(machine: Machine) -> int | None:
    """Return the size of the initial RAM disk; without any file there is none, and nothing to append to."""
    size = file_size(machine.context, machine.table, "initrd")
    if machine.appended and (machine.table.kernel or size is not None):
        return final_bytes(size or 0)
    return size


def _initrd_gpa(machine: Machine, size_bytes: int | None) -> Gpa:
    """Use the customary place; a disk too large for it goes right below the device tree."""
    facts, guest = machine.context.board.guest, machine.guest
    top = guest.ram_gpa + guest.ram_bytes
    if guest.kernel and not size_bytes:
        return Gpa(top - PAGE_BYTES)  # the empty one, out of the kernel's way
    customary = top - facts.initrd_from_top
    if customary > guest.ram_gpa and customary + (size_bytes or 0) <= guest.dtb_gpa:
        return Gpa(customary)
    return Gpa((guest.dtb_gpa - (size_bytes or 0)) // PAGE_BYTES * PAGE_BYTES)


def _vmm(machine: Machine) -> ProtectionDomain:
    guest, vmm = machine.guest, machine.table.vmm
    budget_us, period_us = scheduling(vmm.budget if vmm else None, vmm.period if vmm else None)
    own = DRIVER_VMM_PRIORITY if machine.drives else VMM_PRIORITY
    return ProtectionDomain(
        name=guest.vmm,
        origin=VmmOrigin(machine.table),
        program_image=machine.image,
        priority=own if vmm is None or vmm.priority is None else vmm.priority,
        budget_us=budget_us,
        period_us=period_us,
        stack_size_bytes=STACK_BYTES if vmm is None or vmm.stack_size is None else vmm.stack_size,
        smc=machine.table.smc,
        cpu=machine.table.cpu if vmm is None or vmm.cpu is None else vmm.cpu,
        domain=machine.table.domain if vmm is None or vmm.domain is None else vmm.domain,
        maps=tuple(machine.space.maps),
        irqs=tuple(machine.irqs),
        setvars=tuple(machine.setvars),
        vm=_virtual_machine(machine),
    )


def _virtual_machine(machine: Machine) -> VirtualMachine:
    """Make the virtual machine, at the priority that all guests share."""
    table = machine.table
    budget_us, period_us = scheduling(table.budget, table.period)
    return VirtualMachine(
        name=machine.name,
        origin=table,
        vcpus=(Vcpu(0, table, table.cpu),),  # another number of them is a rule's fault
        maps=tuple(machine.maps),
        priority=GUEST_PRIORITY if table.priority is None else table.priority,
        budget_us=budget_us,
        period_us=period_us,
    )


def _kernel_image(context: Context, table: GuestTable) -> KernelImage | None:
    size_bytes = file_size(context, table, "kernel")
    if table.kernel is None or size_bytes is None:
        return None
    from sdfgen.guests.kernel import kernel_image

    return kernel_image(os.path.join(context.folder, table.kernel), size_bytes)


def file_size(context: Context, table: GuestTable, name: str) -> int | None:
    """Return the size of the file that a key names; a fault and None when it is none."""
    path = getattr(table, name)
    if path is None:
        return None
    full = os.path.join(context.folder, path)
    try:
        if os.path.isfile(full):
            return os.path.getsize(full)
        what = "is not a file" if os.path.exists(full) else "does not exist"
    except (OSError, ValueError) as error:
        what = f"cannot be used: {error}"
    context.faults.add(
        Fault("SDF013", f"{name} {path!r} {what}", table.at(name), "paths are relative to the description")
    )
    return None


def shared_once(regions: Sequence[Region]) -> tuple[Region, ...]:
    """Drop repeats of the one region that all guests share."""
    shared = [region for region in regions if region.name == GIC_REGION][:1]
    return (*shared, *(region for region in regions if region.name != GIC_REGION))
