"""From `[[guest]]` tables to virtual machines with their VMMs: RAM, images, hardware, console, timer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.guest_files.initrd import final_bytes
from sdfgen.guests.command_line import EMULATED_CONSOLE
from sdfgen.guests.files import guest_files
from sdfgen.guests.hardware import GIC_REGION, add_hardware, devices_by_guest, taken_by_board
from sdfgen.guests.machine import MAX_VCPUS, Machine, VcpuOrigin, VmmOrigin, vmm_name, written_cores
from sdfgen.layout.context import DRIVER_VMM_PRIORITY, GUEST_PRIORITY, VMM_PRIORITY, Parts, scheduling
from sdfgen.layout.names import each_name_once
from sdfgen.layout.physical import first_fit, physical_space
from sdfgen.model.guest import CONSOLE, CONSOLE_NAME, EmulatedDevice, Guest, TimerLink
from sdfgen.model.microkit import Gpa, Paddr, ProtectionDomain, Region, Vaddr, Vcpu, VirtualMachine
from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES, round_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sdfgen.facts.board import Device
    from sdfgen.guests.timer import TimerBuilder
    from sdfgen.layout.context import Context
    from sdfgen.layout.space import Space
    from sdfgen.spec.guest import GuestTable

STACK_BYTES = 0x5000
"""Of a VMM: the frames of all functions of its program image at once, with a page to spare (docs/image.md)."""


def machines(context: Context) -> tuple[Machine, ...]:
    """Begin every guest of a description, in the order of their names; of two with one name, the first.

    Args:
        context: Board, ids and so on.
    """
    tables = each_name_once(context.spec.guest, "guests", "rename one of them", context.faults)
    if not tables:
        return ()
    places, addresses = RamPlaces(context), taken_by_board(context.board)
    devices = devices_by_guest(context, tables)
    return tuple(_machine(context, table, devices[table.name], places, addresses.copy()) for table in tables)


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


def _tell_of_cores(context: Context, table: GuestTable) -> None:
    """Tell of a list of cores that is not one for each virtual CPU."""
    cores, possible = table.core, 1 <= table.cpus <= MAX_VCPUS
    if isinstance(cores, tuple) and possible and len(cores) != table.cpus:
        message = f"{len(cores)} cores for the {table.cpus} virtual CPUs of guest `{table.name}`"
        notes = ((table.at("cpus"), "its virtual CPUs"),) if table.given("cpus") else ()
        context.faults.add(Fault("SDF175", message, table.at("core"), "give each virtual CPU one", notes))


def _machine(
    context: Context, table: GuestTable, hardware: list[Device], places: RamPlaces, addresses: Space
) -> Machine:
    """Begin a guest: what does not depend on what subsystems add to it."""
    facts = context.board.guest
    dma = [device for device in hardware if device.facts.dma]
    ram = places.of(table, identity=bool(dma))
    files = guest_files(context, table)
    _tell_of_cores(context, table)
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
        kernel_image=files.kernel,
        ram_disk=files.ram_disk,
        base_tree=files.tree,
        cpus=table.cpus,
        devices=tuple(device.name for device in hardware),
        restarts=all(device.facts.reset for device in dma),
    )
    machine = Machine(context, table, guest, hardware, addresses)
    _add_ram(machine)
    add_hardware(machine)
    _add_console(machine)
    return machine


def _add_ram(machine: Machine) -> None:
    """Map RAM into guest and VMM; at its guest-physical address where a device does DMA into it."""
    guest, identity = machine.guest, any(device.facts.dma for device in machine.hardware)
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


def _add_console(machine: Machine) -> None:
    """Emulate a console, unless the guest is given a UART."""
    board = machine.context.board
    if board.guest.console_device in machine.guest.devices:
        machine.consoles.append(board.guest.console)
        return
    machine.consoles.append(EMULATED_CONSOLE)
    console = board.console
    row = EmulatedDevice(CONSOLE, CONSOLE_NAME, Gpa(console.registers), console.size, console.intid, machine.table)
    machine.emulate(row)


def finish(machine: Machine, timer: TimerBuilder) -> tuple[Guest, Parts]:
    """Finish a guest when all subsystems have added to it.

    Args:
        machine: The guest.
        timer: What wakes it.

    Returns:
        The guest, and its VMM with all that belongs to it.
    """
    link = timer.connect_guest(machine)
    initrd_bytes = _initrd_bytes(machine)
    guest = machine.guest._replace(
        timer=link,
        initrd_bytes=initrd_bytes,
        initrd_gpa=_initrd_gpa(machine, initrd_bytes),
        bootargs=machine.table.bootargs,
        own_bootargs=tuple(machine.bootargs),
        default_bootargs=tuple(machine.default_bootargs),
        consoles=tuple(machine.consoles),
        appended=tuple(machine.appended),
        passthrough=tuple((irq.id, irq.irq) for irq in machine.irqs),
        emulated=tuple(machine.emulated),
        resets=tuple(machine.resets),
    )
    return guest, Parts((_vmm(machine),), tuple(machine.regions), tuple(machine.channels))


def _initrd_bytes(machine: Machine) -> int | None:
    """Return the size of the initial RAM disk; without any file there is none, and nothing to append to."""
    disk = machine.guest.ram_disk
    size = None if disk is None else disk.size_bytes
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
    with_guest = written_cores(machine.table)[0]
    return ProtectionDomain(
        name=guest.vmm,
        origin=VmmOrigin(machine.table),
        program_image=machine.image,
        priority=own if vmm is None or vmm.priority is None else vmm.priority,
        budget_us=budget_us,
        period_us=period_us,
        stack_size_bytes=STACK_BYTES if vmm is None or vmm.stack_size is None else vmm.stack_size,
        smc=machine.table.smc,
        cpu=with_guest if vmm is None or vmm.core is None else vmm.core,
        fpu=vmm.fpu if vmm else None,  # libvmm may have been compiled with it
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
        vcpus=tuple(Vcpu(i, VcpuOrigin(table, i), core) for i, core in enumerate(written_cores(table))),
        maps=tuple(machine.maps),
        priority=GUEST_PRIORITY if table.priority is None else table.priority,
        budget_us=budget_us,
        period_us=period_us,
    )


def shared_once(regions: Sequence[Region]) -> tuple[Region, ...]:
    """Drop repeats of the one region that all guests share."""
    shared = [region for region in regions if region.name == GIC_REGION][:1]
    return (*shared, *(region for region in regions if region.name != GIC_REGION))
