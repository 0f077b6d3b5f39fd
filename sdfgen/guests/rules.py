"""Linux guests: RAM and what lies in it, traps, interrupts, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.guests.machine import MAX_EMULATED, MAX_VCPUS
from sdfgen.read.kinds import ARM64_IMAGE
from sdfgen.records import NamedTuple
from sdfgen.rules.registry import Stage, fault, rule
from sdfgen.units import LARGE_PAGE_BYTES, PAGE_BYTES, range_text, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.facts.board import Device
    from sdfgen.facts.board_tables import GicTable
    from sdfgen.faults.fault import Fault
    from sdfgen.model.guest import Guest
    from sdfgen.model.microkit import Map, Origin, ProtectionDomain, Region, VirtualMachine
    from sdfgen.model.system import System


def _sound_ram(guest: Guest) -> bool:
    return guest.ram_bytes > 0 and guest.ram_bytes % LARGE_PAGE_BYTES == 0


@rule("SDF077", "guest RAM is a multiple of 2 MiB", Stage.VALUES)
def ram_size(system: System) -> Iterator[Fault]:
    """Other RAM is refused by libvmm (linux_setup_images), and takes thousands of 4 KiB pages to map."""
    for guest in system.guests:
        origin = guest.origin
        if not _sound_ram(guest):
            message = f"RAM of guest `{guest.name}`, {size_text(guest.ram_bytes)}, is not a multiple of 2 MiB above 0"
            yield fault("SDF077", message, (origin, "ram"), 'for example "128 MiB"')


def _ram_note(guest: Guest, origin: Origin) -> tuple[Origin, str, str]:
    return origin, "ram", f"{size_text(guest.ram_bytes)} of RAM from {guest.ram_gpa:#x}"


@rule("SDF078", "the initial RAM disk fits into guest RAM", on_board=True)
def initrd_fits(system: System) -> Iterator[Fault]:
    """It lies below the device tree; what reaches below the start of RAM is memory that the guest does not have."""
    for guest in system.guests:
        origin = guest.origin
        if guest.initrd_bytes and _sound_ram(guest) and guest.initrd_gpa < guest.ram_gpa:
            room = guest.dtb_gpa - guest.ram_gpa
            message = (
                f"{_initrd_text(guest)} has {size_text(guest.initrd_bytes)}; guest `{guest.name}` "
                f"has {size_text(room)} of RAM below its device tree at {guest.dtb_gpa:#x}"
            )
            key = "initrd" if guest.initrd else "kernel"
            yield fault("SDF078", message, (origin, key), "give the guest more RAM", [_ram_note(guest, origin)])


def _initrd_text(guest: Guest) -> str:
    """Name an initial RAM disk; one that the build appends to ends with an archive."""
    if not guest.appended:
        return f"initrd {guest.initrd!r}"
    appended = "what the build appends"
    return f"initrd {guest.initrd!r} with {appended}" if guest.initrd else f"the initrd with {appended}"


@rule("SDF079", "the kernel does not reach into what lies above it", on_board=True)
def kernel_fits(system: System) -> Iterator[Fault]:
    """The kernel clears its own data before it looks at anything; an initrd or device tree there would be gone."""
    for guest in system.guests:
        origin = guest.origin
        image = guest.kernel_image
        if image is None or image.kind != ARM64_IMAGE or not _sound_ram(guest):
            continue
        start = guest.ram_gpa + image.text_offset
        above, what = (guest.initrd_gpa, "initrd") if guest.initrd_bytes else (guest.dtb_gpa, "device tree")
        if guest.ram_gpa <= above < start + image.size_bytes:
            message = (
                f"kernel {guest.kernel!r} takes {range_text(start, image.size_bytes)} of guest `{guest.name}`, "
                f"over its {what} at {above:#x}"
            )
            yield fault("SDF079", message, (origin, "kernel"), "give the guest more RAM", [_ram_note(guest, origin)])


@rule("SDF081", "a guest has 1 to 4 virtual CPUs", Stage.VALUES, on_board=True)
def vcpu_count(system: System) -> Iterator[Fault]:
    """VMMs have an interrupt controller and PSCI of libvmm's, which has room for 4 (GUEST_MAX_NUM_VCPUS)."""
    for guest in system.guests:
        if not 1 <= guest.cpus <= MAX_VCPUS:
            message = f"guest `{guest.name}` is given {guest.cpus} virtual CPUs; its VMM serves 1 to {MAX_VCPUS}"
            yield fault("SDF081", message, (guest.origin, "cpus"), f"use 1 to {MAX_VCPUS}")
        else:
            yield from _redistributors(system, guest)


