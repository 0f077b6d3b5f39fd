"""From the elements of a system file to the System that rules and views see."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sdfgen.facts.dialects import DEFAULT_BUDGET_US
from sdfgen.facts.grammar import FORMS
from sdfgen.model.microkit import (
    Cap,
    Channel,
    Domains,
    End,
    Gpa,
    Irq,
    Map,
    Paddr,
    ProtectionDomain,
    Region,
    ScheduleEntry,
    Setvar,
    Vaddr,
    Vcpu,
    VirtualMachine,
)
from sdfgen.model.system import System
from sdfgen.read.files import length_bytes
from sdfgen.records import NamedTuple
from sdfgen.schema.readers import Text
from sdfgen.units import round_up

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sdfgen.facts.board import Board
    from sdfgen.facts.dialects import Dialect
    from sdfgen.faults.source import Where
    from sdfgen.read.element import Element

WHY = "system file"


class Whole:
    """What a system stands in: the root, and the command line where that decides."""

    def __init__(self, root: Element, options: Mapping[str, Where]) -> None:
        self._root = root
        self._options = options

    def at(self, name: str) -> Where:
        """Return the place of one property."""
        return self._options.get(name) or self._root.at(name)

    def given(self, name: str) -> bool:
        """Tell whether somebody wrote this property."""
        return name in self._options or self._root.given(name)


class Surroundings(NamedTuple):
    """What a system file is read for.

    Attributes:
        board: The board.
        dialect: The Microkit version.
        config: The Microkit configuration.
        folders: Where files that it names are looked for: beside it first.
        options: Places of what the command line decides, by property.
    """

    board: Board
    dialect: Dialect
    config: str
    folders: tuple[str, ...]
    options: Mapping[str, Where]


def system_of(root: Element, name: str, around: Surroundings) -> System:
    """Return the system that a file describes.

    Args:
        root: Its root, with the values of all attributes read.
        name: What to call it.
        around: What it is read for.
    """
    callees = _callees(root) if around.dialect.pp_on_pd else None
    ends = (end for channel in root.inside("channel") for end in channel.inside("end"))
    uncalled = (callees or frozenset()) - {_text(end, "pd") for end in ends}
    pds = tuple(_domain(element, None, uncalled) for element in root.inside("protection_domain"))
    return System(
        name=name,
        board=around.board,
        dialect=around.dialect,
        config=around.config,
        image="binary",
        pds=pds,
        regions=tuple(_region(element, around.folders) for element in root.inside("memory_region")),
        channels=tuple(_channel(element, callees) for element in root.inside("channel")),
        domains=next((_domains(element) for element in root.inside("domains")), None),
        guests=(),
        guest_timer=None,
        parts={},
        storage=(),
        more_names=(),
        chains={},
        counted=(),
        told_regions=frozenset(s.region for pd in _all(pds) for s in pd.setvars),
        patches=(),
        elves=(),
        made_images=frozenset(),
        images={},
        folder=around.folders[0],
        origin=Whole(root, around.options),
        folders=around.folders[1:],
    )


def _all(pds: tuple[ProtectionDomain, ...]) -> list[ProtectionDomain]:
    return [one for pd in pds for one in (pd, *_all(pd.children))]


def _callees(root: Element) -> frozenset[str]:
    """Return the protection domains that everybody with a channel to them may call, as 1.4.1 has it."""
    return frozenset(e.values["name"] for e in root.walk() if e.values.get("pp") and "name" in e.values)


def _text(element: Element, name: str) -> str:
    return str(element.values.get(name, Text.harmless))


def _region(element: Element, folders: tuple[str, ...]) -> Region:
    values = element.values
    region = Region(
        name=_text(element, "name"),
        size_bytes=values.get("size"),
        origin=element,
        page_size_bytes=values.get("page_size"),
        phys_addr=None if "phys_addr" not in values else Paddr(values["phys_addr"]),
        prefill_path=values.get("prefill_path"),
        prefill_bootinfo=values.get("prefill_bootinfo"),
        why=WHY,
    )
    length = _length(region, folders)
    if length is None and len(folders) == 1:  # nobody says where its file is, which a build may make
        region = region._replace(prefill_made=region.prefill_path is not None)
    return region if "size" in element.attributes else region._replace(size_bytes=_filled_bytes(region, length))


def _length(region: Region, folders: tuple[str, ...]) -> int | None:
    """Return the length of a region's prefill file, where there is one."""
    lengths = (length_bytes(os.path.join(folder, region.prefill_path or "")) for folder in folders)
    return next((length for length in lengths if isinstance(length, int)), None) if region.prefill_path else None


def _filled_bytes(region: Region, length: int | None) -> int | None:
    """Return what a region's first content takes, in whole pages; None where there is none, or no such file."""
    if region.prefill_path is None and region.prefill_bootinfo is not None:
        return region.checked_page_bytes
    return round_up(length, region.checked_page_bytes) if length else None


