"""A system as a picture: boxes and lines, then memory to scale."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.views.graph import DEVICE
from sdfgen.views.layered import Edge, Node, layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.views.graph import Box, Graph, Key, Line
    from sdfgen.views.layered import Layout, Link, Piece, Way

CHARACTER = 6.65
"""Width of a character of the font, 11 px; what a browser has may be a little narrower."""
ROW = 15.0
"""Height of a row of text."""
_PAD = 8.0
_LINE = 7.0
"""Between the ends of lines, about, where half of them are at each side."""
_HEAD = 19.0
"""Height of a box's name."""

STYLE = """\
text { font: 11px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #202124; }
.name { font-weight: bold; font-size: 12px; }
.title { font-weight: bold; font-size: 15px; }
.box rect { stroke-width: 1.2; rx: 4px; }
.domain > rect { fill: #e8f0fe; stroke: #3367d6; }
.machine > rect { fill: #e6f4ea; stroke: #188038; }
.device > rect { fill: #fef7e0; stroke: #b06000; }
.region > rect { fill: #f3e8fd; stroke: #8430ce; }
.dma > rect { fill: #fce8e6; stroke: #c5221f; stroke-width: 3; }
.line path { fill: none; stroke: #5f6368; stroke-width: 1.2; }
.line.reach path { stroke: #c5221f; stroke-dasharray: 5 3; }
.line rect { fill: #ffffff; fill-opacity: 0.92; stroke: #dadce0; stroke-width: 0.6; }
.range rect { stroke: #5f6368; stroke-width: 0.4; }
.range path { fill: none; stroke: #9aa0a6; stroke-width: 0.6; }
.kernel rect, .root-server rect { fill: #9aa0a6; }
.reserved rect { fill: #c5221f; }
.range.region rect { fill: #ceb3f0; }
.range.device rect { fill: #fbbc04; }
.free rect { fill: #ffffff; }
.map rect { fill: #aecbfa; }
.emulated rect { fill: #fde293; }
"""


class Drawn(NamedTuple):
    """A part of a picture: its elements, and its size."""

    text: str
    width: float
    height: float


def document(parts: list[Drawn], title: str) -> str:
    """Return parts below each other as an SVG file.

    Args:
        parts: The parts.
        title: What they show.
    """
    width = max([part.width for part in parts] + [len(title) * 10.0]) + 2 * _PAD
    y, body = 30.0, [f'<text class="title" x="{_PAD:g}" y="20">{escape(title)}</text>']
    for part in parts:
        body.append(f'<g transform="translate({_PAD:g} {y:g})">\n{part.text}</g>')
        y += part.height + 24
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{y:.0f}"'
    view = f'viewBox="0 0 {width:.0f} {y:.0f}" role="img"'
    style = f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n{_MARKERS}"
    back = '<rect width="100%" height="100%" fill="#ffffff"/>'
    return f"{head} {view}>\n{style}{back}\n" + "\n".join(body) + "\n</svg>\n"


_MARKERS = """\
<defs>
<marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse">
<path d="M0 0 L8 4 L0 8 z" fill="#5f6368"/></marker>
</defs>
"""


class _Frame(NamedTuple):
    """A box with its size, how far its own rows reach, and the boxes below them: lines end at either."""

    box: Box
    width: float
    height: float
    own: float
    inside: tuple[tuple[float, _Frame], ...]

    def sides(self, top: float = 0.0) -> Iterator[tuple[Key, tuple[float, float]]]:
        """Yield the stretch of the side that lines to each box end at."""
        yield self.box.key, (top, top + self.own)
        for offset, frame in self.inside:
            yield from frame.sides(top + offset)


def _frame(box: Box, ends: dict[Key, int]) -> _Frame:
    """Make a box large enough for its text, the boxes in it, and the lines that end at it."""
    inner = [_frame(one, ends) for one in box.inside]
    y = rows = max(_HEAD + ROW * len(box.rows), _LINE * ends.get(box.key, 0)) + _PAD / 2
    inside = []
    for frame in inner:
        inside.append((y, frame))
        y += frame.height + _PAD
    text = max(map(len, (f"{box.name}  ", *box.rows))) * CHARACTER + 2 * _PAD
    width = max([text, *(frame.width + 2 * _PAD for frame in inner)])
    return _Frame(box, width, y + _PAD / 2, rows, tuple(inside))


