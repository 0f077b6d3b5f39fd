"""Memory maps to scale: physical memory, and what each virtual machine and protection domain sees."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.units import PAGE_BYTES
from sdfgen.views.physical import FREE
from sdfgen.views.stack import stacked
from sdfgen.views.svg import CHARACTER, ROW, Drawn
from sdfgen.views.words import about_text, rights_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sdfgen.views.document import RangeView, SystemView
    from sdfgen.views.domains import MachineView, MapView

_KIB = 1024
_HEIGHT = 360.0
"""Of a map, before what is thinner than `_THINNEST` is drawn that thick."""
_THINNEST = 2.0
_BAR = 44.0
_LEADER = 26.0
_BREAK = 12.0
"""What stands for a stretch of addresses with nothing in it."""
_GAP_SHARE = 16
"""A stretch with nothing in it is left out when it is longer than this part of all that is there."""
_WIDTH = 1500.0
_APART = 30.0
_TITLE = 20.0


class Span(NamedTuple):
    """Something at addresses, and how it is drawn."""

    start: int
    end: int
    kind: str
    name: str
    text: str


def draw_maps(view: SystemView, width: float) -> Drawn:
    """Return all memory maps side by side, as many in a row as there is room for.

    Args:
        view: The system.
        width: How wide the picture is anyway.
    """
    drawn = [_drawn(title, spans) for title, spans in _spaces(view) if spans]
    limit, parts = max(width, _WIDTH), []
    x = y = tallest = widest = 0.0
    for part in drawn:
        if x and x + part.width > limit:
            x, y, tallest = 0.0, y + tallest + _APART, 0.0
        parts.append(f'<g transform="translate({x:.0f} {y:.0f})">{part.text}</g>\n')
        x, tallest = x + part.width + _APART, max(tallest, part.height)
        widest = max(widest, x - _APART)
    return Drawn("".join(parts), widest, y + tallest)


def _spaces(view: SystemView) -> Iterator[tuple[str, list[Span]]]:
    yield "physical memory", [_physical(one) for one in view.memory]
    for machine in view.machines():
        yield f"{machine.name}, guest-physical", [*_maps(machine.maps), *_emulated(machine)]
    for domain in view.domains:
        yield f"{domain.name}, virtual", list(_maps(domain.maps))


def _physical(one: RangeView) -> Span:
    text = f"free, {one.name}" if one.kind == FREE else one.name
    return Span(one.start, one.end, one.kind.replace(" ", "-"), one.name, text)


def _maps(maps: Iterable[MapView]) -> Iterator[Span]:
    for m in maps:
        text = f"{m.region} {rights_words(m.rights, cached=m.cached)}"
        yield Span(m.address, m.address + (m.size_bytes or PAGE_BYTES), "map", m.region, text)


def _emulated(machine: MachineView) -> Iterator[Span]:
    for one in machine.guest.emulated if machine.guest else ():
        yield Span(one.address, one.address + one.size_bytes, "emulated", one.name, f"{one.name} (emulated)")


def _drawn(title: str, spans: list[Span]) -> Drawn:
    spans = sorted(spans)
    parts = _parts(spans)
    scale = max(1.0, sum(high - low for low, high in parts) / _HEIGHT)
    tops = _tops(parts, scale)
    rows = [_Row(span, *_heights(span, parts, tops, scale)) for span in spans]
    labels = stacked([row.top + row.height / 2 for row in rows], [ROW - 2] * len(rows), 0.0)
    shift = max(0.0, ROW / 2 - labels[0]) + _TITLE + ROW
    body = [f'<text class="name" x="0" y="12">{escape(title)}</text>']
    body.append(f'<text x="0" y="{12 + ROW:g}">1 px is {_scale_text(scale)}, but nothing thinner than 2 px</text>')
    body += [row.drawn(label, shift) for row, label in zip(rows, labels, strict=True)]
    body += [_broken(top, shift) for top in tops[1:]]
    bottom = max(labels[-1] + ROW, tops[-1] + (parts[-1][1] - parts[-1][0]) / scale) + shift
    width = _BAR + _LEADER + max(len(row.label) for row in rows) * CHARACTER
    return Drawn("".join(body), max(width, len(title) * 7.4, 46 * CHARACTER), bottom)


def _scale_text(scale: float) -> str:
    return about_text(int(scale) // _KIB * _KIB if scale >= _KIB else int(scale))


def _parts(spans: list[Span]) -> list[tuple[int, int]]:
    """Return the stretches of addresses that are drawn: long ones with nothing in them are left out."""
    gap = sum(span.end - span.start for span in spans) // _GAP_SHARE
    parts: list[tuple[int, int]] = []
    for span in spans:
        if parts and span.start - parts[-1][1] <= gap:
            parts[-1] = parts[-1][0], max(parts[-1][1], span.end)
        else:
            parts.append((span.start, span.end))
    return parts


def _tops(parts: list[tuple[int, int]], scale: float) -> list[float]:
    tops, y = [], 0.0
    for low, high in parts:
        tops.append(y)
        y += max((high - low) / scale, _THINNEST) + _BREAK
    return tops


def _heights(span: Span, parts: list[tuple[int, int]], tops: list[float], scale: float) -> tuple[float, float]:
    """Return where a span begins, and how high it is."""
    number = next(index for index, (low, high) in enumerate(parts) if low <= span.start < max(high, low + 1))
    return tops[number] + (span.start - parts[number][0]) / scale, max((span.end - span.start) / scale, _THINNEST)


class _Row(NamedTuple):
    """A span with its place in the bar."""

    span: Span
    top: float
    height: float

    @property
    def label(self) -> str:
        """What is written beside it."""
        return f"{self.span.start:#x}  {about_text(self.span.end - self.span.start)}  {self.span.text}"

    def drawn(self, label: float, shift: float) -> str:
        """Return it with its label, and a line between."""
        y, middle, at = self.top + shift, self.top + self.height / 2 + shift, label + shift
        line = f"M{_BAR:g} {middle:.1f} L{_BAR + _LEADER * 0.3:g} {middle:.1f} L{_BAR + _LEADER - 4:g} {at:.1f}"
        return (
            f'<g class="range {self.span.kind}" data-name="{escape(self.span.name)}"'
            f' data-start="{self.span.start}" data-end="{self.span.end}">'
            f'<rect x="0" y="{y:.1f}" width="{_BAR:g}" height="{self.height:.1f}"/><path d="{line}"/>'
            f'<text x="{_BAR + _LEADER:g}" y="{at + 4:.1f}">{escape(self.label)}</text></g>\n'
        )


def _broken(top: float, shift: float) -> str:
    y = top - _BREAK / 2 + shift
    return f'<path d="M0 {y:.1f} H{_BAR:g}" stroke="#9aa0a6" stroke-dasharray="2 3"/>\n'
