"""Numbers that a VMM's C says of its guest, held against what is mapped and what the device tree says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.records import NamedTuple
from sdfgen.rules.maps import mapped
from sdfgen.rules.registry import rule
from sdfgen.units import joined, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where
    from sdfgen.model.system import System
    from sdfgen.model.tree import Constant, GuestTree, TreeDevice
    from sdfgen.rules.maps import Mapped

CODE = "SDF216"
_SAME = "let both say the same"


class Said(NamedTuple):
    """What is said of a virtual machine, and what is mapped as its RAM."""

    name: str
    by: dict[str, Constant]
    tree: GuestTree | None
    ram: Mapped | None
    end: int


def machines(system: System) -> Iterator[Said]:
    """Yield the virtual machines of which something is said beside the system file and the device tree."""
    said: dict[str, dict[str, Constant]] = {}
    for constant in system.constants:
        said.setdefault(constant.machine, {}).setdefault(constant.what, constant)
    trees = {tree.machine: tree for tree in system.trees}
    filled = {file.machine for file in system.guest_files}
    for _, vm in system.vms():
        if vm.name in said or vm.name in filled:
            by, tree = said.get(vm.name, {}), trees.get(vm.name)
            maps = [m for m in mapped(system) if m.space.guest and m.space.name == vm.name]
            ram = _ram(maps, by, tree)
            ranges = joined((m.start, m.end) for m in maps)
            end = next((e for s, e in ranges if ram is not None and s <= ram.start < e), 0)
            yield Said(vm.name, by, tree, ram, end)


def _ram(maps: list[Mapped], by: dict[str, Constant], tree: GuestTree | None) -> Mapped | None:
    """Return the map that is a guest's RAM: what somebody says starts there, or holds what is put into RAM."""
    known = [by[what].value for what in ("ram_start", "initrd", "dtb") if what in by]
    known += [extent.start for extent in tree.memory] if tree else []
    return next((m for address in known for m in maps if m.start <= address < m.end), None)


@rule(CODE, "a VMM's C, the maps and the device tree say the same of a guest")
def numbers(system: System) -> Iterator[Fault]:
    """A VMM that believes in more RAM than is mapped faults when its guest has it touch that.

    One that puts the initial RAM disk elsewhere than the tree says starts a Linux without one.
    """
    for said in machines(system):
        yield from _size(said)
        yield from _start(said)
        yield from _initrd(said)
        yield from _inside(said)


def _of_map(found: Mapped) -> tuple[tuple[Where, str], ...]:
    size = size_text(found.end - found.start)
    return (
        (found.region.origin.at("size"), f"`{found.region.name}` has {size}"),
        (found.map.origin.at("vaddr"), f"`{found.space.name}` has it at {found.range}"),
    )


def _size(said: Said) -> Iterator[Fault]:
    constant = said.by.get("ram_bytes")
    if constant is None or said.ram is None:
        return
    there, told = said.end - said.ram.start, size_text(constant.value)
    if constant.value > there:
        message = f"`{constant.name}` is {told}, and `{said.name}` has {size_text(there)} of RAM mapped"
        yield Fault(CODE, message, constant.where, _SAME, (*_of_map(said.ram), *_of_tree(said)))
    elif said.ram.start + constant.value < said.ram.end:
        lost = size_text(said.ram.end - said.ram.start - constant.value)
        message = f"`{constant.name}` is {told}: {lost} of what `{said.name}` has mapped are beyond what its VMM knows"
        yield Fault(CODE, message, constant.where, _SAME, (*_of_map(said.ram), *_of_tree(said)), "warning")


def _of_tree(said: Said) -> tuple[tuple[Where, str], ...]:
    memory = said.tree.memory[:1] if said.tree else ()
    return tuple((e.where, f"the device tree has {size_text(e.end - e.start)}") for e in memory)


