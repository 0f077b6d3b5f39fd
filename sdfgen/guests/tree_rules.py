"""Device trees that guests start from: whatever the build changes in one is looked for in it before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.guests.files import with_file
from sdfgen.guests.tree_index import Indexed, ancestors, index
from sdfgen.records import NamedTuple
from sdfgen.rules.registry import Shared, Stage, fault, rule
from sdfgen.units import PAGE_BYTES, range_text, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sdfgen.facts.board import Board, Device
    from sdfgen.faults.fault import Fault
    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System
    from sdfgen.read.flat_tree import TreeNode

    Problems = Iterator[tuple[str, str]]
    """What is wrong with a tree, as the end of a sentence, and what to do about it."""


class _Based(NamedTuple):
    """A guest that starts from a tree of the author's.

    Attributes:
        guest: The guest.
        board: Its board.
        root: The tree.
        nodes: Its nodes by path.
        statuses: What the build writes into `status`, by the node's path.
    """

    guest: Guest
    board: Board
    root: TreeNode
    nodes: dict[str, Indexed]
    statuses: dict[str, str]

    @property
    def named(self) -> str:
        """The tree in words, with its own word for what machine it is of."""
        own = self.root.text("model") or self.root.text("compatible")
        machine = "".join(letter if letter.isprintable() else "?" for letter in own)
        of = f" (of `{machine}`)" if machine else ""
        return f"device tree {self.guest.dtb!r}{of} of guest `{self.guest.name}`"

    @property
    def devices(self) -> Iterator[Device]:
        """What the guest is given."""
        return (self.board.devices[name] for name in self.guest.devices)

    def is_enabled(self, path: str) -> bool:
        """Tell whether Linux makes a device of a node once the build has written its overlay."""
        from sdfgen.guests.trees import ENABLED

        written = self.statuses.get(path)
        return self.nodes[path].is_enabled if written is None else written == ENABLED


@Shared
def _based(system: System) -> Iterator[_Based]:
    for guest in system.guests:
        if guest.base_tree is not None:
            from sdfgen.guests.trees import statuses_of

            root = guest.base_tree.root
            yield _Based(guest, system.board, root, index(root), statuses_of(system.board, guest.devices))


_GIVE = "give the tree that Linux builds for board `{board}`, or mend the board file"


@rule("SDF132", "a guest's device tree has the devices that it is given", Stage.VALUES, on_board=True)
def tree_has_devices(system: System) -> Iterator[Fault]:
    """Linux finds no device without its node, or with one whose registers are elsewhere or whose bus is disabled.

    The build enables a device's node, and disables those of devices that others have; it makes none.
    """
    for based in _based(system):
        yield from _missing(based)
        for device in based.devices:
            yield from _elsewhere(based, device)
            yield from _unreachable(based, device)


def _paths(based: _Based, device: Device) -> list[str]:
    """Return which of a device's paths lead to a node."""
    from sdfgen.guests.trees import own_paths

    return [path for path in own_paths(device) if path in based.nodes]


def _missing(based: _Based) -> Iterator[Fault]:
    from sdfgen.guests.trees import own_paths

    missing = [device for device in based.devices if own_paths(device) and not _paths(based, device)]
    if not missing:
        return
    wanted = ", ".join(f"`{device.name}` ({' or '.join(own_paths(device))})" for device in missing)
    message = f"{based.named} has no node of {'device' if len(missing) == 1 else 'devices'} {wanted}"
    there = [(device, path) for device in missing for path in _at_registers(based, device)]
    advice = _GIVE.format(board=based.board.name)
    if there:
        advice = "if it is the right tree, add to `paths` in the board file: "
        advice += ", ".join(f"{path} to that of `{device.name}`" for device, path in there)
    note = (based.guest.origin, "devices", f"devices of board `{based.board.name}`")
    yield fault("SDF132", message, (based.guest.origin, "dtb"), advice, [note])


def _at_registers(based: _Based, device: Device) -> list[str]:
    """Return the paths of nodes that begin where a device does."""
    return [path for path, at in based.nodes.items() if any(start == device.base for start, _ in at.registers)]


def _overlaps(at: Indexed, device: Device) -> bool:
    end = device.base + device.size_bytes
    return any(start < end and device.base < start + max(size, 1) for start, size in at.registers)


