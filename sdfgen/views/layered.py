"""A layered layout: boxes in columns from left to right, lines between them, their labels in columns between.

Boxes get their columns by how far they are from the hardware; each line is cut into pieces from column to column, with
its label as a piece in the middle, so that no label lies over anything. The order in a column is settled by sweeps
that look at neighbours (barycentres), the height by a regression (`stack`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple
from sdfgen.views.stack import stacked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SWEEPS = 12
_GAP = 14.0
"""Between what is above each other."""
_COLUMN_GAP = 36.0
"""Between columns."""


class Node(NamedTuple):
    """A box to place; `first` are those that stand at the left."""

    width: float
    height: float
    first: bool = False


class Edge(NamedTuple):
    """A line to place.

    Attributes:
        one: The number of a node.
        two: That of the other.
        side_one: The stretch of the first one's side that it ends at.
        side_two: Likewise.
        width: Its label's.
        height: Its label's.
        weak: It does not bring its nodes near each other.
    """

    one: int
    two: int
    side_one: tuple[float, float]
    side_two: tuple[float, float]
    width: float
    height: float
    weak: bool = False


class Piece:
    """A node, or a part of a line, in a column."""

    def __init__(self, column: int, width: float, height: float) -> None:
        self.column = column
        self.width = width
        self.height = height
        self.order = 0.0
        self.y = 0.0
        self.left: list[Link] = []
        self.right: list[Link] = []


class Link:
    """A part of a line between two pieces; heights of its ends count from the middles of the pieces."""

    def __init__(self, one: Piece, two: Piece) -> None:
        self.one, self.two = one, two
        self.at_one = self.at_two = 0.0
        self.side_one = self.side_two = (0.0, 0.0)
        one.right.append(self)
        two.left.append(self)


class Way(NamedTuple):
    """Where a line runs: whether it was turned round, its links, and the piece that is its label."""

    turned: bool
    links: tuple[Link, ...]
    label: Piece


class Layout(NamedTuple):
    """What was placed: the pieces of the nodes, the ways of the edges, where each column is, and how large all is."""

    nodes: tuple[Piece, ...]
    ways: tuple[Way, ...]
    columns: tuple[tuple[float, float], ...]
    width: float
    height: float


def layout(nodes: Sequence[Node], edges: Sequence[Edge]) -> Layout:
    """Place nodes and edges.

    Args:
        nodes: The nodes.
        edges: The edges, each between two nodes.
    """
    ranks = _ranks(nodes, edges)
    pieces = tuple(Piece(2 * rank, node.width, node.height) for rank, node in zip(ranks, nodes, strict=True))
    ways = tuple(_way(pieces, edge) for edge in edges)
    columns = _columns(pieces, ways)
    _order(columns)
    _place(columns)
    return _measured(pieces, ways, columns)


def _ranks(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[int]:
    """Return each node's column: the longest way to it, when all lines lead away from the hardware."""
    near = _neighbours(nodes, edges)
    order = _order_of_distance(nodes, _neighbours(nodes, [edge for edge in edges if not edge.weak]))
    place = {number: index for index, number in enumerate(order)}
    ranks = [0] * len(nodes)
    for number in order:
        before = [ranks[other] + 1 for other in near[number] if place[other] < place[number]]
        ranks[number] = max(before, default=0)
    return ranks


