"""Configuration structures in program images, held against the maps and ids of their domains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.fault import Fault
from sdfgen.rules.maps import Reach, mapped
from sdfgen.rules.registry import rule
from sdfgen.units import range_text, size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where
    from sdfgen.model.microkit import ProtectionDomain
    from sdfgen.model.system import System
    from sdfgen.model.tree import Resource
    from sdfgen.rules.maps import Mapped

CODE = "SDF222"
_SAME = "build the structure from the system file that it is for"


@rule(CODE, "configuration structures in program images agree with the system file")
def resources(system: System) -> Iterator[Fault]:
    """A program takes the addresses and ids that sDDF's or libvmm's structures give it, and looks at nothing else.

    They are filled in when it is built, from a system file that may be another by now.
    """
    if not (system.resources or system.resource_ids):
        return
    domains = {pd.name: pd for pd in system.all_pds()} | {vm.name: pd for pd, vm in system.vms()}
    spaces: dict[tuple[str, bool], list[Mapped]] = {}
    for found in mapped(system):
        spaces.setdefault((found.space.name, found.space.guest), []).append(found)
    reaches = {space: Reach(maps) for space, maps in spaces.items()}
    for one in system.resources:
        pd = domains[one.space]
        reach = reaches.get((one.space, one.guest), Reach([]))
        yield from _range(one, reach, ((pd.origin.at("program_image"), f"`{pd.name}` runs it"),))
    yield from _ids(system, domains)


def _range(one: Resource, reach: Reach, runs: tuple[tuple[Where, str], ...]) -> Iterator[Fault]:
    held = reach.holding(one.start)
    lies = range_text(one.start, one.size_bytes)
    if held is None:
        if not one.guest:  # where nothing is mapped for a guest, its VMM may play something
            message = f"`{one.path}` is {lies}, where nothing is mapped in `{one.space}`"
            yield Fault(CODE, message, one.where, _SAME, runs)
        return
    maps = ((held.map.origin.at("vaddr"), f"`{held.region.name}` is mapped at {held.range}"),)
    end = reach.end_from(one.start)
    if end < one.start + one.size_bytes:
        message = f"`{one.path}` is {lies}, and maps of `{one.space}` end at {end:#x}"
        size = ((held.region.origin.at("size"), f"`{held.region.name}` has {size_text(held.end - held.start)}"),)
        yield Fault(CODE, message, one.where, _SAME, (*maps, *size, *runs))
    physical = held.region.phys_addr
    there = None if physical is None else physical + one.start - held.start
    if one.io_addr and there is not None and one.io_addr != there:
        message = f"`{one.path}.io_addr` is {one.io_addr:#x}, and what is mapped there lies at {there:#x}"
        lies_at = ((held.region.origin.at("phys_addr"), f"`{held.region.name}` is at {physical:#x}"),)
        yield Fault(CODE, message, one.where, _SAME, (*lies_at, *runs))


def _ids(system: System, domains: dict[str, ProtectionDomain]) -> Iterator[Fault]:
    known: dict[str, set[int]] = {name: {irq.id for irq in pd.irqs} for name, pd in domains.items()}
    for channel in system.channels:
        for end in channel.ends:
            known.setdefault(end.pd, set()).add(end.id)
    for one in system.resource_ids:
        if one.id not in known[one.pd]:
            message = f"`{one.path}` is {one.id}, and `{one.pd}` has no channel and no interrupt with this id"
            has = ", ".join(map(str, sorted(known[one.pd]))) or "none"
            notes = ((domains[one.pd].origin.at("program_image"), f"`{one.pd}` runs it; its ids: {has}"),)
            yield Fault(CODE, message, one.where, _SAME, notes)