def _redistributors(system: System, guest: Guest) -> Iterator[Fault]:
    """Yield the fault of a guest that would look for registers of its CPUs beyond the board's of a GICv3."""
    from sdfgen.emit.devicetree.nodes import REDISTRIBUTOR_BYTES

    facts = system.board.gic
    if facts.redistributor_size is not None and facts.redistributor_size < guest.cpus * REDISTRIBUTOR_BYTES:
        room = facts.redistributor_size // REDISTRIBUTOR_BYTES
        message = (
            f"guest `{guest.name}` is given {guest.cpus} virtual CPUs; board `{system.board.name}` has room for {room}"
        )
        note = (facts, "redistributor_size", "a redistributor of 128 KiB for each")
        yield fault("SDF081", message, (guest.origin, "cpus"), f"use 1 to {room}", [note])


@rule("SDF083", "a guest with devices has a device tree to start from")
def base_tree(system: System) -> Iterator[Fault]:
    """Boards whose facts do not describe the whole machine need the machine's own tree as a base."""
    for guest in system.guests:
        if guest.kernel is None or guest.dtb is not None or not guest.devices:
            continue
        if not system.board.guest.complete_tree:
            message = (
                f"guest `{guest.name}` has a kernel and devices but no base device tree for board `{system.board.name}`"
            )
            advice = "set `dtb` to the tree that Linux builds for this board"
            yield fault("SDF083", message, (guest.origin, "kernel"), advice, severity="warning")


MAX_INTERRUPTS = 46
"""libvmm 0.2.0: its queue of 63 pending interrupts, less a vCPU's own 17."""


@rule("SDF109", "a VMM has room for 13 devices and 46 interrupts")
def vmm_room(system: System) -> Iterator[Fault]:
    """Handlers of traps and pending interrupts lie in arrays of libvmm's; the VMM refuses to start beyond them."""
    for guest in system.guests:
        devices = len(guest.emulated)
        interrupts = devices + len(guest.passthrough)
        if devices > MAX_EMULATED:
            place = guest.emulated[MAX_EMULATED].origin
            message = f"guest `{guest.name}` has {devices} emulated devices; its VMM has room for {MAX_EMULATED}"
            yield fault("SDF109", message, (place, ""), "leave devices out from here on")
        elif interrupts > MAX_INTERRUPTS:
            message = f"guest `{guest.name}` has {interrupts} interrupts; its VMM has room for {MAX_INTERRUPTS}"
            yield fault("SDF109", message, (guest.origin, "devices"), "pass fewer devices through")


class _Trap(NamedTuple):
    """Addresses of a guest that must fault to its VMM."""

    what: str
    start: int
    size_bytes: int


def _traps(system: System, guest: Guest, machine: VirtualMachine) -> Iterator[_Trap]:
    """Yield what must fault; registers that the guest reads from a page overlap what else is mapped there."""
    yield from _controller(system.board.gic)
    pages = {m.vaddr for m in machine.maps if m.origin in _origins(guest)}
    for device in guest.emulated:
        if device.gpa not in pages:
            yield _Trap(f"the registers of `{device.name}`", device.gpa, device.size_bytes)


def _controller(gic: GicTable) -> Iterator[_Trap]:
    yield _Trap("the interrupt distributor", gic.distributor, gic.distributor_size)
    if gic.redistributor is not None and gic.redistributor_size is not None:
        yield _Trap("the interrupt redistributors", gic.redistributor, gic.redistributor_size)


def _origins(guest: Guest) -> list[Origin]:
    return [device.origin for device in guest.emulated]


@rule("SDF086", "nothing is mapped where a guest must trap", on_board=True)
def traps(system: System) -> Iterator[Fault]:
    """A store to the notify page, the distributor or an emulated device's register is a message to the VMM.

    With memory mapped there it is only a store, and the VMM never hears of it. (Registers that a guest reads from a
    page are mapped on purpose; what else is mapped there overlaps it.)
    """
    machines = {vm.name: vm for _, vm in system.vms()}
    regions = system.region_index()
    for guest in system.guests:
        machine = machines[guest.name]
        for trap in _traps(system, guest, machine):
            for m in machine.maps:
                size = _size(regions, m)
                if m.vaddr < trap.start + trap.size_bytes and trap.start < m.vaddr + size:
                    yield _mapped_trap(guest.name, trap, m, regions.get(m.region), size)


def _size(regions: dict[str, Region], m: Map) -> int:
    region = regions.get(m.region)
    return (region.size_bytes if region else None) or PAGE_BYTES


