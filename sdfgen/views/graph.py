"""A system as boxes and lines: what the formats for pictures draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.units import range_text
from sdfgen.views.devices import principal
from sdfgen.views.words import (
    DMA_WORDS,
    UNKNOWN_WORDS,
    about_text,
    guest_words,
    rights_words,
    service_words,
    time_words,
    title,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.document import ChannelView, RegionView, SystemView
    from sdfgen.views.domains import DomainView, MachineView

DOMAIN, MACHINE, DEVICE, REGION = "domain", "machine", "device", "region"
_PARTIES = 2
"""Ends of a line: what more see is a box of its own."""


class Box(NamedTuple):
    """A box.

    Attributes:
        name: What it stands for; no other box of its kind has it.
        kind: `domain`, `machine`, `device` or `region`.
        rows: Lines of text below its name.
        inside: Boxes in it.
        dma: It is a device that reads and writes memory by itself.
    """

    name: str
    kind: str
    rows: tuple[str, ...]
    inside: tuple[Box, ...] = ()
    dma: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What no other box has."""
        return self.kind, self.name

    def all(self) -> Iterator[Box]:
        """Yield the box and all in it."""
        yield self
        for box in self.inside:
            yield from box.all()


Key = tuple[str, str]
"""Of a box: its kind and name."""


class Label(NamedTuple):
    """What a line stands for: a channel or a region in the middle, and what each end has of it."""

    one: str
    what: str
    two: str

    def turned(self) -> Label:
        """Return it as it is read from the other end."""
        return Label(self.two, self.what, self.one)


class Line(NamedTuple):
    """A line between two boxes.

    Attributes:
        one: The box at one end.
        two: The box at the other.
        labels: What it stands for.
        to_one: The first end is notified or called.
        to_two: The second is.
        dma: The first writes and reads the second by itself.
    """

    one: Key
    two: Key
    labels: tuple[Label, ...]
    to_one: bool = False
    to_two: bool = False
    dma: bool = False

    def turned(self) -> Line:
        """Return it from the other end."""
        labels = tuple(label.turned() for label in self.labels)
        return self._replace(one=self.two, two=self.one, labels=labels, to_one=self.to_two, to_two=self.to_one)


_DMA = Label("", "DMA", "")


class Graph(NamedTuple):
    """Boxes and lines."""

    title: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def graph(view: SystemView) -> Graph:
    """Return the boxes and lines of a system.

    Args:
        view: The system.
    """
    return _Drawing(view).graph()