def _start(said: Said) -> Iterator[Fault]:
    constant = said.by.get("ram_start")
    if constant is None or said.ram is None or constant.value == said.ram.start:
        return
    message = f"`{constant.name}` is {constant.value:#x}, and RAM of `{said.name}` is mapped at {said.ram.range}"
    yield Fault(CODE, message, constant.where, _SAME, _of_map(said.ram)[1:])


def _initrd(said: Said) -> Iterator[Fault]:
    constant = said.by.get("initrd")
    start, end = said.tree.initrd if said.tree else (None, None)
    if constant is not None and start is not None and constant.value != start[0]:
        message = f"`{constant.name}` is {constant.value:#x}, and the device tree of `{said.name}` has {start[0]:#x}"
        notes = ((start[1], "the initial RAM disk starts here for Linux"),)
        yield Fault(CODE, message, constant.where, _SAME, notes)
    dtb = said.by.get("dtb")
    if dtb is not None and start is not None and end is not None and start[0] <= dtb.value < end[0]:
        message = f"`{dtb.name}` is {dtb.value:#x}, which is in the initial RAM disk of `{said.name}`"
        both = ((start[1], f"it is from {start[0]:#x}"), (end[1], f"to {end[0]:#x}"))
        yield Fault(CODE, message, dtb.where, "put the device tree elsewhere", both)


@rule("SDF218", "devices of a VMM's C are those of the device tree and of the system file")
def devices(system: System) -> Iterator[Fault]:
    """A driver that looks for a device elsewhere than its VMM plays it finds none, and one on another interrupt waits.

    An interrupt that is handed on arrives on the channel that the system file gives it.
    """
    for said in machines(system):
        names = [what.split(" ", 1) for what in said.by if " " in what]
        for kind, name in names:
            if kind == "registers" and said.tree is not None:
                yield from _played(said, said.tree, said.by[f"registers {name}"], said.by.get(f"virtual {name}"))
            elif kind == "channel":
                yield from _handed(system, said, said.by[f"channel {name}"], said.by.get(f"irq {name}"))


def _played(said: Said, tree: GuestTree, base: Constant, irq: Constant | None) -> Iterator[Fault]:
    found = next((d for d in tree.devices for e in d.registers if e.start == base.value), None)
    if found is None:
        notes = tuple((e.where, f"`{d.path}` is one") for d in tree.devices if _is_virtio(d) for e in d.registers)[:2]
        message = f"`{base.name}` is {base.value:#x}, where the device tree of `{said.name}` has no enabled node"
        yield Fault("SDF218", message, base.where, _SAME, notes, "warning")
    elif irq is not None and irq.value not in [i.intid for i in found.interrupts]:
        notes = tuple((i.where, f"`{found.path}` has {i.intid}") for i in found.interrupts)
        message = f"`{irq.name}` is {irq.value}, and not the interrupt of `{found.path}` in the device tree"
        yield Fault("SDF218", message, irq.where, _SAME, notes or ((found.where, f"`{found.path}` is here"),))


def _is_virtio(device: TreeDevice) -> bool:
    return "virtio,mmio" in device.compatible


def _handed(system: System, said: Said, channel: Constant, number: Constant | None) -> Iterator[Fault]:
    irqs = next(pd.irqs for pd, vm in system.vms() if vm.name == said.name)
    there = next((irq for irq in irqs if irq.id == channel.value), None)
    if there is not None and number is not None and there.irq != number.value:
        message = f"`{number.name}` is {number.value}, and interrupt {there.irq} arrives on channel {channel.value}"
        notes = ((channel.where, f"`{channel.name}` is here"), (there.origin.at("irq"), "the system file has it here"))
        yield Fault("SDF218", message, number.where, _SAME, notes)


def _inside(said: Said) -> Iterator[Fault]:
    for what in ("initrd", "dtb"):
        constant = said.by.get(what)
        if constant is not None and said.ram is not None and not said.ram.start <= constant.value < said.end:
            message = f"`{constant.name}` is {constant.value:#x}, which is not in RAM of `{said.name}`"
            yield Fault(CODE, message, constant.where, "put it into RAM", _of_map(said.ram)[1:])