def _map(element: Element, *, guest: bool) -> Map:
    values = element.values
    address = values.get("vaddr", 0)
    return Map(
        region=_text(element, "mr"),
        vaddr=Gpa(address) if guest else Vaddr(address),
        origin=element,
        perms=values.get("perms", "rw"),
        cached=values.get("cached", True),
        setvar_vaddr=values.get("setvar_vaddr"),
        setvar_size=values.get("setvar_size"),
        setvar_prefill_size=values.get("setvar_prefill_size"),
        why=WHY,
    )


def _irqs(element: Element) -> tuple[Irq, ...]:
    """Return the interrupts of a domain; those of x86 have no place in the model."""
    return tuple(
        Irq(v.get("irq", 0), v.get("id", 0), irq, v.get("trigger", "level"), v.get("setvar_id"))
        for irq in element.inside("irq")
        if "irq" in irq.attributes and (v := irq.values) is not None
    )


def _times(values: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Return budget and period; a period alone leaves Microkit's default budget, which is then written out."""
    budget, period = values.get("budget"), values.get("period")
    return (DEFAULT_BUDGET_US if budget is None and period is not None else budget), period


def _machine(element: Element) -> VirtualMachine:
    budget_us, period_us = _times(element.values)
    vcpus = tuple(
        Vcpu(v.get("id", 0), vcpu, v.get("cpu"), v.get("setvar_id"))
        for vcpu in element.inside("vcpu")
        if (v := vcpu.values) is not None
    )
    old = next((element.values[key] for key in ("id", "vm_id") if key in element.values), None)
    return VirtualMachine(
        name=_text(element, "name"),
        origin=element,
        vcpus=vcpus or (() if old is None else (Vcpu(old, element),)),
        maps=tuple(_map(m, guest=True) for m in element.inside("map")),
        priority=element.values.get("priority", 0),
        budget_us=budget_us,
        period_us=period_us,
    )


def _caps(element: Element) -> tuple[Cap, ...]:
    return tuple(
        Cap(cap.tag.removeprefix("cap_"), cap.values.get("slot", 0), _text(cap, "pd"), cap)
        for space in element.inside("cspace")
        for cap in space.children
        if cap.tag in FORMS
    )


def _domain(element: Element, parent: str | None, uncalled: frozenset[str]) -> ProtectionDomain:
    values, name = element.values, _text(element, "name")
    budget_us, period_us = _times(values)
    image = next(iter(element.inside("program_image")), None)
    if image is not None:
        element.elsewhere = {"program_image": (image, "path"), "path_for_symbols": (image, "path_for_symbols")}
    return ProtectionDomain(
        name=name,
        origin=element,
        program_image=Text.harmless if image is None else _text(image, "path"),
        path_for_symbols=None if image is None else image.values.get("path_for_symbols"),
        priority=values.get("priority", 0),
        budget_us=budget_us,
        period_us=period_us,
        passive=values.get("passive", False),
        stack_size_bytes=values.get("stack_size"),
        smc=values.get("smc", False),
        pp=name in uncalled,
        cpu=values.get("cpu"),
        fpu=values.get("fpu"),
        domain=values.get("domain"),
        id=values.get("id"),
        setvar_id=values.get("setvar_id"),
        parent=parent,
        trusted=False,
        maps=tuple(_map(m, guest=False) for m in element.inside("map")),
        irqs=_irqs(element),
        setvars=tuple(Setvar(_text(s, "symbol"), _text(s, "region_paddr"), s) for s in element.inside("setvar")),
        caps=_caps(element),
        vm=next((_machine(machine) for machine in element.inside("virtual_machine")), None),
        children=tuple(_domain(child, name, uncalled) for child in element.inside("protection_domain")),
    )


def _channel(element: Element, callees: frozenset[str] | None) -> Channel:
    """Return a channel; where callees are marked, everybody at the other end of theirs calls."""
    found = element.inside("end")
    names = [_text(end, "pd") for end in found]
    ends = []
    for number, end in enumerate(found):
        v, others = end.values, names[:number] + names[number + 1 :]
        pp = v.get("pp", False) if callees is None else any(other in callees for other in others)
        ends.append(End(names[number], v.get("id", 0), end, pp, v.get("notify", True), v.get("setvar_id")))
    return Channel(tuple(ends), element)


def _domains(element: Element) -> Domains:
    found = element.inside("domain")
    ids = tuple(domain.values.get("id") for domain in found)
    schedule = next(iter(element.inside("domain_schedule")), None)
    values = schedule.values if schedule else {}
    if schedule is not None:
        element.elsewhere = {key: (schedule, key) for key in ("start_index", "index_shift")}
    entries = [child for child in schedule.children if child.tag.startswith("schedule_")] if schedule else []
    return Domains(
        names=tuple(_text(domain, "name") for domain in found),
        schedule=tuple(_entry(entry) for entry in entries),
        start_index=values.get("start_index", 0),
        index_shift=values.get("index_shift"),
        origin=element,
        ids=ids if any(number is not None for number in ids) else (),
    )


def _entry(element: Element) -> ScheduleEntry:
    values = element.values
    return ScheduleEntry(values.get("domain"), values.get("duration"), element.tag == "schedule_end_marker", element)
