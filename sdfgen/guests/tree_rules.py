"""Device trees that guests start from: whatever the build changes in one is looked for in it before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.guests.base_trees import GIVE, Based, based_guests
from sdfgen.guests.files import with_file
from sdfgen.read.flat_tree import CELL
from sdfgen.rules.registry import fault, rule
from sdfgen.units import PAGE_BYTES, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.model.system import System
    from sdfgen.read.flat_tree import TreeNode

    Problems = Iterator[tuple[str, str]]
    """What is wrong with a tree, as the end of a sentence, and what to do about it."""


@rule("SDF133", "a guest's device tree suits what the build writes into it", on_board=True)
def tree_suits(system: System) -> Iterator[Fault]:
    """The build writes RAM, command line, consoles and virtual devices into the tree.

    What it does not replace holds for Linux too, and what the new nodes refer to must be there.
    """
    for based in based_guests(system):
        whole = list(_no_whole_tree(based))
        for what, advice in whole or (found for problems in _PROBLEMS for found in problems(based)):
            yield fault(
                "SDF133", f"{based.named} {what}", (based.guest.origin, "dtb"), with_file(advice, based.guest.dtb or "")
            )


def _no_whole_tree(based: Based) -> Problems:
    names = {node.name for node in based.root.children}
    if any(node.child("__overlay__") for node in based.root.children):
        yield "is an overlay", "apply it to the board's tree first: fdtoverlay -i BOARD.dtb -o NEW.dtb FILE"
    elif {"images", "configurations"} <= names:
        yield "is a FIT image", "take the tree out of it: dumpimage -T flat_dt -p NUMBER -o NEW.dtb FILE"


def _cells(based: Based) -> Problems:
    from sdfgen.emit.devicetree.nodes import ADDRESS_CELLS, SIZE_CELLS

    found = (based.root.cell("#address-cells", 2), based.root.cell("#size-cells", 1))
    if found != (ADDRESS_CELLS, SIZE_CELLS):
        what = f"has {found[0]} address and {found[1]} size cells in its root, and the build writes nodes with"
        yield f"{what} {ADDRESS_CELLS} and {SIZE_CELLS}", "write the root's addresses and sizes with two cells each"


def _memory(based: Based) -> Problems:
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


def _chosen(based: Based) -> Problems:
    chosen = based.root.child("chosen")
    names = _LEFT_OVER if based.guest.initrd_bytes else (*_LEFT_OVER, *_INITRD)
    for name in names:
        if chosen is not None and name in chosen.properties:
            what = "the guest has no initrd" if name in _INITRD else "it is about the machine that it was read from"
            yield f"has `{name}` in /chosen, and {what}", _put(f"-d FILE /chosen {name}")


def _controller(based: Based) -> str | None:
    """Return the path of the controller that interrupts of the root's nodes come to; None when there is none."""
    path, passed = None, set()
    phandle = based.root.cell("interrupt-parent")
    while phandle is not None and phandle not in passed:
        passed.add(phandle)
        path = based.phandles.get(phandle)
        phandle = None if path is None else based.nodes[path].node.cell("interrupt-parent")
    return path


def _interrupts(based: Based) -> Problems:
    """Yield why the interrupts of nodes that the build adds would not be the guest's controller's."""
    from sdfgen.emit.devicetree.nodes import GIC_V3, INTERRUPT_CELLS

    path = _controller(based)
    gic, advice = based.board.gic, GIVE.format(board=based.board.name)
    if path is None:
        yield (
            "has no interrupt controller as `interrupt-parent` of its root, for the devices that the build adds",
            advice,
        )
        return
    node, registers = based.nodes[path]
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


def _phandles(based: Based) -> Problems:
    from sdfgen.guest_files.apply_overlay import LAST_PHANDLE, highest_phandle

    highest = highest_phandle(based.root)
    if highest + _OWN_PHANDLES > LAST_PHANDLE:
        what = f"has the phandle {highest:#x}, and the build needs {_OWN_PHANDLES} above all others"
        yield what, "give its nodes lower ones; dtc counts from 1"


def _psci(based: Based) -> Problems:
    psci, method = based.root.child("psci"), based.board.guest.psci
    if psci is not None and psci.text("method") not in ("", method):
        what = f"has `{psci.text('method')}` as `method` of /psci, and VMMs here answer `{method}`"
        yield what, f"change it: fdtput -t s FILE /psci method {method}"


def _cpus(based: Based) -> Problems:
    """Yield why Linux would start others than a guest's virtual CPUs: after its own, the tree's first ones in order."""
    count = based.guest.cpus
    if count == 1:
        return
    nodes = _cpu_nodes(based)
    others = {number: node for number, node in nodes if number}
    started = dict(list(others.items())[: count - 1])
    if set(started) != set(range(1, count)) or len(others) == len(nodes):
        has = ", ".join(f"{number:#x}" for number, _ in nodes) or "none"
        advice = "give /cpus a node for each, with `reg` from 0 on and in that order, or the guest fewer `cpus`"
        yield f"has in /cpus as `reg` {has}, and the guest's CPUs are 0 to {count - 1}", advice
        return
    for node in started.values():
        if node.text("enable-method") != "psci":
            what = (
                f"has `{node.text('enable-method')}` as `enable-method` of /cpus/{node.name}, and VMMs here play PSCI"
            )
            yield what, f"change it: fdtput -t s FILE /cpus/{node.name} enable-method psci"
    if not any(based.nodes[path].node.text("compatible").startswith("arm,psci-") for path in based.nodes):
        method = based.board.guest.psci
        what = "has no node of PSCI, by which the guest starts its CPUs"
        yield what, f'add psci {{ compatible = "arm,psci-1.0"; method = "{method}"; }} to its root'


def _cpu_nodes(based: Based) -> list[tuple[int, TreeNode]]:
    """Return number and node of each CPU that Linux looks at."""
    cpus = based.root.child("cpus")
    if cpus is None:
        return []
    size_bytes = (cpus.cell("#address-cells", 2) or 0) * CELL.size
    return [
        (int.from_bytes(node.properties.get("reg", b"")[:size_bytes]), node)
        for node in cpus.children
        if (node.text("device_type") == "cpu" or node.name.partition("@")[0] == "cpu")
        and not node.text("status").startswith("fail")
    ]


_OVERLAY_BYTES = 2**16
"""More than what the build adds: a VMM has few devices, and a command line 2 KiB."""


def _room(based: Based) -> Problems:
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


_PROBLEMS: Iterable[Callable[[Based], Problems]] = (
    _cells,
    _memory,
    _chosen,
    _interrupts,
    _phandles,
    _psci,
    _cpus,
    _room,
)
