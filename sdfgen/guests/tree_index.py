"""A device tree by paths: nodes, and where their registers are as the CPU sees them.

Chapter 2.3 of the Devicetree Specification: `reg` counts in the parent's cells, and `ranges` leads to the bus above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.read.flat_tree import TreeNode

_CELL_BYTES = 4
_MOST_CELLS = 2
"""Addresses of three cells are PCI's, and none of the CPU's."""
_ENABLED = ("", "okay", "ok")


class Range(NamedTuple):
    """Addresses of a bus, from where the CPU sees them."""

    bus: int
    cpu: int
    size_bytes: int


class _Bus(NamedTuple):
    """What lies around a node: cells of an address and of a size, and the bus's ranges; None when it has none."""

    address_cells: int
    size_cells: int
    ranges: tuple[Range, ...] | None


_EVERYTHING = (Range(0, 0, 2**64),)


class Indexed(NamedTuple):
    """A node, and where its registers are: start and size of each; nothing when that cannot be told."""

    node: TreeNode
    registers: tuple[tuple[int, int], ...]

    @property
    def is_enabled(self) -> bool:
        """Linux makes a device of it."""
        return self.node.text("status") in _ENABLED


def index(root: TreeNode) -> dict[str, Indexed]:
    """Return every node below the root by its path; of two with one path, the first.

    Args:
        root: The root.
    """
    found: dict[str, Indexed] = {}
    for path, indexed in _below(root, "", _EVERYTHING):
        found.setdefault(path, indexed)
    return found


def ancestors(path: str) -> Iterator[str]:
    """Yield the paths of the nodes around one, the nearest first; not the root's."""
    while path := path.rpartition("/")[0]:
        yield path


def _below(node: TreeNode, path: str, ranges: tuple[Range, ...] | None) -> Iterator[tuple[str, Indexed]]:
    bus = _Bus(node.cell("#address-cells", 2) or 0, node.cell("#size-cells", 1) or 0, ranges)
    for child in node.children:
        below = f"{path}/{child.name}"
        yield below, Indexed(child, tuple(_registers(child, bus)))
        yield from _below(child, below, _ranges(child, bus))


def _registers(node: TreeNode, bus: _Bus) -> Iterator[tuple[int, int]]:
    for address, size_bytes in _rows(node.properties.get("reg", b""), bus.address_cells, bus.size_cells):
        start = _seen(address, bus.ranges or ())
        if start is not None:
            yield start, size_bytes


def _ranges(node: TreeNode, bus: _Bus) -> tuple[Range, ...] | None:
    """Return what the CPU sees of a node's own bus."""
    data = node.properties.get("ranges")
    if data is None or bus.ranges is None:
        return None
    if not data:
        return bus.ranges
    own = (node.cell("#address-cells", 2) or 0, bus.address_cells, node.cell("#size-cells", 1) or 0)
    rows = ((low, _seen(up, bus.ranges), size_bytes) for low, up, size_bytes in _rows(data, *own))
    return tuple(Range(low, cpu, size_bytes) for low, cpu, size_bytes in rows if cpu is not None)


def _seen(address: int, ranges: tuple[Range, ...]) -> int | None:
    return next((r.cpu + address - r.bus for r in ranges if r.bus <= address < r.bus + r.size_bytes), None)


def _rows(data: bytes, *cells: int) -> Iterator[tuple[int, ...]]:
    """Yield rows of numbers of so many cells each; nothing of what is no whole number of rows."""
    row_bytes = sum(cells) * _CELL_BYTES
    if not row_bytes or len(data) % row_bytes or max(cells) > _MOST_CELLS:
        return
    for start in range(0, len(data), row_bytes):
        numbers = []
        for count in cells:
            numbers.append(int.from_bytes(data[start : start + count * _CELL_BYTES]))
            start += count * _CELL_BYTES  # noqa: PLW2901 - the next number's
        yield tuple(numbers)
