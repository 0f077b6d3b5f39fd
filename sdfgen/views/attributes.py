"""What two systems are compared by beside authority: values, each with the one word for what it is of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.units import range_text, size_text
from sdfgen.views.renames import DOMAIN, MACHINE, REGION
from sdfgen.views.words import time_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.views.document import ChannelView, RegionView, SystemView
    from sdfgen.views.domains import DomainView, GuestView, MachineView, MapView, Place

PARTS, ADDRESSES, IDS, SCHEDULING = "parts", "addresses", "ids", "scheduling"
INTERRUPTS, MEMORY, PROGRAMS, SYSTEM = "interrupts", "memory", "programs", "system"
TOPICS = (PARTS, ADDRESSES, IDS, SCHEDULING, INTERRUPTS, MEMORY, PROGRAMS, SYSTEM)
EXISTS = "it"


class Attribute(NamedTuple):
    """A value.

    Attributes:
        topic: One of `TOPICS`.
        kind: The kind of thing that it is of.
        name: Its name.
        what: What of it.
        value: The value as it is shown.
        place: What decides it.
        of_grant: It is of a right, whose loss or gain is told of already.
    """

    topic: str
    kind: str
    name: str
    what: str
    value: str
    place: Place | None
    of_grant: bool = False

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What no other value has."""
        return self.topic, self.kind, self.name, self.what


def attributes(view: SystemView) -> Iterator[Attribute]:
    """Yield all that systems are compared by.

    Args:
        view: The system.
    """
    for what, value in (("Microkit", view.microkit), ("configuration", view.config), ("name", view.system)):
        yield Attribute(SYSTEM, SYSTEM, "", what, value, None)
    for region in view.regions:
        yield from _region(region)
    for domain in view.domains:
        yield from _domain(domain)
    yield from _channels(view.channels)
    for elf in dict.fromkeys(patch.elf for patch in view.patches):
        yield Attribute(PARTS, "ELF", elf, EXISTS, "with values to be patched", None)
    for patch in view.patches:
        value = "an address that Microkit chooses" if patch.value is None else _number(patch.value)
        yield Attribute(PROGRAMS, "ELF", patch.elf, f"value of {patch.symbol}", value, patch.place)
    yield from _schedule(view)


def _number(value: int | str | tuple[int, ...]) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(hex, value))}]"
    return hex(value) if isinstance(value, int) else repr(value)


def _region(region: RegionView) -> Iterator[Attribute]:
    size = "unknown" if region.size_bytes is None else size_text(region.size_bytes)
    pages = "as large as possible" if region.page_size_bytes is None else size_text(region.page_size_bytes)
    place = "chosen by Microkit" if region.phys_addr is None else hex(region.phys_addr)
    values = (
        (PARTS, EXISTS, size),
        (MEMORY, "size", size),
        (MEMORY, "page size", pages),
        (MEMORY, "content", region.prefill_path or region.prefill_bootinfo or "zeroes"),
        (ADDRESSES, "physical address", place),
    )
    yield from (Attribute(topic, REGION, region.name, what, value, region.place) for topic, what, value in values)


def _domain(domain: DomainView) -> Iterator[Attribute]:
    core = "Microkit's default" if domain.core is None else str(domain.core)
    stack = "Microkit's default" if domain.stack_size_bytes is None else size_text(domain.stack_size_bytes)
    fpu = {None: "Microkit's default", True: "yes", False: "no"}[domain.fpu]
    values = (
        (PARTS, EXISTS, domain.program_image),
        (SCHEDULING, "priority", str(domain.priority)),
        (SCHEDULING, "time", time_words(domain.budget_us, domain.period_us) or "Microkit's default"),
        (SCHEDULING, "core", core),
        (SCHEDULING, "passive", "yes" if domain.passive else "no"),
        (SCHEDULING, "scheduling domain", domain.scheduling_domain or "none"),
        (PROGRAMS, "program image", domain.program_image),
        (PROGRAMS, "symbols of", domain.path_for_symbols or domain.program_image),
        (PROGRAMS, "stack", stack),
        (PROGRAMS, "FPU", fpu),
    )
    yield from (Attribute(topic, DOMAIN, domain.name, what, value, domain.place) for topic, what, value in values)
    yield from _ids(domain)
    yield from _maps(DOMAIN, domain.name, domain.maps)
    for one in domain.setvars:
        yield Attribute(PROGRAMS, DOMAIN, domain.name, f"symbol {one.symbol}", f"address of {one.region}", one.place)
    if domain.machine is not None:
        yield from _machine(domain.machine)


