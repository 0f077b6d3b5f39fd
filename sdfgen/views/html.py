"""A system as one HTML file that loads nothing: the picture, tables, a search over both, and the JSON form."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from sdfgen.facts.data import data_path
from sdfgen.records import NamedTuple, plain
from sdfgen.units import PAGE_BYTES
from sdfgen.views.words import about_text, rights_words, slots_text, time_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.document import RegionView, SystemView
    from sdfgen.views.domains import DomainView, Place


class Row(NamedTuple):
    """A row of a table: what it is about, its cells, and the addresses that it stands for."""

    name: str
    cells: tuple[str, ...]
    start: int | None = None
    end: int | None = None


def as_html(view: SystemView, title: str, picture: str) -> str:
    """Return a page.

    Args:
        view: The system.
        title: What the page shows.
        picture: The picture, an SVG file.
    """
    body = f'<div class="picture">\n{picture}</div>\n' + "".join(_sections(view))
    values = {
        "title": escape(title),
        "css": _template("page.css"),
        "body": body,
        "json": json.dumps(plain(view), indent=1).replace("<", "\\u003c") + "\n",
        "js": _template("page.js"),
    }
    parts = _template("page.html").split("%")
    return "".join(values.get(part, part) for part in parts)


def _template(name: str) -> str:
    with open(data_path("templates", "views", name), encoding="utf-8") as file:
        return file.read()


def _sections(view: SystemView) -> Iterator[str]:
    yield _table("Who maps what", "region|seen by|rights|address|size|from|decided at", _maps(view))
    yield _table("Protection domains and virtual machines", "name|kind|priority|time|image|decided at", _owners(view))
    yield _table("Channels", "end|id|may|end|id|may|decided at", _channels(view))
    yield _table("Services", "who|may|what|decided at", _services(view))
    yield _table("Interrupts", "interrupt|of|delivered to|id|trigger|decided at", _interrupts(view))
    yield _table("Devices", "device|registers|interrupt|reached by|DMA|addresses that its driver knows", _devices(view))
    yield _table("Memory regions", "region|kind|size|physical address|from|decided at", map(_region, view.regions))
    yield _table("Physical memory", "start|end|size|kind|what", _memory(view))
    yield _table("Values in ELFs", "ELF|symbol|value|computed from|asked for at", _patches(view))


def _table(title: str, heads: str, rows: Iterator[Row]) -> str:
    lines = [_row(row) for row in rows]
    if not lines:
        return ""
    head = "".join(f"<th>{escape(one)}</th>" for one in heads.split("|"))
    return f"<h2>{escape(title)}</h2>\n<table>\n<tr>{head}</tr>\n{''.join(lines)}</table>\n"


def _row(row: Row) -> str:
    where = "" if row.start is None else f' data-start="{row.start}" data-end="{row.end}"'
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in row.cells)
    return f'<tr class="entry" data-name="{escape(row.name)}"{where}>{cells}</tr>\n'


def _at(place: Place) -> str:
    return f"{place.file}:{place.line}"


def _maps(view: SystemView) -> Iterator[Row]:
    for owner, maps in view.spaces():
        for m in maps:
            rights = rights_words(m.rights, cached=m.cached)
            size = "" if m.size_bytes is None else about_text(m.size_bytes)
            cells = (m.region, owner, rights, hex(m.address), size, m.why, _at(m.place))
            yield Row(m.region, cells, m.address, m.address + (m.size_bytes or PAGE_BYTES))


def _owners(view: SystemView) -> Iterator[Row]:
    for domain in sorted(view.domains, key=lambda domain: (-domain.priority, domain.name)):
        yield _domain(domain)
        if domain.machine is not None:
            machine = domain.machine
            times = time_words(machine.budget_us, machine.period_us)
            kind = f"virtual machine of {domain.name}"
            yield Row(machine.name, (machine.name, kind, str(machine.priority), times, "", _at(machine.place)))


def _domain(domain: DomainView) -> Row:
    kind = f"child {domain.id} of {domain.parent}" if domain.parent else "protection domain"
    times = time_words(domain.budget_us, domain.period_us)
    return Row(domain.name, (domain.name, kind, str(domain.priority), times, domain.program_image, _at(domain.place)))


def _channels(view: SystemView) -> Iterator[Row]:
    for channel in view.channels:
        cells: list[str] = []
        for end in channel.ends:
            may = ["notify"] * end.notifies + ["call"] * end.calls
            cells += [end.domain, str(end.id), " and ".join(may) or "nothing"]
        yield Row(channel.ends[0].domain, (*cells, _at(channel.place)))


def _services(view: SystemView) -> Iterator[Row]:
    for one in view.services:
        yield Row(one.who, (one.who, " and ".join(one.may), one.what, _at(one.place)))


def _interrupts(view: SystemView) -> Iterator[Row]:
    for domain in view.domains:
        for one in domain.interrupts:
            cells = (f"interrupt {one.irq}", slots_text(one.devices), domain.name, str(one.id), one.trigger)
            yield Row(domain.name, (*cells, _at(one.place)))


def _devices(view: SystemView) -> Iterator[Row]:
    for one in view.devices:
        interrupt = "" if one.interrupt is None else f"interrupt {one.interrupt}"
        reach = "any physical memory" if one.dma else "no"
        cells = (one.name, hex(one.address), interrupt, ", ".join(one.reached_by), reach, ", ".join(one.told))
        yield Row(one.name, cells, one.address, one.address + one.size_bytes)


def _region(region: RegionView) -> Row:
    size = "" if region.size_bytes is None else about_text(region.size_bytes)
    place = "anywhere" if region.phys_addr is None else hex(region.phys_addr)
    cells = (region.name, region.kind, size, place, region.why, _at(region.place))
    if region.phys_addr is None:
        return Row(region.name, cells)
    return Row(region.name, cells, region.phys_addr, region.phys_addr + (region.size_bytes or PAGE_BYTES))


def _memory(view: SystemView) -> Iterator[Row]:
    for one in view.memory:
        cells = (hex(one.start), hex(one.end), about_text(one.end - one.start), one.kind, one.name)
        yield Row(one.name, cells, one.start, one.end)


def _patches(view: SystemView) -> Iterator[Row]:
    for one in view.patches:
        value = (
            hex(one.value) if isinstance(one.value, int) else "learned later" if one.value is None else str(one.value)
        )
        yield Row(one.symbol, (one.elf, one.symbol, value, one.expression, _at(one.place)))
