"""What is shown of a system as text, for a terminal or a review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.units import range_text, size_text
from sdfgen.views.devices import principal
from sdfgen.views.physical import FREE
from sdfgen.views.words import (
    DMA_WORDS,
    UNKNOWN_WORDS,
    about_text,
    counted,
    guest_words,
    rights_words,
    service_words,
    slots_text,
    time_words,
    title,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.views.document import ChannelView, RangeView, RegionView, SystemView
    from sdfgen.views.domains import DomainView, MachineView


def as_text(view: SystemView) -> str:
    """Return a system as text.

    Args:
        view: The system.
    """
    sections = (
        ("Guests", _guests(view)),
        ("Protection domains and virtual machines, by priority", _scheduled(view)),
        ("Channels", _channels(view)),
        ("Memory regions, and who maps them", _regions(view)),
        ("Services", _services(view)),
        ("Devices", _devices(view)),
        ("Physical memory", _memory(view)),
        ("Free memory", _free(view)),
        ("Ids", _ids(view)),
        ("Scheduling domains", _schedule(view)),
    )
    lines = [_head(view)]
    for head, rows in sections:
        told = [f"  {row}".rstrip() for row in rows]
        lines += ["", head, *told] if told else []
    return "\n".join(lines) + "\n"


def _head(view: SystemView) -> str:
    counts = (
        counted(len(view.domains), "protection domain"),
        counted(len(view.machines()), "virtual machine"),
        counted(len(view.regions), "memory region"),
        counted(len(view.channels), "channel"),
    )
    made = f"Microkit {view.microkit} ({view.config})"
    return f"{title(view)}, {made}: {', '.join(counts)}"


def table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Yield rows as lines of text whose cells stand below each other.

    Args:
        rows: The cells, in every row as many.
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _guests(view: SystemView) -> Iterator[str]:
    for domain in view.domains:
        machine = domain.machine
        if machine is not None and machine.guest is not None:
            yield f"{machine.name}: {'; '.join(guest_words(machine.guest))}; VMM {domain.name}"


def _scheduled(view: SystemView) -> Iterator[str]:
    rows = [_domain(view, domain) for domain in view.domains]
    rows += [_machine(domain, domain.machine) for domain in view.domains if domain.machine is not None]
    return table((str(priority), *cells) for priority, *cells in sorted(rows, key=lambda row: (-row[0], row[1])))


def _domain(view: SystemView, domain: DomainView) -> tuple[int, str, str, str]:
    more = [time_words(domain.budget_us, domain.period_us)]
    more += ["passive"] if domain.passive else []
    more += [f"core {domain.core or 0}"] if view.cores > 1 else []
    more += ["makes SMC calls"] if domain.smc else []
    more += [f"scheduling domain {domain.scheduling_domain}"] if domain.scheduling_domain else []
    more += [f"child {domain.id} of {domain.parent}"] if domain.parent else []
    more += [f"has {one.kind} of {one.domain} in slot {one.slot}" for one in domain.capabilities]
    return domain.priority, domain.name, domain.program_image, ", ".join(filter(None, more))


def _machine(domain: DomainView, machine: MachineView) -> tuple[int, str, str, str]:
    cores = [str(one.core) for one in machine.vcpus if one.core is not None]
    more = [time_words(machine.budget_us, machine.period_us), counted(len(machine.vcpus), "virtual CPU")]
    more += [f"core {', '.join(cores)}"] if cores else []
    return machine.priority, machine.name, f"(machine of {domain.name})", ", ".join(filter(None, more))


def _channels(view: SystemView) -> Iterator[str]:
    return table(map(_channel, view.channels)) if view.channels else iter(())


def _channel(channel: ChannelView) -> tuple[str, ...]:
    one, two = channel.ends
    arrow = f"{'<' if two.notifies else '-'}-{'>' if one.notifies else '-'}"
    calls = [f"{near.domain} calls {far.domain}" for near, far in ((one, two), (two, one)) if near.calls]
    return one.domain, str(one.id), arrow, str(two.id), two.domain, ", ".join(calls)


def _regions(view: SystemView) -> Iterator[str]:
    for region in sorted(view.regions, key=_region_order):
        yield _region_head(region)
        seen = [(rights_words(one.rights, cached=one.cached), one.owner, hex(one.address)) for one in region.seen_by]
        yield from (f"  {row}" for row in table(seen)) if seen else ("  nobody",)


def _region_order(region: RegionView) -> tuple[bool, int]:
    return region.phys_addr is None, region.phys_addr or 0


def _region_head(region: RegionView) -> str:
    size = "size unknown" if region.size_bytes is None else size_text(region.size_bytes)
    place = "anywhere" if region.phys_addr is None else f"at {region.phys_addr:#x}"
    kind = "" if region.kind == "memory" else f", {region.kind}"
    holds = f": {slots_text(region.devices)}" if region.devices else ""
    content = region.prefill_path or region.prefill_bootinfo
    filled = f", begins as {content}" if content else ""
    return f"{region.name}: {size} {place}{kind}{holds}{filled}"


def _services(view: SystemView) -> Iterator[str]:
    return table((one.who, service_words(one)) for one in view.services) if view.services else iter(())


def _devices(view: SystemView) -> Iterator[str]:
    for device in principal(view):
        more = [f"interrupt {device.interrupt}"] if device.interrupt is not None else []
        more += [f"registers reached by {', '.join(device.reached_by)}"] if device.reached_by else []
        more += [f"interrupts {', '.join(device.interrupts)}"] if device.interrupts else []
        yield f"{device.name}: {range_text(device.address, device.size_bytes)}, {'; '.join(more)}"
        if device.dma:
            yield f"  {DMA_WORDS}"
            yield from (f"  its driver knows the addresses of {', '.join(device.told)}",) if device.told else ()
    for region in view.regions:
        if region.kind == "device" and not region.devices:
            reached = ", ".join(dict.fromkeys(one.owner for one in region.seen_by)) or "nobody"
            yield f"{region.name}: {range_text(region.phys_addr or 0, region.size_bytes or 0)}, reached by {reached}"
            yield f"  {UNKNOWN_WORDS}"
        if len(region.devices) > 1:
            yield f"who reaches one of {slots_text(region.devices)} reaches all: their registers share a page"


def _memory(view: SystemView) -> Iterator[str]:
    rows = [(f"{one.start:#x}", f"{one.end:#x}", about_text(_size(one)), one.kind, one.name) for one in view.memory]
    return table(rows)


def _free(view: SystemView) -> Iterator[str]:
    free = [one for one in view.memory if one.kind == FREE]
    anywhere = sum(region.size_bytes or 0 for region in view.regions if region.phys_addr is None)
    yield from table((range_text(one.start, one.end - one.start), about_text(_size(one)), one.name) for one in free)
    if anywhere:
        yield f"Microkit takes {about_text(anywhere)} of RAM for regions without an address, and what images need"


def _size(one: RangeView) -> int:
    return one.end - one.start


def _ids(view: SystemView) -> Iterator[str]:
    rows = []
    for domain in view.domains:
        ids = [
            (near.id, far.domain)
            for channel in view.channels
            for near, far in (channel.ends, channel.ends[::-1])
            if near.domain == domain.name
        ]
        ids += [(one.id, f"interrupt {one.irq}") for one in domain.interrupts]
        if ids:
            rows.append((domain.name, ", ".join(f"{number} {what}" for number, what in sorted(set(ids)))))
    return table(rows) if rows else iter(())


def _schedule(view: SystemView) -> Iterator[str]:
    if view.schedule is None:
        return
    yield ", ".join(one.name if one.id is None else f"{one.name} ({one.id})" for one in view.schedule.domains)
    for slot in view.schedule.schedule:
        yield "end of the schedule" if slot.domain is None else f"{slot.domain} for {slot.duration}"