def _ids(domain: DomainView) -> Iterator[Attribute]:
    if domain.id is not None:
        yield Attribute(IDS, DOMAIN, domain.name, "id as a child", str(domain.id), domain.place, of_grant=True)
        yield from _symbol(domain.parent or "", domain.setvar_id, f"child {domain.name}", domain.place)
    for one in domain.interrupts:
        what = f"interrupt {one.irq}"
        values = ((IDS, f"id of {what}", str(one.id)), (INTERRUPTS, f"trigger of {what}", one.trigger))
        for topic, words, value in values:
            yield Attribute(topic, DOMAIN, domain.name, words, value, one.place, of_grant=True)
        yield from _symbol(domain.name, one.setvar_id, what, one.place)
    for cap in domain.capabilities:
        what = f"slot of {cap.kind} of {cap.domain}"
        yield Attribute(IDS, DOMAIN, domain.name, what, str(cap.slot), cap.place, of_grant=True)


def _symbol(name: str, symbol: str | None, what: str, place: Place) -> Iterator[Attribute]:
    if symbol is not None:
        yield Attribute(PROGRAMS, DOMAIN, name, f"symbol {symbol}", f"id of {what}", place)


def _machine(machine: MachineView) -> Iterator[Attribute]:
    cores = ", ".join("default" if one.core is None else str(one.core) for one in machine.vcpus)
    times = time_words(machine.budget_us, machine.period_us) or "Microkit's default"
    values = (
        (PARTS, EXISTS, f"{len(machine.vcpus)} virtual CPUs"),
        (SCHEDULING, "priority", str(machine.priority)),
        (SCHEDULING, "time", times),
        (SCHEDULING, "virtual CPUs", ", ".join(str(one.id) for one in machine.vcpus)),
        (SCHEDULING, "cores", cores),
    )
    yield from (Attribute(topic, MACHINE, machine.name, what, value, machine.place) for topic, what, value in values)
    yield from _maps(MACHINE, machine.name, machine.maps)
    if machine.guest is not None:
        yield from _guest(machine, machine.guest)


def _guest(machine: MachineView, guest: GuestView) -> Iterator[Attribute]:
    values = (
        ("kernel", guest.kernel or "none"),
        ("initial RAM disk", guest.initrd or "none"),
        ("device tree", guest.dtb or "made by sdfgen"),
        ("command line", guest.command_line),
    )
    for what, value in values:
        yield Attribute(PROGRAMS, MACHINE, machine.name, what, value, machine.place)
    for one in guest.emulated:
        interrupt = f"interrupt {one.interrupt}"
        value = f"{one.kind} at {range_text(one.address, one.size_bytes)}, {interrupt}"
        yield Attribute(PROGRAMS, MACHINE, machine.name, f"emulated device {one.name}", value, one.place)


def _maps(kind: str, name: str, maps: Iterable[MapView]) -> Iterator[Attribute]:
    count: Counter[str] = Counter()
    for m in sorted(maps, key=lambda m: (m.region, m.address)):
        count[m.region] += 1
        what = m.region if count[m.region] == 1 else f"{m.region} ({count[m.region]})"
        yield Attribute(ADDRESSES, kind, name, f"address of {what}", hex(m.address), m.place, of_grant=True)
        cached = "cached" if m.cached else "uncached"
        yield Attribute(MEMORY, kind, name, f"caching of {what}", cached, m.place, of_grant=True)
        symbols = ((m.setvar_vaddr, "address"), (m.setvar_size, "size"), (m.setvar_prefill_size, "content's length"))
        for symbol, value in symbols:
            if symbol is not None:
                yield Attribute(PROGRAMS, kind, name, f"symbol {symbol}", f"{value} of {m.region}", m.place)


def _channels(channels: Iterable[ChannelView]) -> Iterator[Attribute]:
    """Yield ids; of several channels between two domains the first is the one with the lowest."""
    count: Counter[tuple[str, ...]] = Counter()
    for channel in sorted(channels, key=lambda one: sorted((end.domain, end.id) for end in one.ends)):
        ends = sorted(channel.ends, key=lambda end: (end.domain, end.id))
        names = tuple(end.domain for end in ends)
        count[names] += 1
        more = f" ({count[names]})" if count[names] > 1 else ""
        for near, far in ((ends[0], ends[-1]), (ends[-1], ends[0])):
            what = f"channel to {far.domain}{more}"
            yield Attribute(IDS, DOMAIN, near.domain, f"id of {what}", str(near.id), near.place, of_grant=True)
            yield from _symbol(near.domain, near.setvar_id, what, near.place)


def _schedule(view: SystemView) -> Iterator[Attribute]:
    if view.schedule is None:
        return
    names = ", ".join(one.name if one.id is None else f"{one.name} ({one.id})" for one in view.schedule.domains)
    slots = ", ".join(f"{one.domain} {one.duration}" if one.domain else "end" for one in view.schedule.schedule)
    shift = "chosen by Microkit" if view.schedule.index_shift is None else str(view.schedule.index_shift)
    values = (("scheduling domains", names), ("schedule", slots), ("first entry", str(view.schedule.start_index)))
    for what, value in (*values, ("place of the schedule", shift)):
        yield Attribute(SCHEDULING, SYSTEM, "", what, value, None)
