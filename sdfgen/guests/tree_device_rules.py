"""Device trees that guests start from: the devices that a guest is given are there, and Linux gets to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.guests.base_trees import GIVE, Based, based_guests, shut
from sdfgen.guests.files import with_file
from sdfgen.rules.registry import Stage, fault, rule
from sdfgen.units import range_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.facts.board import Device
    from sdfgen.faults.fault import Fault
    from sdfgen.guests.tree_index import Indexed
    from sdfgen.model.system import System


@rule("SDF132", "a guest's device tree has the devices that it is given", Stage.VALUES, on_board=True)
def tree_has_devices(system: System) -> Iterator[Fault]:
    """Linux finds no device without its node, or with one whose registers are elsewhere or whose bus is disabled.

    The build enables a device's node, and disables those of devices that others have; it makes none.
    """
    for based in based_guests(system):
        yield from _missing(based)
        for device in based.devices:
            yield from _elsewhere(based, device)
            yield from _unreachable(based, device)
            yield from _unsupplied(based, device)


def _paths(based: Based, device: Device) -> list[str]:
    """Return which of a device's paths lead to a node."""
    from sdfgen.guests.trees import own_paths

    return [path for path in own_paths(device) if path in based.nodes]


def _missing(based: Based) -> Iterator[Fault]:
    from sdfgen.guests.trees import own_paths

    missing = [device for device in based.devices if own_paths(device) and not _paths(based, device)]
    if not missing:
        return
    wanted = ", ".join(f"`{device.name}` ({' or '.join(own_paths(device))})" for device in missing)
    message = f"{based.named} has no node of {'device' if len(missing) == 1 else 'devices'} {wanted}"
    there = [(device, path) for device in missing for path in _at_registers(based, device)]
    advice = GIVE.format(board=based.board.name)
    if there:
        advice = "if it is the right tree, add to `paths` in the board file: "
        advice += ", ".join(f"{path} to that of `{device.name}`" for device, path in there)
    note = (based.guest.origin, "devices", f"devices of board `{based.board.name}`")
    yield fault("SDF132", message, (based.guest.origin, "dtb"), advice, [note])


def _at_registers(based: Based, device: Device) -> list[str]:
    """Return the paths of nodes that begin where a device does."""
    return [path for path, at in based.nodes.items() if any(start == device.base for start, _ in at.registers)]


def _overlaps(at: Indexed, device: Device) -> bool:
    end = device.base + device.size_bytes
    return any(start < end and device.base < start + max(size, 1) for start, size in at.registers)


def _elsewhere(based: Based, device: Device) -> Iterator[Fault]:
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
    yield fault("SDF132", message, (based.guest.origin, "dtb"), GIVE.format(board=based.board.name), [note])


def _unreachable(based: Based, device: Device) -> Iterator[Fault]:
    from sdfgen.guests.trees import own_paths

    paths = _paths(based, device) if own_paths(device) else _at_registers(based, device)
    closed_at = {path: shut(based, path) for path in paths}
    if not paths or not all(closed_at.values()):
        return
    path, closed = next(iter(closed_at.items()))
    where = "is disabled" if closed == path else f"lies in {closed}, which is disabled"
    message = f"node {path} of device `{device.name}` in {based.named} {where}: Linux makes no device of it"
    advice = _opened(based, closed)
    if closed == path and closed not in based.statuses:
        advice += "; or give its `paths` in the board file, and the build does it"
    note = (based.guest.origin, "dtb", "the tree")
    yield fault("SDF132", message, (based.guest.origin, "devices"), advice, [note])


def _unsupplied(based: Based, device: Device) -> Iterator[Fault]:
    """Yield what a device's driver waits for in vain: clocks, power and so on of nodes that are disabled."""
    from sdfgen.guests.tree_suppliers import suppliers

    for path in _paths(based, device):
        lost: dict[str, list[str]] = {}
        for name, supplier in suppliers(based.nodes[path].node, based.nodes, based.phandles):
            closed = shut(based, supplier)
            if closed and not shut(based, path):
                lost.setdefault(closed, []).append(name)
        for closed, names in lost.items():
            wanted = ", ".join(f"`{name}`" for name in dict.fromkeys(names))
            message = (
                f"node {path} of device `{device.name}` in {based.named} takes {wanted} from {closed}, "
                "which is disabled: its driver waits in vain"
            )
            place = (based.guest.origin, "devices")
            note = (based.guest.origin, "dtb", "the tree")
            yield fault("SDF132", message, place, _opened(based, closed), [note], "warning")


def _opened(based: Based, closed: str) -> str:
    """Return how Linux gets to what is in a node that is disabled."""
    from sdfgen.guests.trees import own_paths

    others = [other.name for other in based.board.devices.values() if closed in own_paths(other)]
    if closed not in based.statuses:
        return with_file(f"enable it: fdtput -t s FILE {closed} status okay", based.guest.dtb or "")
    names = " or ".join(f"`{name}`" for name in others)
    return f"pass {names} through too" if others else "take it from `guest.disable` in the board file"
