"""Device trees that others wrote, held against what their guests are mapped and given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.records import NamedTuple
from sdfgen.rules.maps import Reach, mapped
from sdfgen.rules.registry import rule
from sdfgen.units import range_text, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where
    from sdfgen.model.microkit import Irq, ProtectionDomain, VirtualMachine
    from sdfgen.model.system import System
    from sdfgen.model.tree import Extent, GuestTree, TreeDevice
    from sdfgen.rules.maps import Mapped

_UIO = ("generic-uio", "uio")
_VIRTIO = "virtio,mmio"
_BUSES = {"simple-bus", "simple-mfd", "simple-pm-bus"}
"""What has others' registers for its own."""
_FIRST_SPI = 32


class _Guest(NamedTuple):
    """A virtual machine with its tree, and what is mapped into it."""

    tree: GuestTree
    vmm: ProtectionDomain
    vm: VirtualMachine
    maps: list[Mapped]
    reach: Reach

    def holding(self, address: int) -> Mapped | None:
        """Return the map that an address is in."""
        return self.reach.holding(address)

    def end_from(self, address: int) -> int:
        """Return how far maps reach from an address without a gap."""
        return self.reach.end_from(address)


def _guests(system: System) -> Iterator[_Guest]:
    machines = {vm.name: (pd, vm) for pd, vm in system.vms()}
    for tree in system.trees:
        if tree.machine in machines:
            pd, vm = machines[tree.machine]
            maps = [m for m in mapped(system) if m.space.guest and m.space.name == vm.name]
            maps.sort(key=lambda m: m.start)
            yield _Guest(tree, pd, vm, maps, Reach(maps))


def _text(extent: Extent) -> str:
    return range_text(extent.start, extent.end - extent.start)


def _note(found: Mapped, key: str, words: str) -> tuple[Where, str]:
    return found.region.origin.at(key), words


@rule("SDF211", "a guest's device tree and its maps agree about its RAM")
def ram(system: System) -> Iterator[Fault]:
    """Linux uses all that its tree calls memory: what is not mapped faults, and what the tree leaves out is lost."""
    for guest in _guests(system):
        for extent in guest.tree.memory:
            yield from _ram(guest, extent)


def _ram(guest: _Guest, extent: Extent) -> Iterator[Fault]:
    held, name = guest.holding(extent.start), guest.vm.name
    if held is None:
        message = f"the device tree of `{name}` has RAM at {_text(extent)}, where nothing is mapped"
        notes = tuple((m.map.origin.at("vaddr"), f"`{m.map.region}` is mapped at {m.range}") for m in guest.maps[:1])
        yield Fault("SDF211", message, extent.where, "let both say the same", notes)
        return
    end = guest.end_from(extent.start)
    region = f"`{held.region.name}` has {size_text(held.end - held.start)}"
    notes = (_note(held, "size", region), (held.map.origin.at("vaddr"), f"it is mapped at {held.range}"))
    told = size_text(extent.end - extent.start)
    if end < extent.end:
        message = f"the device tree of `{name}` has {told} of RAM at {extent.start:#x}, and maps end at {end:#x}"
        yield Fault("SDF211", message, extent.where, "let both say the same", notes)
    elif held.end > extent.end and not _further(guest, held, extent):
        lost = size_text(held.end - extent.end)
        message = f"the device tree of `{name}` has {told} of RAM at {extent.start:#x}: {lost} above are never used"
        yield Fault("SDF211", message, extent.where, "let both say the same", notes, "warning")


def _further(guest: _Guest, held: Mapped, extent: Extent) -> bool:
    """Tell whether the tree has use for what of a region is behind a piece of RAM."""
    others = [e for d in guest.tree.devices for e in d.registers] + list(guest.tree.memory)
    return any(extent.end <= other.start < held.end for other in others)


