"""What everybody in a system may do: the rights that a comparison is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.units import PAGE_BYTES, joined, range_text
from sdfgen.views.changes import GrantView
from sdfgen.views.devices import principal
from sdfgen.views.physical import without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.document import SystemView
    from sdfgen.views.domains import DomainView, Place

VERBS = {"r": "read", "w": "write", "x": "execute"}
_DEVICE = "device"
_DMA = "any physical memory"


class _Reach(NamedTuple):
    """Registers that somebody may use: physical addresses, since the names of their regions say nothing."""

    who: str
    may: str
    start: int
    end: int
    place: Place


def gained(before: SystemView, after: SystemView) -> tuple[GrantView, ...]:
    """Return what somebody may do in one system and not in another; both call the same things by the same names.

    Args:
        before: The other system.
        after: The one system.
    """
    had = {grant[:3] for grant in _grants(before)}
    new = [grant for grant in _grants(after) if grant[:3] not in had]
    new += _gained_registers(list(_registers(before)), list(_registers(after)))
    return tuple(sorted(dict.fromkeys(new), key=lambda grant: grant[:3]))


def _grants(view: SystemView) -> Iterator[GrantView]:
    devices = {region.name for region in view.regions if region.kind == _DEVICE}
    for owner, maps in view.spaces():
        for m in maps:
            if m.region not in devices:
                yield from (GrantView(owner, VERBS[right], m.region, m.place) for right in m.rights)
    for channel in view.channels:
        for near, far in (channel.ends, channel.ends[::-1]):
            yield from (GrantView(near.domain, "notify", far.domain, near.place),) * near.notifies
            yield from (GrantView(near.domain, "call", far.domain, near.place),) * near.calls
    for one in view.services:
        yield from (GrantView(one.who, verb, one.what, one.place) for verb in one.may)
    for domain in view.domains:
        yield from _own(domain)
    yield from _by_dma(view)


def _own(domain: DomainView) -> Iterator[GrantView]:
    """Yield what a protection domain may do beside memory and channels."""
    name = domain.name
    yield from (GrantView(name, "receive", f"interrupt {one.irq}", one.place) for one in domain.interrupts)
    yield from (GrantView(name, "hold", f"{one.kind} of {one.domain}", one.place) for one in domain.capabilities)
    if domain.parent is not None:
        yield GrantView(domain.parent, "control", name, domain.place)
    if domain.machine is not None:
        yield GrantView(name, "control", domain.machine.name, domain.machine.place)
    if domain.smc:
        yield GrantView(name, "make", "SMC calls", domain.place)


def _by_dma(view: SystemView) -> Iterator[GrantView]:
    """Yield who reaches all memory through a device: its registers are enough for that."""
    places = {(owner, m.region): m.place for owner, maps in view.spaces() for m in maps}
    for device in principal(view):
        for owner in device.reached_by if device.dma else ():
            place = next(places[owner, name] for name in device.regions if (owner, name) in places)
            yield GrantView(owner, "reach by DMA", _DMA, place)


def _registers(view: SystemView) -> Iterator[_Reach]:
    regions = {region.name: region for region in view.regions if region.kind == _DEVICE}
    for owner, maps in view.spaces():
        for m in maps:
            if m.region in regions:
                region = regions[m.region]
                start = region.phys_addr or 0
                end = start + (region.size_bytes or PAGE_BYTES)
                yield from (_Reach(owner, VERBS[right], start, end, m.place) for right in m.rights)


def _gained_registers(before: list[_Reach], after: list[_Reach]) -> Iterator[GrantView]:
    had: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for one in before:
        had.setdefault(one[:2], []).append((one.start, one.end))
    for one in after:
        for start, end in without((one.start, one.end), joined(had.get(one[:2], []))):
            what = f"registers at {range_text(start, end - start)}"
            yield GrantView(one.who, one.may, what, one.place)
