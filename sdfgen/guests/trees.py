"""The device trees of Linux guests: a whole one from the board's facts, and an overlay for the machine's own."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from sdfgen import outputs
from sdfgen.emit.c.text import with_head
from sdfgen.emit.devicetree.nodes import (
    GIC,
    ROOT_CELLS,
    chosen,
    clocks,
    console_name,
    console_nodes,
    cpus,
    device_name,
    device_node,
    gic,
    memory,
    psci,
    timer,
)
from sdfgen.emit.devicetree.overlay import overlay_blob
from sdfgen.emit.devicetree.tree import OVERLAID_ROOT, ROOT, Cells, Node, Property, blob, source, strings
from sdfgen.facts.board_tables import DeviceTable
from sdfgen.guests.command_line import command_line
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sdfgen.facts.board import Board, Device
    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System

    NodesOf = Callable[[System, Guest], tuple[Node, ...]]

ENABLED = "okay"
DISABLED = "disabled"


class _Common(NamedTuple):
    """What the trees of guests have in common, made once: all of them the root, those of as many CPUs the platform."""

    board: Board
    root: tuple[Property, ...]
    platform: dict[int, tuple[Node, ...]]


def is_complete(system: System, guest: Guest) -> bool:
    """Tell whether the board's facts make a whole tree for a guest: they do for one without devices.

    Args:
        system: The system.
        guest: The guest.
    """
    return guest.dtb is None and (system.board.guest.complete_tree or not guest.devices)


def tree_files(system: System, virtual: Iterable[NodesOf]) -> dict[str, bytes]:
    """Return the device trees of all guests by path in the board's folder.

    Args:
        system: The system.
        virtual: What gives the nodes that subsystems have in a guest's tree.
    """
    if not system.guests:
        return {}
    common = _common(system)
    trees: dict[str, Node] = {}
    files: dict[str, bytes] = {}
    given = {guest.devices for guest in system.guests}
    statuses = {devices: _status_nodes(statuses_of(system.board, devices)) for devices in given}
    for guest in system.guests:
        nodes = tuple(node for nodes_of in virtual for node in nodes_of(system, guest))
        own = (*statuses[guest.devices], *console_nodes(guest))
        overlay = trees[f"{guest.name}.overlay"] = _overlay(system.board, guest, own, nodes)
        if is_complete(system, guest):
            trees[guest.name] = _guest_tree(common, guest, nodes)
        elif guest.dtb is not None:
            files[outputs.overlay(guest)] = overlay_blob(overlay)
    return _written(system, trees) | files


def _common(system: System) -> _Common:
    board = system.board
    root = (
        strings("compatible", "linux,dummy-virt"),
        strings("model", f"{system.name} on {board.name}"),
        *ROOT_CELLS,
        Property("interrupt-parent", (Cells((GIC,)),)),
    )
    return _Common(board, root, {count: _platform(system, count) for count in {guest.cpus for guest in system.guests}})


def _platform(system: System, cpu_count: int) -> tuple[Node, ...]:
    board = system.board
    interrupts = gic(board, _cpu_interface_bytes(system), cpu_count)
    return (cpus(board, cpu_count), psci(board), timer(board, cpu_count), interrupts)


def _cpu_interface_bytes(system: System) -> int:
    """Return how much of the GIC's CPU interface a guest has: the virtual one, mapped in its place."""
    facts = system.board.gic
    sizes = (r.size_bytes for r in system.regions if r.phys_addr is not None and r.phys_addr == facts.vcpu_interface)
    return next(sizes, None) or facts.cpu_interface_size or 0


def _written(system: System, trees: dict[str, Node]) -> dict[str, bytes]:
    """Write each tree as text and, unless it is an overlay, as a blob; equal trees only once."""
    written: dict[Node, tuple[bytes, bytes]] = {}
    files = {}
    for name, tree in trees.items():
        forms = written.get(tree)
        if forms is None:
            forms = written[tree] = (with_head(system, source(tree)), blob(tree) if tree.name == ROOT else b"")
        files[f"dts/{name}.dts"] = forms[0]
        if forms[1]:
            files[f"dtb/{name}.dtb"] = forms[1]
    return files


def _overlay(board: Board, guest: Guest, own: tuple[Node, ...], virtual: tuple[Node, ...]) -> Node:
    """Fit a guest into the machine's own tree.

    A node that the tree does not have, or has by another name, comes into being without `compatible`, and Linux passes
    over it. Virtual devices stand last to first: libfdt puts a new node before its siblings, so they come out in order.
    """
    bootargs = command_line(board, guest, own_tree=True)
    children = (
        chosen(guest, bootargs, *_stdout_path(board, guest)),
        memory(guest, memory_node(board, guest)),
        *own,
        *reversed(virtual),
    )
    return Node(OVERLAID_ROOT, ROOT_CELLS, children)


def _guest_tree(common: _Common, guest: Guest, virtual: tuple[Node, ...]) -> Node:
    """Return a whole tree of a guest, with the devices passed through and `virtual` ones."""
    board = common.board
    given = (board.devices[name] for name in guest.devices)
    devices = sorted((device for device in given if device.facts.node), key=lambda device: device.base)
    children = (
        chosen(guest, command_line(board, guest, own_tree=False), *_stdout_path(board, guest)),
        memory(guest),
        *common.platform[guest.cpus],
        *clocks(board, devices),
        *map(device_node, devices),
        *console_nodes(guest),
        *virtual,
    )
    return Node(ROOT, common.root, children)


def _stdout_path(board: Board, guest: Guest) -> Iterator[Property]:
    """Yield where the first output goes; the board's own tree has the path of its own UART."""
    if guest.console is not None:
        yield strings("stdout-path", f"/{console_name(guest.console)}")
        return
    uart = board.devices[board.guest.console_device]
    if uart.facts.node:
        yield strings("stdout-path", f"/{device_name(uart)}")


def statuses_of(board: Board, given: tuple[str, ...]) -> dict[str, str]:
    """Return which nodes of the board's own tree a guest uses, and which it must not: their `status` by their path.

    Args:
        board: The board.
        given: Names of the devices that the guest is given.
    """
    statuses = dict.fromkeys(board.guest.disable, DISABLED)
    for device in board.devices.values():
        statuses |= dict.fromkeys(own_paths(device), DISABLED)
    for name in given:
        statuses |= dict.fromkeys(own_paths(board.devices[name]), ENABLED)
    return statuses


def own_paths(device: Device) -> tuple[str, ...]:
    """Return the paths that a device's nodes may have in the board's own tree."""
    if isinstance(device.facts, DeviceTable) and device.facts.paths:
        return device.facts.paths
    return (f"/{device_name(device)}",) if device.facts.node else ()


def memory_node(board: Board, guest: Guest) -> str:
    """Return what a guest's memory is called in the board's own tree."""
    return board.guest.memory_node or memory(guest).name


def _status_nodes(statuses: dict[str, str]) -> tuple[Node, ...]:
    return _nested((tuple(path.strip("/").split("/")), status) for path, status in statuses.items())


def _nested(statuses: Iterable[tuple[tuple[str, ...], str]]) -> tuple[Node, ...]:
    nodes = []
    for name, group in groupby(sorted(statuses), key=lambda entry: entry[0][0]):
        below = [(path[1:], status) for path, status in group]
        own = tuple(strings("status", status) for path, status in below if not path)
        nodes.append(Node(name, own, _nested(entry for entry in below if entry[0])))
    return tuple(nodes)
