"""Reads what was made back with other programs' eyes, and compares every shared number with the system.

lxml reads the system file, `fdt` the device trees, pyelftools the patched ELFs: none of the code that wrote them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sdfgen import outputs
from sdfgen.subsystems import register

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml import etree

    from sdfgen.emit.devicetree.tree import Property
    from sdfgen.image.report import Extents
    from sdfgen.model.guest import Guest
    from sdfgen.model.system import System


def disagreements(system: System, folder: str) -> Iterator[str]:
    """Yield each number that a file states differently than the system, in words.

    Args:
        system: The system.
        folder: The files made of it.
    """
    yield from _system_file(system, os.path.join(folder, f"{system.name}.system"))
    for guest in system.guests:
        for complete in (True, False):
            path = outputs.tree(guest, complete=complete)
            if path is not None and os.path.exists(os.path.join(folder, path)):
                yield from _guest_tree(system, guest, os.path.join(folder, path))
    yield from _elves(system, os.path.join(folder, outputs.ELF_FOLDER))


def misplaced(system: System, extents: Extents) -> Iterator[str]:
    """Yield each region that the Microkit tool placed differently than the system, in words.

    Args:
        system: The system.
        extents: What the tool's report says; nothing when it has another form than is known here.
    """
    if not extents.regions:
        return
    told = system.told_regions | {setvar.region for pd in system.all_pds() for setvar in pd.setvars}
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


def mismapped(system: System, maps: set[tuple[str, str, int]]) -> Iterator[str]:
    """Yield each map that the Microkit tool made differently than the system, in words.

    Args:
        system: The system.
        maps: Space, region and address of each map in the tool's report; empty when it has another form.
    """
    wanted = {(name, m.region, int(m.vaddr)) for name, found in system.spaces() for m in found}
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
    wanted = {(name, m.vaddr): m.region for name, maps in system.spaces() for m in maps}
    yield from _compare(path, "map", wanted, found)


def _number(element: etree._Element, name: str) -> int | None:
    text = element.get(name)
    return None if text is None else int(text, 0)


def _guest_tree(system: System, guest: Guest, path: str) -> Iterator[str]:
    """Compare the nodes that subsystems have in a guest's tree with those that were decided."""
    import fdt

    with open(path, "rb") as file:
        tree = fdt.parse_dtb(file.read())
    there = {node.name: node for node in tree.root.nodes}
    for role in register.emitters():
        for node in role.nodes(system, guest):
            written = (
                {p.name: list(getattr(p, "data", ())) for p in there[node.name].props} if node.name in there else {}
            )
            expected = {p.name: _values(p) for p in node.properties if p.values}
            yield from _compare(path, f"node {node.name}", expected, {name: written.get(name) for name in expected})


def _values(prop: Property) -> list[int | str]:
    """Return a property's values as a reader of blobs gives them: all strings, or all cells."""
    found: list[int | str] = []
    for value in prop.values:
        found += [value] if isinstance(value, str) else value.values
    return found


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
    if isinstance(value, (tuple, list)):
        return "(" + ", ".join(map(_hex, value)) + ")"
    return hex(value) if isinstance(value, int) else str(value)
