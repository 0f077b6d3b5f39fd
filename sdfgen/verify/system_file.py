"""Reads the system file back with lxml: every element and attribute, whatever their order and the spaces."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sdfgen.faults.place import Span
from sdfgen.records import NamedTuple
from sdfgen.verify.made import MISSING, NUMBER, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml import etree

    from sdfgen.faults.fault import Fault
    from sdfgen.model.microkit import Channel, Domains, Map, Origin, ProtectionDomain, VirtualMachine
    from sdfgen.model.system import System
    from sdfgen.verify.made import Made

_NUMBERS = {
    *("size", "page_size", "phys_addr", "priority", "budget", "period", "stack_size", "cpu", "id", "vaddr", "irq"),
    *("slot", "start_index", "index_shift"),
}
_DECIMAL = {"priority", "budget", "period", "irq", "id"}


class Wanted(NamedTuple):
    """An element that the file must have.

    Attributes:
        tag: Its tag.
        what: What it is, in words.
        origin: Where it comes from.
        attributes: Its attributes; None for one that must not be there.
        children: The elements in it, in their order.
        keys: Keys of the origin by attribute, where these are called otherwise.
    """

    tag: str
    what: str
    origin: Origin
    attributes: Mapping[str, Any]
    children: tuple[Wanted, ...] = ()
    keys: Mapping[str, str] = {}


def differences(system: System, made: Made, name: str) -> Iterator[Fault]:
    """Yield what the system file says otherwise than the system.

    Args:
        system: The system.
        made: The folder.
        name: The file; one that is missing says nothing.
    """
    content = made.content(name)
    if content is None:
        return
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line, column = getattr(error, "position", None) or (1, 1)
        place = Span(max(1, line or 1), max(1, column or 1), 1)
        yield made.fault(MISSING, f"it is no XML: {error}", name, _inside(made, name, place))
        return
    yield from _Reader(made, name).element(root, _system(system))


def _inside(made: Made, name: str, place: Span) -> Span:
    """Return a place that is in the text, whatever a library says of it."""
    text = made.text(name)
    line = min(place.line, text.text.count("\n") + 1)
    return Span(line, min(place.column, len(text.line(line)) + 1), 1)


class _Reader:
    def __init__(self, made: Made, name: str) -> None:
        self._made = made
        self._name = name

    def element(self, found: etree._Element, wanted: Wanted) -> Iterator[Fault]:
        """Yield what an element says otherwise than it must."""
        if found.tag != wanted.tag:
            yield self._fault(
                MISSING, f"<{_tag(found)}> stands where <{wanted.tag}> of {wanted.what} was decided", found
            )
            return
        for name in sorted({*wanted.attributes, *map(str, found.attrib)}):
            yield from self._attribute(found, wanted, name)
        inside = [child for child in found if isinstance(child.tag, str)]
        for child, right in _pairs(inside, wanted.children):
            if child is not None and right is not None:
                yield from self.element(child, right)
            elif child is not None:
                yield self._fault(MISSING, f"<{_tag(child)}> in {wanted.what} was not decided", child)
            elif right is not None:
                message = f"{right.what} is missing in {wanted.what}"
                yield self._fault(MISSING, message, found, origin=(right.origin, "name"))

    def _attribute(self, found: etree._Element, wanted: Wanted, name: str) -> Iterator[Fault]:
        text, right = found.get(name), wanted.attributes.get(name)
        value = _value(name, text)
        if value != right:
            show = str if isinstance(value, int) and isinstance(right, int) and name in _DECIMAL else shown
            message = f"{name} of {wanted.what}: {show(value)} is written, {show(right)} was decided"
            code = NUMBER if name in wanted.attributes else MISSING
            origin = (wanted.origin, wanted.keys.get(name, name))
            yield self._fault(code, message, found, name, origin)

    def _fault(
        self,
        code: str,
        message: str,
        element: etree._Element,
        attribute: str | None = None,
        origin: tuple[Origin, str] | None = None,
    ) -> Fault:
        span = self._span(int(element.sourceline or 1), attribute)
        return self._made.fault(code, message, self._name, span, origin=origin)

    def _span(self, line: int, attribute: str | None) -> Span:
        """Return the place of an attribute's value, or of the element where it has no such attribute."""
        text = self._made.text(self._name).line(line)
        match = re.search(rf'\b{re.escape(attribute)}\s*=\s*["\']([^"\']*)', text) if attribute else None
        if match:
            return Span(line, match.start(1) + 1, max(1, len(match[1])))
        return Span(line, len(text) - len(text.lstrip()) + 1, 1)


