"""The device trees of Linux guests: what hardware a guest has, and the UIO devices of the driver VM.

Linux binds `generic-uio` nodes once `uio_pdrv_genirq.of_id` is that word, and calls each UIO device
after its node, without the unit address (drivers/uio/uio_pdrv_genirq.c: `%pOFn`, in old kernels
`of_node->name`). So libuio finds a device as the node's name in /sys/class/uio/uioN/name, and a map
as its name of `reg-names`; the number N follows from the order of the nodes and means nothing.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from sdfgen.emit.devicetree.nodes import (
    CONSOLE_LINUX_NAME,
    EDGE_RISING,
    GIC,
    LEVEL_HIGH,
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
    spi,
    timer,
)
from sdfgen.emit.devicetree.overlay import overlay_blob
from sdfgen.emit.devicetree.tree import OVERLAID_ROOT, ROOT, Cells, Node, Property, blob, cells64, flag, source, strings
from sdfgen.facts.board_tables import DeviceTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.facts.board import Board, Device
    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System
    from sdfgen.subsystems.block.model import Client, Driver

UIO_COMPATIBLE = "generic-uio"
UIO_BOOTARGS = f"uio_pdrv_genirq.of_id={UIO_COMPATIBLE}"
ENABLED = "okay"
DISABLED = "disabled"


class _Common(NamedTuple):
    """What the trees of all guests of a system have in common, made once."""

    board: Board
    root: tuple[Property, ...]
    platform: tuple[Node, ...]


def device_tree_files(system: System) -> dict[str, bytes]:
    """Return the device trees by relative path.

    The driver VM gets an overlay for the board's own tree and, if the board file suffices, a
    whole tree; a Linux client gets both anywhere, a native one none.
    """
    if system.block is None:
        return {}
    driver = system.block.driver
    common = _common(system)
    trees = {f"{driver.guest.name}.uio": _driver_overlay(system.board, driver)}
    if system.board.facts.guest.complete_driver_tree:
        trees[driver.guest.name] = _driver_tree(common, driver)
    for client in system.block.clients:
        if client.guest is not None:
            disk = _virtio_blk(client)
            trees[client.guest.name] = _guest_tree(common, client.guest, _bootargs(common.board, client.guest), (disk,))
            trees[f"{client.guest.name}.virtio"] = Node(OVERLAID_ROOT, ROOT_CELLS, (*console_nodes(client.guest), disk))
    files = _written(system, trees)
    if system.board.facts.guest.complete_driver_tree or driver.dtb is None:
        return files
    return files | {driver_overlay_file(driver): overlay_blob(trees[f"{driver.guest.name}.uio"])}


def driver_overlay_file(driver: Driver) -> str:
    """Return where the driver VM's overlay is, in the form that is applied to the board's own tree."""
    return f"dtb/{driver.guest.name}.uio.dtbo"


def _common(system: System) -> _Common:
    board = system.board
    root = (
        strings("compatible", "linux,dummy-virt"),
        strings("model", f"{system.name} on {board.name}"),
        *ROOT_CELLS,
        Property("interrupt-parent", (Cells((GIC,)),)),
    )
    platform = (cpus(board), psci(board), timer(board), gic(board, _cpu_interface_bytes(system)))
    return _Common(board, root, platform)


def _cpu_interface_bytes(system: System) -> int:
    """Return how much of the GIC's CPU interface a guest has: the virtual one, mapped in its place."""
    facts = system.board.facts.gic
    sizes = (region.size_bytes for region in system.regions if region.phys_addr == facts.vcpu_interface)
    return next(sizes, None) or facts.cpu_interface_size


def _written(system: System, trees: dict[str, Node]) -> dict[str, bytes]:
    """Write each tree as text and, unless it is an overlay, as a blob; equal trees only once."""
    head = f"/* Made by sdfgen for {system.name} on {system.board.name}: changes are lost at the next build. */\n"
    written: dict[Node, tuple[bytes, bytes]] = {}
    files = {}
    for name, tree in trees.items():
        forms = written.get(tree)
        if forms is None:
            forms = written[tree] = ((head + source(tree)).encode(), blob(tree) if tree.name == ROOT else b"")
        files[f"dts/{name}.dts"] = forms[0]
        if forms[1]:
            files[f"dtb/{name}.dtb"] = forms[1]
    return files