class _Drawing:
    def __init__(self, view: SystemView) -> None:
        self._view = view
        self._keys: dict[str, Key] = {machine.name: (MACHINE, machine.name) for machine in view.machines()}
        self._keys |= {domain.name: (DOMAIN, domain.name) for domain in view.domains}
        self._lines: dict[tuple[Key, Key], Line] = {}
        parents = {domain.name: domain.parent for domain in view.domains}
        parents |= {domain.machine.name: domain.name for domain in view.domains if domain.machine}
        self._roots = {name: _root(name, parents) for name in parents}
        self._rows: dict[str, list[str]] = {}
        self._hubs: list[Box] = []

    def graph(self) -> Graph:
        for channel in self._view.channels:
            self._channel(channel)
        for region in self._view.regions:
            self._region(region)
        self._interrupts()
        domains = tuple(self._domain(domain) for domain in self._view.domains if domain.parent is None)
        self._dma()
        return Graph(
            f"{title(self._view)}, Microkit {self._view.microkit}", (*self._hubs, *domains), tuple(self._lines.values())
        )

    def _line(self, one: Key, two: Key, label: Label, *, to_one: bool = False, to_two: bool = False) -> None:
        """Add to the line between two boxes; there is one for each pair."""
        if (two, one) in self._lines:
            one, two, label, to_one, to_two = two, one, label.turned(), to_two, to_one
        before = self._lines.get((one, two)) or Line(one, two, ())
        labels = (*before.labels, label)
        self._lines[one, two] = before._replace(
            labels=labels, to_one=before.to_one or to_one, to_two=before.to_two or to_two
        )

    def _channel(self, channel: ChannelView) -> None:
        one, two = channel.ends
        label = Label(f"{one.id}{_calls(one.calls)}", "channel", f"{two.id}{_calls(two.calls)}")
        if one.domain == two.domain:
            self._rows.setdefault(one.domain, []).append(f"channel to itself, {one.id} and {two.id}")
            return
        reach = {"to_one": two.notifies or two.calls, "to_two": one.notifies or one.calls}
        self._line((DOMAIN, one.domain), (DOMAIN, two.domain), label, **reach)

    def _region(self, region: RegionView) -> None:
        roots = {self._roots[seen.owner] for seen in region.seen_by}
        if region.kind == DEVICE:
            self._device_box(region)
        elif region.kind != "memory" or len(roots) < _PARTIES:
            self._own(region)
        elif len(roots) == _PARTIES:
            self._shared(region)
        else:
            place = "anywhere" if region.phys_addr is None else f"at {region.phys_addr:#x}"
            self._hub(region, Box(region.name, REGION, (f"{_size(region)} {place}",)))

    def _own(self, region: RegionView) -> None:
        """Let a row of the innermost box tell of a region that nobody else sees."""
        if not region.seen_by:
            return
        *others, inner = region.seen_by
        beside = [f"{one.owner} {rights_words(one.rights, cached=one.cached)}" for one in others]
        beside = beside if region.kind == "memory" else []
        for seen in (inner,) if region.kind == "memory" else region.seen_by:
            rights = rights_words(seen.rights, cached=seen.cached)
            row = f"{region.name} {_size(region)} {rights}" + (f" ({', '.join(beside)})" if beside else "")
            self._rows.setdefault(seen.owner, []).append(row)

    def _shared(self, region: RegionView) -> None:
        """Draw lines between all who see a region, but not inside one box."""
        for number, one in enumerate(region.seen_by):
            for two in region.seen_by[number + 1 :]:
                if self._roots[one.owner] != self._roots[two.owner]:
                    rights = (rights_words(seen.rights, cached=seen.cached) for seen in (one, two))
                    label = Label(next(rights), f"{region.name} {_size(region)}", next(rights))
                    self._line(self._keys[one.owner], self._keys[two.owner], label)

    def _hub(self, region: RegionView, box: Box) -> None:
        self._hubs.append(box)
        for seen in region.seen_by:
            label = Label("", rights_words(seen.rights, cached=seen.cached), "")
            self._line(box.key, self._keys[seen.owner], label)

    def _device_box(self, region: RegionView) -> None:
        held = [device for device in principal(self._view) if region.name in device.regions]
        names = ", ".join(device.name for device in held) or region.name
        rows = [f"{region.name} {range_text(region.phys_addr or 0, region.size_bytes or 0)}"]
        dma = any(device.dma for device in held)
        rows += [DMA_WORDS] if dma else []
        rows += [] if region.devices else [UNKNOWN_WORDS]
        self._hub(region, Box(names, DEVICE, tuple(rows), dma=dma))

    def _dma(self) -> None:
        """Draw what a device's driver knows the address of; what has no box is the device's row."""
        hubs = {box.name for box in self._hubs if box.kind == REGION}
        for number, box in enumerate(self._hubs):
            names = [
                name for device in self._view.devices if device.name in box.name.split(", ") for name in device.told
            ]
            for name in dict.fromkeys(names) if box.dma else ():
                if name in hubs:
                    self._lines[box.key, (REGION, name)] = Line(box.key, (REGION, name), (_DMA,), to_two=True, dma=True)
                else:
                    row = f"its driver knows the address of {name}"
                    self._hubs[number] = self._hubs[number]._replace(rows=(*self._hubs[number].rows, row))

    def _interrupts(self) -> None:
        """Draw interrupts as lines from devices that have a box, and as rows where they have none."""
        boxes = {name: box.key for box in self._hubs if box.kind == DEVICE for name in box.name.split(", ")}
        for domain in self._view.domains:
            for one in domain.interrupts:
                device = next((name for name in one.devices if name in boxes), None)
                if device is None:
                    whose = f" ({one.devices[0]})" if one.devices else ""
                    self._rows.setdefault(domain.name, []).append(f"interrupt {one.irq}{whose}, id {one.id}")
                else:
                    label = Label("", f"interrupt {one.irq}", f"id {one.id}")
                    self._line(boxes[device], self._keys[domain.name], label, to_two=True)

    def _domain(self, domain: DomainView) -> Box:
        rows = [f"priority {domain.priority}", *filter(None, [time_words(domain.budget_us, domain.period_us)])]
        rows = [", ".join(rows + [f"core {domain.core or 0}"] * (self._view.cores > 1))]
        rows += [f"has {one.kind} of {one.domain}" for one in domain.capabilities]
        rows += ["makes SMC calls"] if domain.smc else []
        rows += self._services(domain.name)
        machine = (self._machine(domain.machine),) if domain.machine else ()
        children = (self._domain(child) for child in self._view.domains if child.parent == domain.name)
        return Box(domain.name, DOMAIN, (*rows, *self._rows.get(domain.name, ())), (*machine, *children))

    def _services(self, name: str) -> list[str]:
        return [service_words(one) for one in self._view.services if one.who == name]

    def _machine(self, machine: MachineView) -> Box:
        rows = [f"virtual machine, priority {machine.priority}"]
        rows += guest_words(machine.guest) if machine.guest else []
        rows += self._services(machine.name)
        return Box(machine.name, MACHINE, (*rows, *self._rows.get(machine.name, ())))


def _root(name: str, parents: dict[str, str | None]) -> str:
    while (parent := parents.get(name)) is not None:
        name = parent
    return name


def _calls(calls: bool) -> str:
    return " calls" if calls else ""


def _size(region: RegionView) -> str:
    return "" if region.size_bytes is None else about_text(region.size_bytes)
