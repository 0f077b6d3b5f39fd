"""What device trees say, in addresses and interrupts as the guest's CPU sees them, and whose they are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.faults.source import Source, Where
from sdfgen.model.tree import Extent, GuestTree, TreeDevice, TreeInterrupt
from sdfgen.read.dts import NOTHING, Trees
from sdfgen.read.dts_parser import CODE
from sdfgen.read.flat_tree import MAGIC, FlatTreeError, read_flat_tree
from sdfgen.read.tree import Node, of_flat
from sdfgen.read.xml import decode, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sdfgen.faults.fault import Faults
    from sdfgen.model.system import System
    from sdfgen.read.tree import Cell

_OKAY = ("okay", "ok")
_CELLS = 2
"""Of addresses and of sizes, in parts of trees whose root says nothing."""
_GIC_CELLS = 3
_FIRST = {0: 32, 1: 16}
"""INTID of the first interrupt of each kind that a GIC's node tells apart: shared ones, and private ones."""
_TRIGGERS = {1: "edge", 2: "edge", 4: "level", 8: "level"}


def tree_of(
    paths: Sequence[str], folders: Sequence[str], faults: Faults, macros: Mapping[str, str] = NOTHING
) -> tuple[Node, list[str]] | None:
    """Read a tree from its parts; later ones add to earlier ones.

    Args:
        paths: Source or flattened, overlays among them.
        folders: Where more files to include may be.
        faults: Takes what is wrong with them.
        macros: Macros of the preprocessor, with their texts.
    """
    trees = Trees(folders, faults, macros)
    before = faults.errors
    for path in paths:
        name = os.path.normpath(path)
        nowhere = Where(Source(name, ""))
        try:
            content = read_bytes(path)
            if content[:4] == MAGIC.to_bytes(4, "big"):
                trees.lay_over(of_flat(read_flat_tree(content).root, name))
            else:
                trees.add(path, decode(content))
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            faults.add(Fault("SDF001", f"{name!r} cannot be read: {why}", nowhere, "name a device tree"))
        except FlatTreeError as error:
            faults.add(Fault(CODE, f"{name!r} {error.what}", nowhere, error.advice))
    trees.resolve()
    for reference, where in trees.unresolved:
        message = f"`{reference}` is in none of the files that are given"
        faults.add(Fault(CODE, message, where, "give the tree that has this label before it", (), "note"))
    return None if faults.errors > before else (trees.root, trees.files)


def guest_tree(root: Node, machine: str) -> GuestTree:
    """Return what a tree says.

    Args:
        root: Its root.
        machine: The virtual machine that it is for.
    """
    nodes = [node for node in root.walk() if _is_enabled(node)]
    handles = {node.cell("phandle"): node for node in nodes if node.cell("phandle") is not None}
    chosen = root.children.get("chosen")
    devices = [device for node in nodes if (device := _device(node, handles)) is not None]
    return GuestTree(
        machine=machine,
        memory=tuple(extent for node in nodes if _is_memory(node) for extent in _registers(node)),
        initrd=(_address(chosen, "linux,initrd-start"), _address(chosen, "linux,initrd-end")),
        devices=tuple(devices),
        whole=any("interrupt-controller" in node.properties for node in nodes),
        where=root.where or Where(Source("", "")),
    )


def _is_enabled(node: Node) -> bool:
    at: Node | None = node
    while at is not None:
        if at.strings("status") and at.strings("status")[0] not in _OKAY:
            return False
        at = at.parent
    return True


def _is_memory(node: Node) -> bool:
    is_one = node.strings("device_type") == ("memory",) or node.name.partition("@")[0] == "memory"
    return is_one and node.parent is not None and node.parent.parent is None


def _address(node: Node | None, name: str) -> tuple[int, Where] | None:
    found = node.properties.get(name) if node is not None else None
    value = _joined(found.cells) if found is not None else None
    return None if value is None or found is None else (value, found.cells[0].where)


def _joined(cells: Sequence[Cell]) -> int | None:
    """Return what one or two numbers are together."""
    value = 0
    for cell in cells:
        if cell.value is None:
            return None
        value = value << 32 | cell.value
    return value if 0 < len(cells) <= _CELLS else None


def _sizes(bus: Node) -> tuple[int, int]:
    """Return how many numbers an address and a size have for what is on a bus."""
    address = bus.cell("#address-cells", _CELLS)
    size = bus.cell("#size-cells", _CELLS if bus.parent is None else 1)
    return (_CELLS if address is None else address), (1 if size is None else size)


def _registers(node: Node) -> Iterator[Extent]:
    """Yield a node's registers as the CPU sees them; nothing where they are on a bus that is no memory."""
    found, bus = node.properties.get("reg"), node.parent
    if found is None or bus is None:
        return
    address_cells, size_cells = _sizes(bus)
    step = address_cells + size_cells
    if not 0 < step <= 2 * _CELLS or len(found.cells) % step or not size_cells or not address_cells:
        return
    for at in range(0, len(found.cells), step):
        start = _joined(found.cells[at : at + address_cells])
        size = _joined(found.cells[at + address_cells : at + step])
        seen = None if start is None else _translated(start, bus)
        if seen is not None and size:
            yield Extent(seen, seen + size, found.cells[at].where)


def _translated(address: int, bus: Node) -> int | None:
    """Return where the CPU sees an address of a bus; None where it does not."""
    while bus.parent is not None:
        ranges = bus.properties.get("ranges")
        if ranges is None:
            return None
        if ranges.cells:
            moved = _moved(address, bus, ranges.cells)
            if moved is None:
                return None
            address = moved
        bus = bus.parent
    return address