def _elsewhere(based: _Based, device: Device) -> Iterator[Fault]:
    paths = _paths(based, device)
    known = [path for path in paths if based.nodes[path].registers]
    if len(known) < len(paths) or not known or any(_overlaps(based.nodes[path], device) for path in known):
        return
    start, size_bytes = based.nodes[known[0]].registers[0]
    message = (
        f"node {known[0]} in {based.named} has its registers at {range_text(start, size_bytes)}, "
        f"device `{device.name}` of board `{based.board.name}` at {range_text(device.base, device.size_bytes)}"
    )
    note = (device.facts, "base", f"registers of `{device.name}`")
    yield fault("SDF132", message, (based.guest.origin, "dtb"), _GIVE.format(board=based.board.name), [note])


def _unreachable(based: _Based, device: Device) -> Iterator[Fault]:
    from sdfgen.guests.trees import own_paths

    paths = _paths(based, device) if own_paths(device) else _at_registers(based, device)
    shut = {path: _shut(based, path) for path in paths}
    if not paths or not all(shut.values()):
        return
    path, closed = next(iter(shut.items()))
    where = "is disabled" if closed == path else f"lies in {closed}, which is disabled"
    message = f"node {path} of device `{device.name}` in {based.named} {where}: Linux makes no device of it"
    others = [other.name for other in based.board.devices.values() if closed in own_paths(other)]
    advice = f"enable it: fdtput -t s FILE {closed} status okay"
    if closed in based.statuses:
        names = " or ".join(f"`{name}`" for name in others)
        advice = f"pass {names} through too" if others else "take it from `guest.disable` in the board file"
    elif closed == path:
        advice += "; or give its `paths` in the board file, and the build does it"
    note = (based.guest.origin, "dtb", "the tree")
    told = with_file(advice, based.guest.dtb or "")
    yield fault("SDF132", message, (based.guest.origin, "devices"), told, [note])


def _shut(based: _Based, path: str) -> str:
    """Return the outermost node at or around a path that is disabled; nothing when Linux gets there."""
    around = [other for other in ancestors(path) if not based.is_enabled(other)]
    return around[-1] if around else "" if based.is_enabled(path) else path


@rule("SDF133", "a guest's device tree suits what the build writes into it", on_board=True)
def tree_suits(system: System) -> Iterator[Fault]:
    """The build writes RAM, command line, consoles and virtual devices into the tree.

    What it does not replace holds for Linux too, and what the new nodes refer to must be there.
    """
    for based in _based(system):
        whole = list(_no_whole_tree(based))
        for what, advice in whole or (found for problems in _PROBLEMS for found in problems(based)):
            yield fault(
                "SDF133", f"{based.named} {what}", (based.guest.origin, "dtb"), with_file(advice, based.guest.dtb or "")
            )


def _no_whole_tree(based: _Based) -> Problems:
    names = {node.name for node in based.root.children}
    if any(node.child("__overlay__") for node in based.root.children):
        yield "is an overlay", "apply it to the board's tree first: fdtoverlay -i BOARD.dtb -o NEW.dtb FILE"
    elif {"images", "configurations"} <= names:
        yield "is a FIT image", "take the tree out of it: dumpimage -T flat_dt -p NUMBER -o NEW.dtb FILE"


def _cells(based: _Based) -> Problems:
    from sdfgen.emit.devicetree.nodes import ADDRESS_CELLS, SIZE_CELLS

    found = (based.root.cell("#address-cells", 2), based.root.cell("#size-cells", 1))
    if found != (ADDRESS_CELLS, SIZE_CELLS):
        what = f"has {found[0]} address and {found[1]} size cells in its root, and the build writes nodes with"
        yield f"{what} {ADDRESS_CELLS} and {SIZE_CELLS}", "write the root's addresses and sizes with two cells each"


def _memory(based: _Based) -> Problems:
    """Yield what tells Linux of other RAM than the guest has: drivers/of/fdt.c takes every node of this type."""
    from sdfgen.guests.trees import memory_node

    own = memory_node(based.board, based.guest)
    ram = f"{size_text(based.guest.ram_bytes)} at {based.guest.ram_gpa:#x}"
    for node in based.root.children:
        enabled = based.is_enabled(f"/{node.name}")
        if node.name == own and not enabled:
            yield (
                f"has its node /{own} disabled, where the build writes the guest's RAM",
                _put(f"-d FILE /{own} status"),
            )
        if node.name == own and "linux,usable-memory" in node.properties:
            what = f"says in `linux,usable-memory` of /{own} what the guest's RAM is, which is {ram}"
            yield what, _put(f"-d FILE /{own} linux,usable-memory")
        if node.name != own and enabled and node.text("device_type") == "memory":
            what = f"has RAM at /{node.name} that the guest does not have: its {ram} are written to /{own}"
            yield what, f"{_put(f'-r FILE /{node.name}')}, or name it in `guest.memory_node` of the board file"