def _driver_overlay(board: Board, driver: Driver) -> Node:
    """Fit the driver VM into the board's own tree.

    A node that the tree does not have, or has by another name, comes into being without
    `compatible`, and Linux passes over it. UIO nodes stand last to first: libfdt puts a new node
    before its siblings, so they come out in order.
    """
    bootargs = _bootargs(board, driver.guest, UIO_BOOTARGS, board.facts.guest.bootargs)
    children = (
        chosen(driver.guest, bootargs, *_stdout_path(board, driver.guest)),
        memory(driver.guest, board.facts.guest.memory_node),
        *_status_nodes(_statuses(board, driver.guest)),
        *console_nodes(driver.guest),
        *reversed(_uio_nodes(driver)),
    )
    return Node(OVERLAID_ROOT, ROOT_CELLS, children)


def _driver_tree(common: _Common, driver: Driver) -> Node:
    return _guest_tree(common, driver.guest, _bootargs(common.board, driver.guest, UIO_BOOTARGS), _uio_nodes(driver))


def _guest_tree(common: _Common, guest: Guest, bootargs: str, virtual: tuple[Node, ...]) -> Node:
    """Return a whole tree of a guest, with the devices passed through and `virtual` ones."""
    board = common.board
    given = (board.devices[name] for name in guest.devices)
    devices = sorted((device for device in given if device.facts.node), key=lambda device: device.base)
    children = (
        chosen(guest, bootargs, *_stdout_path(board, guest)),
        memory(guest),
        *common.platform,
        *clocks(board, devices),
        *map(device_node, devices),
        *console_nodes(guest),
        *virtual,
    )
    return Node(ROOT, common.root, children)


def _bootargs(board: Board, guest: Guest, *own: str) -> str:
    """Put the words of the description's author last, so that they win."""
    console = CONSOLE_LINUX_NAME if guest.console else board.facts.guest.console
    words = (*own, f"console={console}", guest.bootargs)
    return " ".join(word for word in words if word)


def _stdout_path(board: Board, guest: Guest) -> Iterator[Property]:
    """Yield where the first output goes; the board's own tree has the path of its own UART."""
    if guest.console is not None:
        yield strings("stdout-path", f"/{console_name(guest.console)}")
        return
    uart = board.devices[board.facts.guest.console_device]
    if uart.facts.node:
        yield strings("stdout-path", f"/{device_name(uart)}")


def _virtio_blk(client: Client) -> Node:
    properties = (
        strings("compatible", "virtio,mmio"),
        Property("reg", (cells64(client.virtio_gpa, client.virtio_bytes),)),
        spi(client.virtio_intid, LEVEL_HIGH),
        flag("dma-coherent"),
    )
    return Node(f"virtio-blk@{client.virtio_gpa:x}", properties)


def _uio_nodes(driver: Driver) -> tuple[Node, ...]:
    """Return a node for each UIO device; only the first has the interrupt."""
    nodes = []
    for number, group in groupby(driver.maps, key=lambda uio_map: uio_map.device):
        maps = tuple(group)
        properties = [
            strings("compatible", UIO_COMPATIBLE, "uio"),
            Property("reg", tuple(cells64(m.gpa, m.size_bytes) for m in maps)),
            strings("reg-names", *(m.name for m in maps)),
        ]
        if number == 0:
            properties.append(spi(driver.intid, EDGE_RISING))
        nodes.append(Node(f"{driver.devices[number]}@{maps[0].gpa:x}", tuple(properties)))
    return tuple(nodes)


def _statuses(board: Board, guest: Guest) -> dict[str, str]:
    """Return which nodes of the board's own tree the driver VM uses, and which it must not."""
    statuses = dict.fromkeys(board.facts.guest.disable, DISABLED)
    for device in board.devices.values():
        statuses |= dict.fromkeys(_own_paths(device), DISABLED)
    for name in guest.devices:
        statuses |= dict.fromkeys(_own_paths(board.devices[name]), ENABLED)
    return statuses


def _own_paths(device: Device) -> tuple[str, ...]:
    if isinstance(device.facts, DeviceTable) and device.facts.paths:
        return device.facts.paths
    return (f"/{device_name(device)}",) if device.facts.node else ()


def _status_nodes(statuses: dict[str, str]) -> tuple[Node, ...]:
    return _nested((tuple(path.strip("/").split("/")), status) for path, status in statuses.items())


def _nested(statuses: Iterable[tuple[tuple[str, ...], str]]) -> tuple[Node, ...]:
    nodes = []
    for name, group in groupby(sorted(statuses), key=lambda entry: entry[0][0]):
        below = [(path[1:], status) for path, status in group]
        own = tuple(strings("status", status) for path, status in below if not path)
        nodes.append(Node(name, own, _nested(entry for entry in below if entry[0])))
    return tuple(nodes)