def draw_graph(graph: Graph) -> Drawn:
    """Return boxes and lines as a picture.

    Args:
        graph: The boxes and lines.
    """
    ends = Counter(end for line in graph.lines for end in (line.one, line.two))
    frames = [_frame(box, ends) for box in graph.boxes]
    homes = {one.key: number for number, frame in enumerate(frames) for one in frame.box.all()}
    sides = dict(side for frame in frames for side in frame.sides())
    nodes = [Node(frame.width, frame.height, frame.box.kind == DEVICE) for frame in frames]
    lines = [line for line in graph.lines if homes[line.one] != homes[line.two]]
    edges = [
        Edge(homes[one.one], homes[one.two], sides[one.one], sides[one.two], *_label_size(one), one.dma)
        for one in lines
    ]
    placed = layout(nodes, edges)
    parts = [_drawn_box(frame, *_corner(placed, piece)) for frame, piece in zip(frames, placed.nodes, strict=True)]
    parts += [_drawn_line(placed, way, line) for way, line in zip(placed.ways, lines, strict=True)]
    return Drawn("".join(parts), placed.width, placed.height)


def _corner(placed: Layout, piece: Piece) -> tuple[float, float]:
    """Return the left and upper corner of a piece, which stands in the middle of its column."""
    x, width = placed.columns[piece.column]
    return x + (width - piece.width) / 2, piece.y - piece.height / 2


def _drawn_box(frame: _Frame, x: float, y: float) -> str:
    box = frame.box
    rows = [f'<text class="name" x="{_PAD:g}" y="14">{escape(box.name)}</text>']
    rows += [
        f'<text x="{_PAD:g}" y="{_HEAD + ROW * (n + 0.7):g}">{escape(row)}</text>' for n, row in enumerate(box.rows)
    ]
    inner = "".join(_drawn_box(one, _PAD, offset) for offset, one in frame.inside)
    kinds = f"box {box.kind}{' dma' if box.dma else ''}"
    rect = f'<rect width="{frame.width:.1f}" height="{frame.height:.1f}"/>'
    return (
        f'<g class="{kinds}" data-name="{escape(box.name)}" transform="translate({x:.1f} {y:.1f})">'
        f"{rect}{''.join(rows)}\n{inner}</g>\n"
    )


def _label_size(line: Line) -> tuple[float, float]:
    return sum(_cells(line)) * CHARACTER + 4 * CHARACTER + _PAD, ROW * len(line.labels) + 4


def _cells(line: Line) -> list[int]:
    """Return how many characters the cells of a line's label have."""
    return [max(map(len, column)) for column in zip(*line.labels, strict=True)]


def _drawn_line(placed: Layout, way: Way, line: Line) -> str:
    shown = line.turned() if way.turned else line
    steps = [_step(placed, link) for link in way.links]
    first, last = way.links[0], way.links[-1].two
    start = _corner(placed, first.one)[0] + first.one.width
    steps = [f"M{start:.1f} {first.one.y + first.at_one:.1f}", *steps, f"H{_corner(placed, last)[0]:.1f}"]
    markers = ' marker-start="url(#to)"' * shown.to_one + ' marker-end="url(#to)"' * shown.to_two
    kind = "line reach" if line.dma else "line"
    names = f'data-one="{escape(line.one[1])}" data-two="{escape(line.two[1])}"'
    label = _drawn_label(shown, *_corner(placed, way.label), *_label_size(line))
    return f'<g class="{kind}" {names}><path d="{" ".join(steps)}"{markers}/>{label}</g>\n'


def _step(placed: Layout, link: Link) -> str:
    """Return the part of a path from column to column; inside columns lines are level, so that they cross no box."""
    left, width = placed.columns[link.one.column]
    x1, y1 = left + width, link.one.y + link.at_one
    x2, y2 = placed.columns[link.two.column][0], link.two.y + link.at_two
    middle = (x1 + x2) / 2
    return f"H{x1:.1f} C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"


def _drawn_label(line: Line, x: float, y: float, width: float, height: float) -> str:
    one, what, _ = _cells(line)
    columns = (x + _PAD / 2, x + _PAD / 2 + (one + 2) * CHARACTER, x + _PAD / 2 + (one + what + 4) * CHARACTER)
    rows = []
    for number, label in enumerate(line.labels):
        at = y + ROW * (number + 0.8)
        rows += [
            f'<text x="{left:.1f}" y="{at:.1f}">{escape(cell)}</text>'
            for left, cell in zip(columns, label, strict=True)
            if cell
        ]
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>{"".join(rows)}'
