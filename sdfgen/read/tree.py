"""Device trees with places, from source or from the flattened form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.faults.source import Source, Where
from sdfgen.read.flat_tree import CELL
from sdfgen.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.read.flat_tree import TreeNode


class Cell(NamedTuple):
    """A number of 32 bits, None where it is not known here; `ref` is what a phandle leads to."""

    value: int | None
    where: Where
    ref: str = ""


class Property(NamedTuple):
    """A property: its numbers, and its strings; one that is both has them in no order."""

    name: str
    where: Where
    cells: tuple[Cell, ...] = ()
    strings: tuple[str, ...] = ()


class Node:
    """A node; `where` is the place of its name."""

    __slots__ = ("children", "name", "parent", "properties", "where")

    def __init__(self, name: str, parent: Node | None, where: Where | None = None) -> None:
        self.name = name
        self.parent = parent
        self.where = where
        self.properties: dict[str, Property] = {}
        self.children: dict[str, Node] = {}

    @property
    def path(self) -> str:
        """Its path from the root."""
        names: list[str] = []
        node = self
        while node.parent is not None:
            names.append(node.name)
            node = node.parent
        return "/" + "/".join(reversed(names))

    def number(self, name: str, value: int, where: Where) -> None:
        """Give it a property of one number."""
        self.properties[name] = Property(name, where, (Cell(value, where),))

    def find(self, path: str) -> Node | None:
        """Return the node of a path below it."""
        node: Node | None = self
        for name in filter(None, path.split("/")):
            node = None if node is None else node.children.get(name)
        return node

    def walk(self) -> Iterator[Node]:
        """Yield it and every node in it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children.values()))

    def cell(self, name: str, default: int | None = None) -> int | None:
        """Return a property's first number."""
        found = self.properties.get(name)
        return found.cells[0].value if found is not None and found.cells else default

    def strings(self, name: str) -> tuple[str, ...]:
        """Return a property's strings."""
        found = self.properties.get(name)
        return found.strings if found is not None else ()


def of_flat(root: TreeNode, name: str) -> Node:
    """Return a tree that was flattened; all of it has the file for a place.

    Args:
        root: Its root.
        name: What to call the file.
    """
    where = Where(Source(name, ""))
    return _of_flat(root, None, where)


def _of_flat(flat: TreeNode, parent: Node | None, where: Where) -> Node:
    node = Node(flat.name, parent, where)
    for name, data in flat.properties.items():
        cells = tuple(Cell(value, where) for (value,) in CELL.iter_unpack(data)) if len(data) % CELL.size == 0 else ()
        strings = tuple(part.decode(errors="replace") for part in data.removesuffix(b"\0").split(b"\0"))
        node.properties[name] = Property(name, where, cells, strings if data.endswith(b"\0") else ())
    node.children = {child.name: _of_flat(child, node, where) for child in flat.children}
    return node
