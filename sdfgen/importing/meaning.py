"""Compares two systems by what they mean to Microkit: names decide what is compared with what, not the order.

What Microkit numbers by order is compared by order: scheduling domains, the schedule, virtual CPUs of a machine.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sdfgen.faults.fault import Fault
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sdfgen.model.microkit import Channel, Domains, Map, Origin, ProtectionDomain, VirtualMachine
    from sdfgen.model.system import System

CODE = "SDF221"
_REGION = {
    "size": "size_bytes",
    "page_size": "page_size_bytes",
    "phys_addr": "phys_addr",
    "prefill_path": "prefill_path",
    "prefill_bootinfo": "prefill_bootinfo",
}
_DOMAIN = {
    **{name: name for name in ("program_image", "path_for_symbols", "priority", "passive", "smc", "pp", "cpu", "fpu")},
    **{name: name for name in ("domain", "id", "setvar_id", "parent")},
    "budget": "budget_us",
    "stack_size": "stack_size_bytes",
}
_MAP = {name: name for name in ("cached", "setvar_vaddr", "setvar_size", "setvar_prefill_size")}
_IRQ = {name: name for name in ("id", "trigger", "setvar_id")}
_MACHINE = {"priority": "priority", "budget": "budget_us"}
_END = {name: name for name in ("pp", "notify", "setvar_id")}
_ENTRY = {name: name for name in ("domain", "duration", "end_marker")}
_DOMAINS = {name: name for name in ("names", "ids", "start_index", "index_shift")}
"""Fields of the model, by what system files call them."""


class Row(NamedTuple):
    """Something in a system.

    Attributes:
        what: What it is, in words; another system's row of the same words is compared with it.
        values: What is said of it, by the attribute that says it.
        origin: Where it comes from.
    """

    what: str
    values: tuple[tuple[str, Any], ...]
    origin: Origin


def differences(before: System, after: System) -> Iterator[Fault]:
    """Yield what a system means otherwise than another, each at its place in the first.

    Args:
        before: The first.
        after: The other.
    """
    had, has = _by_words(before), _by_words(after)
    for what, rows in had.items():
        others = has.pop(what, [])
        if Counter(row.values for row in rows) != Counter(row.values for row in others):
            yield _fault(what, rows[0], others)
    for what in has:
        yield Fault(CODE, f"there would be {what} too", before.origin.at(""))


def _fault(what: str, row: Row, others: list[Row]) -> Fault:
    if not others:
        return Fault(CODE, f"{what} would be missing", row.origin.at("name"))
    other = dict(others[0].values)
    names = [name for name, value in row.values if other.get(name) != value] or [row.values[0][0]]
    said = "; ".join(f"`{name}` is {dict(row.values)[name]!r} and would be {other.get(name)!r}" for name in names)
    return Fault(CODE, f"{what} would differ: {said}", row.origin.at(names[0]))


def _by_words(system: System) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows_of(system):
        found.setdefault(row.what, []).append(row)
    return found


def rows_of(system: System) -> Iterator[Row]:
    """Yield everything in a system that means something to Microkit.

    Args:
        system: The system.
    """
    whole = (("microkit", system.dialect.version), ("config", system.config))
    yield Row("the system", whole, system.origin)
    for region in system.regions:
        yield _row(f"memory region `{region.name}`", region, _REGION)
    for pd in system.all_pds():
        yield from _domain(pd)
    for channel in system.channels:
        yield _channel(channel)
    if system.domains is not None:
        yield from _domains(system.domains)


def _row(what: str, thing: Any, fields: Mapping[str, str], **more: object) -> Row:  # noqa: ANN401 - a part of a system
    said = ((name, getattr(thing, field)) for name, field in fields.items())
    return Row(what, (*said, *more.items()), thing.origin)


def _period_us(thing: ProtectionDomain | VirtualMachine) -> int | None:
    """Return the period, which is as long as the budget where nobody says it."""
    return thing.budget_us if thing.period_us is None else thing.period_us


def _domain(pd: ProtectionDomain) -> Iterator[Row]:
    yield _row(f"protection domain `{pd.name}`", pd, _DOMAIN, period=_period_us(pd))
    yield from (_map(pd.name, m) for m in pd.maps)
    yield from (_row(f"interrupt {irq.irq} of `{pd.name}`", irq, _IRQ) for irq in pd.irqs)
    yield from (_row(f"setvar `{s.symbol}` of `{pd.name}`", s, {"region_paddr": "region"}) for s in pd.setvars)
    yield from (_row(f"capability {c.slot} of `{pd.name}`", c, {"kind": "kind", "pd": "pd"}) for c in pd.caps)
    if pd.vm is not None:
        yield from _machine(pd.vm, pd.name)


def _map(owner: str, m: Map) -> Row:
    """Return a map; the order of the letters in its rights means nothing."""
    return _row(f"the map of `{m.region}` at {m.vaddr:#x} in `{owner}`", m, _MAP, perms="".join(sorted(m.perms)))


def _machine(vm: VirtualMachine, owner: str) -> Iterator[Row]:
    yield _row(f"virtual machine `{vm.name}` of `{owner}`", vm, _MACHINE, period=_period_us(vm))
    for number, vcpu in enumerate(vm.vcpus):
        yield _row(f"virtual CPU {number} of `{vm.name}`", vcpu, {"id": "id", "cpu": "cpu", "setvar_id": "setvar_id"})
    yield from (_map(vm.name, m) for m in vm.maps)


def _channel(channel: Channel) -> Row:
    """Return a channel, which is the same from either end."""
    ends = sorted(channel.ends, key=lambda end: (end.pd, end.id))
    names = " and ".join(f"`{end.pd}` ({end.id})" for end in ends)
    values = [(f"{name} of `{end.pd}` ({end.id})", getattr(end, field)) for end in ends for name, field in _END.items()]
    return Row(f"the channel of {names}", tuple(values), channel.origin)


def _domains(domains: Domains) -> Iterator[Row]:
    yield _row("the scheduling domains", domains, _DOMAINS)
    for number, entry in enumerate(domains.schedule):
        yield _row(f"entry {number} of the schedule", entry, _ENTRY)
