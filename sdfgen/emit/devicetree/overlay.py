"""Overlays as blobs: fragments for nodes by path, and where in them phandles stand.

Whoever applies an overlay gives its nodes phandles that the tree does not have yet, and needs to know
each cell that holds one: `__local_fixups__` mirrors the tree and lists their offsets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.emit.devicetree.tree import ROOT, Cells, Node, Property, blob, strings

if TYPE_CHECKING:
    from collections.abc import Iterator

_FRAGMENT = "fragment@0"
_OVERLAY = "__overlay__"
_FIXUPS = "__local_fixups__"
_CELL_BYTES = 4


def overlay_blob(tree: Node) -> bytes:
    """Return the .dtbo file of an overlay of the root.

    Args:
        tree: Its content.
    """
    content = Node(_OVERLAY, tree.properties, tree.children)
    fragment = Node(_FRAGMENT, (strings("target-path", "/"),), (content,))
    fixups = _fixups(Node(_FIXUPS, (), (Node(_FRAGMENT, (), (content,)),)))
    return blob(Node(ROOT, (), (fragment, *((fixups,) if fixups else ()))))


def _fixups(node: Node) -> Node | None:
    """Return a tree of the same names with the offsets of phandles; None when there is none below."""
    own = [
        Property(name, (Cells(offsets),)) for name, values, _ in node.properties if (offsets := tuple(_refs(values)))
    ]
    below = tuple(fixups for child in node.children if (fixups := _fixups(child)) is not None)
    return Node(node.name, tuple(own), below) if own or below else None


def _refs(values: tuple[Cells | str, ...]) -> Iterator[int]:
    """Yield the offsets of the cells that refer to a node."""
    offset = 0
    for value in values:
        if isinstance(value, str):
            offset += len(value.encode()) + 1
            continue
        for cell in value.values:
            if isinstance(cell, str):
                yield offset
            offset += _CELL_BYTES
