"""Reads what was made back with other programs' eyes, and compares every shared number with the system.

lxml reads the system file, `fdt` the device trees, pyelftools the patched ELFs: none of the code that wrote them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sdfgen.build.plan import GUEST_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml import etree

    from sdfgen.image.report import Extents
    from sdfgen.model.system import System


def disagreements(system: System, folder: str, patched_folder: str) -> Iterator[str]:
    """Yield each number that a file states differently than the system, in words.

    Args:
        system: The system.
        folder: The files made of it.
        patched_folder: Where in it the patched ELFs are.
    """
    yield from _system_file(system, os.path.join(folder, f"{system.name}.system"))
    if system.block is not None:
        name = system.block.driver.guest.name
        for place in ("dtb", GUEST_FOLDER):
            tree = os.path.join(folder, place, f"{name}.dtb")
            if os.path.exists(tree):
                yield from _uio_nodes(system, tree)
    yield from _elves(system, os.path.join(folder, patched_folder))


def misplaced(system: System, extents: Extents) -> Iterator[str]:
    """Yield each region that the Microkit tool placed differently than the system, in words.

    Args:
        system: The system.
        extents: What the tool's report says; nothing when it has another form than is known here.
    """
    if not extents.regions:
        return
    told = _addresses_told(system)
    for region in system.regions:
        extent = extents.regions.get(region.name)
        if extent is None:
            yield f"report: region {region.name} is missing"
            continue
        if region.phys_addr is not None and extent.address != region.phys_addr:
            yield f"report: region {region.name} lies at {extent.address:#x}, {region.phys_addr:#x} was decided"
        if region.size_bytes is not None and extent.size_bytes != region.size_bytes:
            yield f"report: region {region.name} has {extent.size_bytes:#x} bytes, {region.size_bytes:#x} were decided"
        if region.name in told and not extent.contiguous:
            yield f"report: the pages of region {region.name} do not follow each other, and its address is told on"


def _addresses_told(system: System) -> set[str]:
    """Return the regions of which a first address is all that somebody learns."""
    slots = {slot.region for slot in system.block.driver.slots} if system.block else set()
    return slots | {setvar.region for pd in system.all_pds() for setvar in pd.setvars}


def mismapped(system: System, maps: set[tuple[str, str, int]]) -> Iterator[str]:
    """Yield each map that the Microkit tool made differently than the system, in words.

    Args:
        system: The system.
        maps: Space, region and address of each map in the tool's report; empty when it has another form.
    """
    spaces = [(pd.name, pd.maps) for pd in system.all_pds()] + [(vm.name, vm.maps) for _, vm in system.vms()]
    wanted = {(name, m.region, int(m.vaddr)) for name, found in spaces for m in found}
    if not maps:
        return
    sizes = {region.name: region.size_bytes or 0 for region in system.regions}
    for space, region, address in sorted(wanted - maps):
        yield f"report: map of {region} in {space} at {address:#x} is missing"
    for space, region, address in sorted(maps - wanted):
        # A region whose pages are not mapped in one step shows up again, inside of itself.
        inside = (s == space and r == region and start <= address < start + sizes[r] for s, r, start in wanted)
        if not any(inside):
            yield f"report: map of {region} in {space} at {address:#x} was not decided"


def _system_file(system: System, path: str) -> Iterator[str]:
    from lxml import etree

    root = etree.parse(path).getroot()
    written = {e.get("name"): (_number(e, "size"), _number(e, "phys_addr")) for e in root.iter("memory_region")}
    expected = {r.name: (r.size_bytes, r.phys_addr) for r in system.regions}
    yield from _compare(path, "region", expected, written)
    owners = [(e.get("name"), e) for e in (*root.iter("protection_domain"), *root.iter("virtual_machine"))]
    found = {(name, _number(m, "vaddr")): m.get("mr") for name, e in owners for m in e.findall("map")}
    spaces = [(pd.name, pd.maps) for pd in system.all_pds()] + [(vm.name, vm.maps) for _, vm in system.vms()]
    wanted = {(name, m.vaddr): m.region for name, maps in spaces for m in maps}
    yield from _compare(path, "map", wanted, found)


def _number(element: etree._Element, name: str) -> int | None:
    text = element.get(name)
    return None if text is None else int(text, 0)


def _uio_nodes(system: System, path: str) -> Iterator[str]:
    import fdt

    assert system.block is not None  # noqa: S101 - the caller looked
    driver = system.block.driver
    with open(path, "rb") as file:
        tree = fdt.parse_dtb(file.read())
    nodes = [node for node in tree.root.nodes if "generic-uio" in _strings(node, "compatible")]
    written = {}
    for node in nodes:
        words = node.get_property("reg").data
        for number, name in enumerate(_strings(node, "reg-names")):
            high, low, size_high, size_low = words[4 * number : 4 * number + 4]
            written[name] = (high << 32 | low, size_high << 32 | size_low)
    yield from _compare(path, "UIO map", {m.name: (m.gpa, m.size_bytes) for m in driver.maps}, written)


def _strings(node: object, name: str) -> list[str]:
    found = node.get_property(name)  # type: ignore[attr-defined]
    return list(found.data) if found is not None else []


def _elves(system: System, folder: str) -> Iterator[str]:
    from patcher import PatchError, PatchRequest, verify_file

    by_elf: dict[str, list[PatchRequest]] = {}
    for patch in system.patches:
        if patch.value is not None:
            by_elf.setdefault(patch.elf, []).append(PatchRequest(patch.symbol, patch.value, patch.size_bytes))
    for elf, requests in by_elf.items():
        path = os.path.join(folder, elf)
        if os.path.exists(path):
            try:
                verify_file(path, requests)
            except PatchError as error:
                yield str(error)


def _compare(path: str, kind: str, expected: Mapping[Any, object], written: Mapping[Any, object]) -> Iterator[str]:
    for name in sorted(expected.keys() | written.keys(), key=str):
        if expected.get(name) != written.get(name):
            yield f"{path}: {kind} {name}: {_hex(written.get(name))} is written, {_hex(expected.get(name))} was decided"


def _hex(value: object) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_hex, value)) + ")"
    return hex(value) if isinstance(value, int) else str(value)