def _put(arguments: str) -> str:
    return f"remove it: fdtput {arguments}"


_LEFT_OVER = ("linux,usable-memory-range", "linux,elfcorehdr", "linux,uefi-system-table")
"""What a boot loader wrote for the machine that a tree was read from: other memory, and firmware that is not there."""
_INITRD = ("linux,initrd-start", "linux,initrd-end")


def _chosen(based: _Based) -> Problems:
    chosen = based.root.child("chosen")
    names = _LEFT_OVER if based.guest.initrd_bytes else (*_LEFT_OVER, *_INITRD)
    for name in names:
        if chosen is not None and name in chosen.properties:
            what = "the guest has no initrd" if name in _INITRD else "it is about the machine that it was read from"
            yield f"has `{name}` in /chosen, and {what}", _put(f"-d FILE /chosen {name}")


def _interrupts(based: _Based) -> Problems:
    """Yield why the interrupts of nodes that the build adds would not be the guest's controller's."""
    from sdfgen.emit.devicetree.nodes import GIC_V3, INTERRUPT_CELLS

    phandle = based.root.cell("interrupt-parent")
    found = [at for at in based.nodes.values() if phandle in (at.node.cell("phandle"), at.node.cell("linux,phandle"))]
    gic, advice = based.board.gic, _GIVE.format(board=based.board.name)
    if phandle is None or not found:
        yield (
            "has no interrupt controller as `interrupt-parent` of its root, for the devices that the build adds",
            advice,
        )
        return
    node, registers = found[0]
    is_v3 = "arm,gic-v3" in node.properties.get("compatible", b"").decode("ascii", "replace").split("\0")
    if node.cell("#interrupt-cells") != INTERRUPT_CELLS or is_v3 != (gic.version == GIC_V3):
        yield f"has `{node.name}` as interrupt controller, and board `{based.board.name}` a GICv{gic.version}", advice
    elif registers and registers[0][0] != gic.distributor:
        what = (
            f"has its interrupt controller at {registers[0][0]:#x}, board `{based.board.name}` at {gic.distributor:#x}"
        )
        yield what, advice


_OWN_PHANDLES = 64
"""More than the nodes that the build adds and others refer to."""


def _phandles(based: _Based) -> Problems:
    from sdfgen.guest_files.apply_overlay import LAST_PHANDLE, highest_phandle

    highest = highest_phandle(based.root)
    if highest + _OWN_PHANDLES > LAST_PHANDLE:
        what = f"has the phandle {highest:#x}, and the build needs {_OWN_PHANDLES} above all others"
        yield what, "give its nodes lower ones; dtc counts from 1"


def _psci(based: _Based) -> Problems:
    psci, method = based.root.child("psci"), based.board.guest.psci
    if psci is not None and psci.text("method") not in ("", method):
        what = f"has `{psci.text('method')}` as `method` of /psci, and VMMs here answer `{method}`"
        yield what, f"change it: fdtput -t s FILE /psci method {method}"


_OVERLAY_BYTES = 2**16
"""More than what the build adds: a VMM has few devices, and a command line 2 KiB."""


def _room(based: _Based) -> Problems:
    from sdfgen.read.flat_tree import flat_tree_bytes

    guest = based.guest
    if guest.base_tree is None:
        return
    size_bytes = len(flat_tree_bytes(guest.base_tree))
    room = guest.ram_gpa + guest.ram_bytes - PAGE_BYTES - guest.dtb_gpa
    if size_bytes + _OVERLAY_BYTES > room:
        what = f"takes {size_bytes} bytes, {_OVERLAY_BYTES} are kept for what the build adds, and {room} are above"
        yield (
            f"{what} {guest.dtb_gpa:#x}, where it goes",
            "leave nodes out, or raise `guest.dtb_from_top` in the board file",
        )


_PROBLEMS: Iterable[Callable[[_Based], Problems]] = (
    _cells,
    _memory,
    _chosen,
    _interrupts,
    _phandles,
    _psci,
    _room,
)
