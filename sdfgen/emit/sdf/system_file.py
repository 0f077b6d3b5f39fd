"""The Microkit system file, in the grammar of the system's Microkit version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.emit.sdf.xml import Element, document

if TYPE_CHECKING:
    from sdfgen.facts.dialects import Dialect
    from sdfgen.model.microkit import (
        Channel,
        Domains,
        End,
        Irq,
        Map,
        ProtectionDomain,
        Region,
        ScheduleEntry,
        VirtualMachine,
    )
    from sdfgen.model.system import System

NOTICE = "made by sdfgen, changes are lost at the next build"
"""What each file says of itself."""
Attributes = tuple[tuple[str, str | None], ...]


def system_file(system: System) -> str:
    """Return the text of `NAME.system`."""
    callees = _callees(system)
    domains = (_domains(system.domains),) if system.domains else ()
    regions = tuple(_region(region) for region in system.regions)
    pds = tuple(_protection_domain(pd, system.dialect, callees) for pd in system.pds)
    channels = tuple(_channel(channel, system.dialect) for channel in system.channels)
    root = Element("system", (), (*domains, *regions, *pds, *channels))
    comment = f"{system.name} for {system.board.name}, Microkit {system.dialect.version}: {NOTICE}"
    return document(root, comment)


def _hex(value: int | None) -> str | None:
    return None if value is None else hex(value)


def _decimal(value: int | None) -> str | None:
    return None if value is None else str(value)


def _flag(value: bool | None, default: bool | None) -> str | None:
    return None if value is None or value == default else str(value).lower()


def _callees(system: System) -> frozenset[str]:
    """Name the protection domains that are called: Microkit 1.4.1 marks these instead of the callers."""
    channels = [channel.ends for channel in system.channels]
    return frozenset(far.pd for ends in channels for end in ends for far in ends if end.pp and far is not end)


def _region(region: Region) -> Element:
    return Element(
        "memory_region",
        (
            ("name", region.name),
            ("size", _hex(region.size_bytes)),
            ("page_size", _hex(region.page_size_bytes)),
            ("phys_addr", _hex(region.phys_addr)),
            ("prefill_path", region.prefill_path),
            ("prefill_bootinfo", region.prefill_bootinfo),
        ),
    )


def _protection_domain(pd: ProtectionDomain, dialect: Dialect, callees: frozenset[str]) -> Element:
    image = (("path", pd.program_image), ("path_for_symbols", pd.path_for_symbols))
    children = (
        Element("program_image", image),
        *(_map(m) for m in pd.maps),
        *(_irq(irq) for irq in pd.irqs),
        *(Element("setvar", (("symbol", s.symbol), ("region_paddr", s.region))) for s in pd.setvars),
        *((_virtual_machine(pd.vm),) if pd.vm else ()),
        *(_protection_domain(child, dialect, callees) for child in pd.children),
        *((_cspace(pd),) if pd.caps else ()),
    )
    return Element("protection_domain", _pd_attributes(pd, dialect, callees), children)


def _pd_attributes(pd: ProtectionDomain, dialect: Dialect, callees: frozenset[str]) -> Attributes:
    return (
        ("name", pd.name),
        ("priority", _decimal(pd.priority)),
        *_scheduling(pd.budget_us, pd.period_us),
        ("pp", "true" if dialect.pp_on_pd and (pd.pp or pd.name in callees) else None),
        ("passive", _flag(pd.passive, default=False)),
        ("stack_size", _hex(pd.stack_size_bytes)),
        ("smc", _flag(pd.smc, default=False)),
        ("cpu", _decimal(pd.cpu)),
        ("fpu", _flag(pd.fpu, default=None)),
        ("domain", pd.domain),
        ("id", _decimal(pd.id)),
        ("setvar_id", pd.setvar_id),
    )


def _scheduling(budget_us: int | None, period_us: int | None) -> Attributes:
    """Write budget and period both or neither."""
    budget = budget_us if budget_us is not None else period_us
    period = period_us if period_us is not None else budget_us
    return (("budget", _decimal(budget)), ("period", _decimal(period)))


def _map(m: Map) -> Element:
    return Element(
        "map",
        (
            ("mr", m.region),
            ("vaddr", _hex(m.vaddr)),
            ("perms", m.perms),
            ("cached", _flag(m.cached, default=True)),
            ("setvar_vaddr", m.setvar_vaddr),
            ("setvar_size", m.setvar_size),
            ("setvar_prefill_size", m.setvar_prefill_size),
        ),
    )


def _irq(irq: Irq) -> Element:
    attributes = (
        ("irq", str(irq.irq)),
        ("id", str(irq.id)),
        ("trigger", irq.trigger),
        ("setvar_id", irq.setvar_id),
    )
    return Element("irq", attributes)


def _virtual_machine(vm: VirtualMachine) -> Element:
    vcpus = (
        Element("vcpu", (("id", str(v.id)), ("cpu", _decimal(v.cpu)), ("setvar_id", v.setvar_id))) for v in vm.vcpus
    )
    attributes = (("name", vm.name), ("priority", str(vm.priority)), *_scheduling(vm.budget_us, vm.period_us))
    return Element("virtual_machine", attributes, (*vcpus, *(_map(m) for m in vm.maps)))


def _cspace(pd: ProtectionDomain) -> Element:
    caps = (Element(f"cap_{cap.kind}", (("slot", str(cap.slot)), ("pd", cap.pd))) for cap in pd.caps)
    return Element("cspace", (), tuple(caps))


def _channel(channel: Channel, dialect: Dialect) -> Element:
    return Element("channel", (), tuple(_end(end, dialect) for end in channel.ends))


def _end(end: End, dialect: Dialect) -> Element:
    pp = None if dialect.pp_on_pd else _flag(end.pp, default=False)
    attributes = (
        ("pd", end.pd),
        ("id", str(end.id)),
        ("pp", pp),
        ("notify", _flag(end.notify, default=True)),
        ("setvar_id", end.setvar_id),
    )
    return Element("end", attributes)


def _domains(domains: Domains) -> Element:
    ids = domains.ids or (None,) * len(domains.names)
    names = tuple(
        Element("domain", (("name", name), ("id", _decimal(number))))
        for name, number in zip(domains.names, ids, strict=False)
    )
    start = _decimal(domains.start_index) if domains.start_index else None
    schedule = Element(
        "domain_schedule",
        (("start_index", start), ("index_shift", _decimal(domains.index_shift))),
        tuple(_schedule_entry(entry) for entry in domains.schedule),
    )
    return Element("domains", (), (*names, schedule))


def _schedule_entry(entry: ScheduleEntry) -> Element:
    if entry.end_marker:
        return Element("schedule_end_marker")
    return Element("schedule_entry", (("domain", entry.domain), ("duration", entry.duration)))