def _pairs(
    inside: list[etree._Element], wanted: tuple[Wanted, ...]
) -> Iterator[tuple[etree._Element | None, Wanted | None]]:
    """Yield which element stands for which; where some are missing or too many, by their tags and first attributes."""
    if len(inside) == len(wanted):
        yield from zip(inside, wanted, strict=True)
        return
    from difflib import SequenceMatcher

    names = [(_tag(one), next(iter(map(str, one.attrib.values())), "")) for one in inside]
    right = [(one.tag, str(next(iter(one.attributes.values()), ""))) for one in wanted]
    for kind, start, end, from_, to in SequenceMatcher(None, names, right, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from zip(inside[start:end], wanted[from_:to], strict=True)
        else:
            yield from ((one, None) for one in inside[start:end])
            yield from ((None, one) for one in wanted[from_:to])


def _tag(element: etree._Element) -> str:
    return str(element.tag)


def _value(name: str, text: str | None) -> int | bool | str | None:
    """Return an attribute's value as Microkit reads it."""
    if text in ("true", "false"):
        return text == "true"
    if text is not None and name in _NUMBERS:
        try:
            return int(text, 0)
        except ValueError:
            return text
    return text


def _system(system: System) -> Wanted:
    called = {far.pd for channel in system.channels for far in _called(channel)}
    regions = (
        Wanted(
            "memory_region",
            f"region `{r.name}`",
            r.origin,
            {
                "name": r.name,
                "size": r.size_bytes,
                "page_size": r.page_size_bytes,
                "phys_addr": r.phys_addr,
                "prefill_path": r.prefill_path,
                "prefill_bootinfo": r.prefill_bootinfo,
            },
            keys=dict.fromkeys(("size", "page_size", "phys_addr"), r.key) if r.key else {},
        )
        for r in system.regions
    )
    pds = (_domain(system, pd, called) for pd in system.pds)
    channels = (_channel(system, channel) for channel in system.channels)
    domains = (_scheduling_domains(system.domains),) if system.domains else ()
    return Wanted("system", "the system", system.origin, {}, (*domains, *regions, *pds, *channels))


def _called(channel: Channel) -> Iterator[Any]:
    yield from (far for near in channel.ends if near.pp for far in channel.ends if far is not near)


def _domain(system: System, pd: ProtectionDomain, called: set[str]) -> Wanted:
    what = f"protection domain `{pd.name}`"
    attributes = {
        "name": pd.name,
        "priority": pd.priority,
        **_times(pd.budget_us, pd.period_us),
        "pp": True if system.dialect.pp_on_pd and (pd.pp or pd.name in called) else None,
        "passive": True if pd.passive else None,
        "stack_size": pd.stack_size_bytes,
        "smc": True if pd.smc else None,
        "cpu": pd.cpu,
        "fpu": pd.fpu,
        "domain": pd.domain,
        "id": pd.id,
        "setvar_id": pd.setvar_id,
    }
    image = {"path": pd.program_image, "path_for_symbols": pd.path_for_symbols}
    irqs = (
        Wanted(
            "irq", f"interrupt {irq.irq} of `{pd.name}`", irq.origin, _same(irq, "irq", "id", "trigger", "setvar_id")
        )
        for irq in pd.irqs
    )
    setvars = (
        Wanted(
            "setvar",
            f"setvar `{one.symbol}` of `{pd.name}`",
            one.origin,
            {"symbol": one.symbol, "region_paddr": one.region},
        )
        for one in pd.setvars
    )
    caps = tuple(
        Wanted(f"cap_{cap.kind}", f"capability {cap.slot} of `{pd.name}`", cap.origin, _same(cap, "slot", "pd"))
        for cap in pd.caps
    )
    children = (
        Wanted("program_image", f"the program image of `{pd.name}`", pd.origin, image, keys={"path": "program_image"}),
        *(_map(m, pd.name) for m in pd.maps),
        *irqs,
        *setvars,
        *((_machine(pd.vm),) if pd.vm is not None else ()),
        *(_domain(system, child, called) for child in pd.children),
        *((Wanted("cspace", f"the capabilities of `{pd.name}`", pd.origin, {}, caps),) if caps else ()),
    )
    return Wanted("protection_domain", what, pd.origin, attributes, children)


def _times(budget_us: int | None, period_us: int | None) -> dict[str, int | None]:
    """Return budget and period; where one of them is left out it is as long as the other."""
    return {
        "budget": period_us if budget_us is None else budget_us,
        "period": budget_us if period_us is None else period_us,
    }


def _same(value: object, *names: str) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def _map(m: Map, owner: str) -> Wanted:
    attributes = {
        "mr": m.region,
        "vaddr": m.vaddr,
        "perms": m.perms,
        "cached": None if m.cached else False,
        **_same(m, "setvar_vaddr", "setvar_size", "setvar_prefill_size"),
    }
    return Wanted("map", f"map of `{m.region}` in `{owner}`", m.origin, attributes)


def _machine(vm: VirtualMachine) -> Wanted:
    what = f"virtual machine `{vm.name}`"
    vcpus = (
        Wanted("vcpu", f"virtual CPU {cpu.id} of `{vm.name}`", cpu.origin, _same(cpu, "id", "cpu", "setvar_id"))
        for cpu in vm.vcpus
    )
    attributes = {"name": vm.name, "priority": vm.priority, **_times(vm.budget_us, vm.period_us)}
    return Wanted("virtual_machine", what, vm.origin, attributes, (*vcpus, *(_map(m, vm.name) for m in vm.maps)))


def _channel(system: System, channel: Channel) -> Wanted:
    what = f"channel of {' and '.join(f'`{end.pd}`' for end in channel.ends)}"
    ends = (
        Wanted(
            "end",
            f"end `{end.pd}` of the {what}",
            end.origin,
            {
                **_same(end, "pd", "id", "setvar_id"),
                "pp": True if end.pp and not system.dialect.pp_on_pd else None,
                "notify": None if end.notify else False,
            },
        )
        for end in channel.ends
    )
    return Wanted("channel", what, channel.origin, {}, tuple(ends))


def _scheduling_domains(domains: Domains) -> Wanted:
    ids = domains.ids or (None,) * len(domains.names)
    names = (
        Wanted("domain", f"domain `{name}`", domains.origin, {"name": name, "id": number})
        for name, number in zip(domains.names, ids, strict=False)
    )
    entries = (
        Wanted("schedule_end_marker", "the end of the schedule", one.origin, {})
        if one.end_marker
        else Wanted("schedule_entry", "an entry of the schedule", one.origin, _same(one, "domain", "duration"))
        for one in domains.schedule
    )
    shifts = {"start_index": domains.start_index or None, "index_shift": domains.index_shift}
    schedule = Wanted("domain_schedule", "the schedule", domains.origin, shifts, tuple(entries))
    return Wanted("domains", "the domains", domains.origin, {}, (*names, schedule))