def _moved(address: int, bus: Node, cells: Sequence[Cell]) -> int | None:
    own, size_cells = _sizes(bus)
    above = _sizes(bus.parent)[0] if bus.parent is not None else _CELLS
    step = own + above + size_cells
    for at in range(0, len(cells) - step + 1, max(1, step)):
        low = _joined(cells[at + max(0, own - _CELLS) : at + own])
        seen = _joined(cells[at + own : at + own + above])
        size = _joined(cells[at + own + above : at + step])
        if None not in (low, seen, size) and low <= address < low + size:  # type: ignore[operator]
            return seen + address - low  # type: ignore[operator]
    return None


def _device(node: Node, handles: dict[int | None, Node]) -> TreeDevice | None:
    registers, interrupts = tuple(_registers(node)), tuple(_interrupts(node, handles))
    handed = tuple(_handed(node, handles))
    if _is_memory(node) or not (registers or interrupts or handed) or "interrupt-controller" in node.properties:
        return None
    where = node.where or Where(Source("", ""))
    return TreeDevice(node.path, node.strings("compatible"), registers, interrupts, handed, _waits(node), where)


def _waits(node: Node) -> bool:
    provides = any(name in node.properties for name in ("#clock-cells", "#reset-cells", "#power-domain-cells"))
    return not (provides or "syscon" in node.strings("compatible") or node.name.startswith("timer@"))


def _controller(node: Node, handles: dict[int | None, Node]) -> Node | None:
    """Return the interrupt controller of a node; None where none of the parts says which."""
    at: Node | None = node
    while at is not None:
        handle = at.cell("interrupt-parent")
        if handle is not None:
            return handles.get(handle)
        if at is not node and "interrupt-controller" in at.properties:
            return at
        at = at.parent
    return None


def _is_gic(controller: Node | None) -> bool:
    return controller is None or controller.cell("#interrupt-cells") == _GIC_CELLS


def _interrupts(node: Node, handles: dict[int | None, Node]) -> Iterator[TreeInterrupt]:
    yield from _extended(node, handles)
    found = node.properties.get("interrupts")
    if found is None or len(found.cells) % _GIC_CELLS or not _is_gic(_controller(node, handles)):
        return
    for at in range(0, len(found.cells), _GIC_CELLS):
        yield from _interrupt(found.cells[at : at + _GIC_CELLS])


def _extended(node: Node, handles: dict[int | None, Node]) -> Iterator[TreeInterrupt]:
    """Yield those of `interrupts-extended`, where each says whose it is."""
    found = node.properties.get("interrupts-extended")
    at = 0
    while found is not None and at < len(found.cells):
        controller = handles.get(found.cells[at].value)
        count = (controller.cell("#interrupt-cells") if controller else None) or _GIC_CELLS
        if count == _GIC_CELLS and len(cells := found.cells[at + 1 : at + 1 + count]) == count:
            yield from _interrupt(cells)
        at += 1 + count


def _interrupt(cells: Sequence[Cell]) -> Iterator[TreeInterrupt]:
    kind, number, flags = (cell.value for cell in cells)
    if kind in _FIRST and number is not None:
        trigger = "" if flags is None else _TRIGGERS.get(flags & 0xF, "")
        yield TreeInterrupt(_FIRST[kind] + number, trigger, cells[1].where)


def _handed(node: Node, handles: dict[int | None, Node]) -> Iterator[TreeInterrupt]:
    """Yield what `interrupt-map` of a bridge leads to."""
    found = node.properties.get("interrupt-map")
    own = (node.cell("#address-cells", 3) or 0) + (node.cell("#interrupt-cells", 1) or 0)
    at = own
    while found is not None and at < len(found.cells):
        handle = found.cells[at].value
        controller = handles.get(handle)
        unit = 0 if controller is None else controller.cell("#address-cells", 0) or 0
        start = at + 1 + unit
        cells = found.cells[start : start + _GIC_CELLS]
        if len(cells) == _GIC_CELLS and _is_gic(controller):
            yield from _interrupt(cells)
        at = start + _GIC_CELLS + own


def whose(root: Node, system: System) -> str:
    """Return the virtual machine that a tree is for: the one whose memory has most of its addresses.

    Args:
        root: The tree.
        system: The system.

    Returns:
        Its name; empty where no machine has more than the others.
    """
    machines = [vm for _, vm in system.vms()]
    if len(machines) == 1:
        return machines[0].name
    tree = guest_tree(root, "")
    starts = [extent.start for extent in (*tree.memory, *(r for d in tree.devices for r in d.registers))]
    sizes = {region.name: region.size_bytes or 0 for region in system.regions}
    counts = {
        vm.name: sum(any(m.vaddr <= s < m.vaddr + sizes.get(m.region, 0) for m in vm.maps) for s in starts)
        for vm in machines
    }
    best = max(counts.values(), default=0)
    found = [name for name, count in counts.items() if count == best]
    return found[0] if best and len(found) == 1 else ""


def parts(named: Iterable[str]) -> dict[str, list[str]]:
    """Return the files of each machine, in their order; those that say none are for the machine of no name.

    Args:
        named: Files, some as `MACHINE=FILE`.
    """
    found: dict[str, list[str]] = {}
    for text in named:
        machine, equals, path = text.partition("=")
        if equals and not os.path.exists(text):
            found.setdefault(machine, []).append(path)
        else:
            found.setdefault("", []).append(text)
    return found