def _mapped_trap(guest: str, trap: _Trap, m: Map, region: Region | None, size: int) -> Fault:
    message = (
        f"region `{m.region}` at {range_text(m.vaddr, size)} in guest `{guest}` covers {trap.what} "
        f"at {range_text(trap.start, trap.size_bytes)}, which must fault"
    )
    key = (region.key if region and region.origin is m.origin else None) or "vaddr"
    return fault("SDF086", message, (m.origin, key), "map it elsewhere")


@rule("SDF087", "virtual interrupts are not those of devices passed through", on_board=True)
def virtual_interrupts(system: System) -> Iterator[Fault]:
    """The VMM raises an emulated device's interrupt itself; a device passed through with that number would too."""
    names = {d.intid: d.name for d in system.board.devices.values()}
    for guest in system.guests:
        virtual = {device.intid: device.name for device in guest.emulated}
        for _, intid in guest.passthrough:
            if intid in virtual:
                message = (
                    f"interrupt {intid} of device `{names.get(intid, '?')}` is the one that board "
                    f"`{system.board.name}` gives to the emulated device `{virtual[intid]}` of guest `{guest.name}`"
                )
                key = "devices" if names.get(intid) in guest.devices else "interrupts"
                yield fault("SDF087", message, (guest.origin, key), "pass another device through")


def _devices_in(system: System, region: Region) -> list[Device]:
    start = region.phys_addr
    if start is None:
        return []
    end = start + (region.size_bytes or PAGE_BYTES)
    return [d for d in system.board.devices.values() if d.base < end and start < d.base + d.size_bytes]


class _Holder(NamedTuple):
    """A virtual machine that maps a device's region."""

    vmm: ProtectionDomain
    vm: VirtualMachine
    map: Map


def _device_holders(system: System) -> Iterator[tuple[Region, list[Device], list[_Holder]]]:
    """Yield each region over devices with the virtual machines that see it."""
    fixed = {region.name: region for region in system.regions if region.phys_addr is not None}
    holders: dict[str, dict[str, _Holder]] = {}
    for pd, vm in system.vms():
        for m in vm.maps:
            if m.region in fixed:
                holders.setdefault(m.region, {}).setdefault(vm.name, _Holder(pd, vm, m))
    for name, found in holders.items():
        devices = _devices_in(system, fixed[name])
        if devices:
            yield fixed[name], devices, list(found.values())


@rule("SDF089", "a device has one guest", on_board=True)
def device_shared(system: System) -> Iterator[Fault]:
    """Two Linux kernels that both drive a device program over each other's registers.

    Behind a bus are several: in a system file that maps one for two guests, each may drive its own, if both take care.
    """
    for _, devices, (first, *others) in _device_holders(system):
        for holder in others:
            message = f"device `{devices[0].name}` is given to two guests, `{first.vm.name}` and `{holder.vm.name}`"
            origin = first.map.origin
            key = "mr" if origin.given("mr") else "devices"
            note = (origin, key, f"`{first.vm.name}` has `{devices[0].name}`")
            is_bus = key == "mr" and devices[0].intid is None
            advice = (
                "good where each drives other devices of it; map these only" if is_bus else "give it to one of them"
            )
            severity = "warning" if is_bus else "error"
            yield fault("SDF089", message, (holder.map.origin, "mr"), advice, [note], severity)


@rule("SDF090", "a guest with a device that does DMA sees its RAM at physical addresses", on_board=True)
def dma_identity(system: System) -> Iterator[Fault]:
    """Without an SMMU the device takes the guest's addresses for physical ones, and writes into others' memory."""
    regions = system.region_index()
    for _, devices, holders in _device_holders(system):
        device = next((d for d in devices if d.facts.dma), None)
        if device is None:
            continue
        for holder in holders:
            for m in holder.vm.maps:
                ram = regions.get(m.region)
                if ram is not None and "x" in m.perms and ram.phys_addr != int(m.vaddr):
                    yield _not_identity(holder, device, m, ram)


def _not_identity(holder: _Holder, device: Device, m: Map, ram: Region) -> Fault:
    lies = "anywhere" if ram.phys_addr is None else f"at {ram.phys_addr:#x}"
    message = (
        f"device `{device.name}` does DMA with the addresses of guest `{holder.vm.name}`, "
        f"whose RAM `{ram.name}` is at {m.vaddr:#x} but lies {lies}"
    )
    note = (m.origin, "vaddr", f"RAM of `{holder.vm.name}`")
    advice = f"give region `{ram.name}` phys_addr = {m.vaddr:#x}"
    return fault("SDF090", message, (holder.map.origin, "mr"), advice, [note])