@rule("SDF212", "the initial RAM disk lies in RAM")
def initrd(system: System) -> Iterator[Fault]:
    """Linux unpacks what is from its start to its end; one that is not there is passed over, or read as garbage."""
    for guest in _guests(system):
        start, end = guest.tree.initrd
        name = guest.vm.name
        if start is not None and end is not None and end[0] <= start[0]:
            message = f"the initial RAM disk of `{name}` ends at {end[0]:#x}, and starts at {start[0]:#x}"
            yield Fault("SDF212", message, end[1], "let it end behind its start", ((start[1], "it starts here"),))
            continue
        for address, where in (found for found in (start, end and (end[0] - 1, end[1])) if found):
            inside = any(extent.start <= address < extent.end for extent in guest.tree.memory)
            if guest.tree.memory and not inside:
                notes = ((guest.tree.memory[0].where, f"RAM is at {_text(guest.tree.memory[0])}"),)
                message = f"the initial RAM disk of `{name}` reaches {address:#x}, which is not in RAM"
                yield Fault("SDF212", message, where, "put it into RAM", notes)
                break


def _is_uio(device: TreeDevice) -> bool:
    return any(name in _UIO for name in device.compatible)


@rule("SDF213", "behind a UIO window there is memory as far as it reaches")
def windows(system: System) -> Iterator[Fault]:
    """A program in the guest maps a window whole; a page with nothing behind it faults, as it may be meant to.

    Regions that lie behind each other may serve one window.
    """
    for guest in _guests(system):
        for device in guest.tree.devices if guest.maps else ():
            for extent in device.registers if _is_uio(device) else ():
                yield from _window(guest, device, extent)


def _window(guest: _Guest, device: TreeDevice, extent: Extent) -> Iterator[Fault]:
    held = guest.holding(extent.start)
    what = f"window {_text(extent)} of `{device.path}`"
    if held is None:
        message = f"behind {what} nothing is mapped: each access goes to the VMM `{guest.vmm.name}`"
        yield Fault("SDF213", message, extent.where, "good where the VMM waits for it", (), "note")
        return
    end = guest.end_from(extent.start)
    if end < extent.end:
        message = f"{what} is longer than what is mapped there, which ends at {end:#x}"
        region = f"`{held.region.name}` has {size_text(held.end - held.start)}"
        notes = (_note(held, "size", region), (held.map.origin.at("vaddr"), f"it is mapped at {held.range}"))
        several = held.end < end
        advice = "good where nobody uses the rest" if several else "let both say the same"
        yield Fault("SDF213", message, extent.where, advice, notes, "note" if several else "error")


@rule("SDF214", "registers of a device are mapped whole, and those of an emulated one not at all")
def registers(system: System) -> Iterator[Fault]:
    """What a driver reads beyond what is mapped faults; memory where a VMM emulates a device hides the device."""
    for guest in _guests(system):
        for device in guest.tree.devices:
            for extent in () if _is_uio(device) or _BUSES & {*device.compatible} else device.registers:
                yield from _registers(guest, device, extent)


def _registers(guest: _Guest, device: TreeDevice, extent: Extent) -> Iterator[Fault]:
    held = guest.holding(extent.start)
    if held is None:
        return
    notes = ((held.map.origin.at("vaddr"), f"`{held.region.name}` is mapped at {held.range}"),)
    if _VIRTIO in device.compatible and held.region.phys_addr is None:
        if "w" not in held.map.perms:
            return  # what is read there is memory, and what is written goes to the VMM
        message = f"`{device.path}` is a virtio device at {_text(extent)}, where `{held.region.name}` is mapped: "
        message += f"the VMM `{guest.vmm.name}` never hears of its driver"
        yield Fault("SDF214", message, extent.where, "map nothing there, or move one of them", notes, "warning")
    elif guest.end_from(extent.start) < extent.end:
        message = (
            f"registers {_text(extent)} of `{device.path}` are mapped up to {guest.end_from(extent.start):#x} only"
        )
        severity = "note" if device.handed else "warning"  # of a bridge, some of the buses behind it
        yield Fault("SDF214", message, extent.where, "map all of them", notes, severity)


@rule("SDF215", "interrupts of devices that a guest is given are given to it")
def interrupts(system: System) -> Iterator[Fault]:
    """A driver that waits for an interrupt that its VMM never gets waits for ever.

    A device tree counts shared interrupts from 0, and Microkit from 32.
    """
    for guest in _guests(system):
        given = {irq.irq: irq for irq in guest.vmm.irqs}
        yield from _not_given(guest, given)
        yield from _triggers(guest, given)
        if guest.tree.whole:
            yield from _of_nobody(guest, given)