def _neighbours(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[list[int]]:
    near: list[list[int]] = [[] for _ in nodes]
    for edge in edges:
        near[edge.one].append(edge.two)
        near[edge.two].append(edge.one)
    return near


def _order_of_distance(nodes: Sequence[Node], near: list[list[int]]) -> list[int]:
    """Return the nodes by their distance from those that are first, of every part that hangs together."""
    starts = [number for number, node in enumerate(nodes) if node.first]
    starts += sorted(range(len(nodes)), key=lambda number: (-len(near[number]), number))
    distance: dict[int, int] = {}
    found = _walk([number for number in starts if nodes[number].first], near, distance)
    for number in starts:
        if number not in distance:
            found += _walk([number], near, distance)
    return found


def _walk(starts: list[int], near: list[list[int]], distance: dict[int, int]) -> list[int]:
    """Return what hangs together with some nodes, the nearest first; of equally near ones, those with fewer lines."""
    found: list[int] = []
    edge = starts
    distance |= dict.fromkeys(starts, 0)
    while edge:
        found += sorted(edge, key=lambda number: (len(set(near[number])), number))
        after = dict.fromkeys(other for number in edge for other in near[number] if other not in distance)
        distance |= dict.fromkeys(after, distance[edge[0]] + 1)
        edge = list(after)
    return found


def _way(pieces: Sequence[Piece], edge: Edge) -> Way:
    """Cut a line into links from column to column, from left to right."""
    turned = pieces[edge.one].column > pieces[edge.two].column
    one, two = pieces[edge.two if turned else edge.one], pieces[edge.one if turned else edge.two]
    sides = (edge.side_two, edge.side_one) if turned else (edge.side_one, edge.side_two)
    middle = (one.column + two.column) // 2 | 1
    between = [Piece(column, 0.0, 1.0) for column in range(one.column + 1, two.column)]
    label = between[middle - one.column - 1]
    label.width, label.height = edge.width, edge.height
    chain = [one, *between, two]
    links = tuple(Link(left, right) for left, right in pairwise(chain))
    links[0].side_one, links[-1].side_two = sides
    return Way(turned, links, label)


def _columns(pieces: Sequence[Piece], ways: Sequence[Way]) -> list[list[Piece]]:
    parts = [*pieces, *(link.two for way in ways for link in way.links[:-1])]
    columns: list[list[Piece]] = [[] for _ in range(max((piece.column for piece in parts), default=0) + 1)]
    for piece in parts:
        columns[piece.column].append(piece)
    for column in columns:
        _number(column)
    return columns


def _number(column: list[Piece]) -> None:
    for index, piece in enumerate(column):
        piece.order = float(index)


def _order(columns: list[list[Piece]]) -> None:
    """Settle the order in each column by sweeps to and fro; the one with the fewest crossings stays."""
    best, fewest = [list(column) for column in columns], _crossings(columns)
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(key=_barycentre(leftwards=sweep % 2 == 0))
            _number(column)
        crossings = _crossings(columns)
        if crossings < fewest:
            best, fewest = [list(column) for column in columns], crossings
    columns[:] = best
    for column in columns:
        _number(column)


def _barycentre(*, leftwards: bool) -> Callable[[Piece], float]:
    """Return what pieces are sorted by: the mean of where their lines end in the neighbouring column."""

    def mean(piece: Piece) -> float:
        links = piece.left if leftwards else piece.right
        ends = [
            (link.one.order + link.side_one[0] / 1e5) if leftwards else (link.two.order + link.side_two[0] / 1e5)
            for link in links
        ]
        return sum(ends) / len(ends) if ends else piece.order

    return mean


def _crossings(columns: list[list[Piece]]) -> int:
    return sum(_crossings_behind(column) for column in columns)


def _crossings_behind(column: list[Piece]) -> int:
    """Count pairs of links that cross between a column and the next."""
    ends = sorted(
        (link.one.order, link.side_one[0], link.two.order, link.side_two[0]) for piece in column for link in piece.right
    )
    return sum(two[2:] < one[2:] for index, one in enumerate(ends) for two in ends[index + 1 :] if one[:2] < two[:2])


def _place(columns: list[list[Piece]]) -> None:
    """Give each piece its height, near those that it has lines to."""
    for column in columns:
        _stack(column, [0.0] * len(column))
    for sweep in range(_SWEEPS):
        _ports(columns)
        for column in columns if sweep % 2 == 0 else reversed(columns):
            _stack(column, [_wanted(piece) for piece in column])
    _ports(columns)


def _stack(column: list[Piece], wanted: list[float]) -> None:
    places = stacked(wanted, [piece.height for piece in column], _GAP)
    for piece, y in zip(column, places, strict=True):
        piece.y = y


def _wanted(piece: Piece) -> float:
    """Return the height at which a piece's lines would be level."""
    ends = [link.one.y + link.at_one - link.at_two for link in piece.left]
    ends += [link.two.y + link.at_two - link.at_one for link in piece.right]
    return sum(ends) / len(ends) if ends else piece.y


def _ports(columns: list[list[Piece]]) -> None:
    """Spread the ends of lines over the stretch of the side that they end at."""
    for piece in (piece for column in columns for piece in column):
        for side, links in _sides(piece.right, at_one=True).items():
            for index, link in enumerate(sorted(links, key=lambda link: link.two.y + link.at_two)):
                link.at_one = _port(piece, side, index, len(links))
        for side, links in _sides(piece.left, at_one=False).items():
            for index, link in enumerate(sorted(links, key=lambda link: link.one.y + link.at_one)):
                link.at_two = _port(piece, side, index, len(links))


def _sides(links: list[Link], *, at_one: bool) -> dict[tuple[float, float], list[Link]]:
    found: dict[tuple[float, float], list[Link]] = {}
    for link in links:
        found.setdefault(link.side_one if at_one else link.side_two, []).append(link)
    return found


def _port(piece: Piece, side: tuple[float, float], index: int, count: int) -> float:
    top, bottom = side
    return top + (bottom - top) * (index + 1) / (count + 1) - (piece.height / 2 if side != (0.0, 0.0) else 0.0)


def _measured(pieces: tuple[Piece, ...], ways: tuple[Way, ...], columns: list[list[Piece]]) -> Layout:
    """Give the columns their places, and let the topmost piece begin at 0."""
    top = min((piece.y - piece.height / 2 for column in columns for piece in column), default=0.0)
    bottom = max((piece.y + piece.height / 2 for column in columns for piece in column), default=0.0)
    places, x = [], 0.0
    for column in columns:
        width = max((piece.width for piece in column), default=0.0)
        places.append((x, width))
        x += width + _COLUMN_GAP
        for piece in column:
            piece.y -= top
    return Layout(pieces, ways, tuple(places), x - _COLUMN_GAP, bottom - top)