def _is_given(guest: _Guest, device: TreeDevice) -> bool:
    """Tell whether a device's registers are those of hardware that is mapped into the guest."""
    held = [m for e in device.registers if (m := guest.holding(e.start)) is not None]
    return bool(held) and all(m.region.phys_addr is not None for m in held) and not _is_uio(device)


def _known(guest: _Guest) -> set[int]:
    """Return all interrupts that enabled nodes of a guest's tree have."""
    return {i.intid for d in guest.tree.devices for i in (*d.interrupts, *d.handed)}


def _not_given(guest: _Guest, given: dict[int, Irq]) -> Iterator[Fault]:
    """Yield devices whose registers are mapped and of whose interrupts none is passed on, once for each kind."""
    silent: dict[tuple[str, ...], list[TreeDevice]] = {}
    stray = {number for number in given if number >= _FIRST_SPI} - _known(guest)
    for device in guest.tree.devices:
        shared = [i.intid for i in device.interrupts if i.intid >= _FIRST_SPI]
        if device.waits and shared and not any(i in given for i in shared) and _is_given(guest, device):
            silent.setdefault(device.compatible, []).append(device)
    for devices in silent.values():
        first, more = devices[0], len(devices) - 1
        intids = sorted({i.intid for device in devices for i in device.interrupts})
        numbers = ", ".join(map(str, intids)) if len(intids) <= 4 else f"{intids[0]} to {intids[-1]}"  # noqa: PLR2004 - what fits a line
        others = f" and {more} more like it are" if more else " is"
        message = (
            f"`{first.path}`{others} mapped into `{guest.vm.name}` and enabled, "
            f"and `{guest.vmm.name}` is given none of the interrupts ({numbers})"
        )
        held = guest.holding(first.registers[0].start)
        notes = [(held.map.origin.at("vaddr"), f"`{held.region.name}` is mapped here")] if held else []
        advice = "give the VMM the interrupts, or disable the nodes"
        wrong = next((i for i in intids if i - _FIRST_SPI in stray), None)
        if wrong is not None:
            notes.append((given[wrong - _FIRST_SPI].origin.at("irq"), f"this would be {wrong}, counted from 32"))
        severity = "warning" if wrong is not None or _is_own(guest, devices) else "note"
        yield Fault("SDF215", message, first.interrupts[0].where, advice, tuple(notes), severity)


def _is_own(guest: _Guest, devices: list[TreeDevice]) -> bool:
    """Tell whether what is mapped for devices is mapped for them alone, and not with the bus that they are on."""
    held = guest.holding(devices[0].registers[0].start)
    others = [d for d in guest.tree.devices if d.compatible != devices[0].compatible for e in d.registers]
    return held is not None and not any(held.start <= e.start < held.end for d in others for e in d.registers)


def _triggers(guest: _Guest, given: dict[int, Irq]) -> Iterator[Fault]:
    for device in guest.tree.devices:
        for interrupt in device.interrupts:
            irq = given.get(interrupt.intid)
            if irq is not None and interrupt.trigger and irq.trigger != interrupt.trigger and _is_given(guest, device):
                message = (
                    f"interrupt {interrupt.intid} is triggered by {irq.trigger} in `{guest.vmm.name}`, and by "
                    f"{interrupt.trigger} in the device tree of `{guest.vm.name}`"
                )
                notes = ((interrupt.where, f"`{device.path}` has it here"),)
                yield Fault("SDF215", message, irq.origin.at("trigger"), "let both say the same", notes, "warning")


def _of_nobody(guest: _Guest, given: dict[int, Irq]) -> Iterator[Fault]:
    """Yield interrupts that no enabled node has: most often a number that was not counted as the GIC does."""
    known = _known(guest)
    for number, irq in given.items():
        if number in known or number < _FIRST_SPI:
            continue
        message = (
            f"interrupt {number} of `{guest.vmm.name}` (SPI {number - _FIRST_SPI}) is no enabled node's "
            f"in the device tree of `{guest.vm.name}`"
        )
        advice = "good where the VMM has it for itself"
        severity = "note"
        if number + _FIRST_SPI in known:
            advice, severity = f"count as the GIC does: {number + _FIRST_SPI} is SPI {number}", "warning"
        yield Fault("SDF215", message, irq.origin.at("irq"), advice, (), severity)
