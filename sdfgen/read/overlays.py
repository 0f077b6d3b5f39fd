"""Overlays of device trees: their fragments laid over the nodes that they are for, and references made into numbers.

Documentation/devicetree/overlay-notes.rst and dt-object-internal.txt of dtc tell how both look when they are compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.read.flat_tree import CELL
from sdfgen.read.tree import Cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.source import Where
    from sdfgen.read.tree import Node, Property

CONTENT = "__overlay__"
_FIXUPS, _LOCAL_FIXUPS, _SYMBOLS = "__fixups__", "__local_fixups__", "__symbols__"
_PHANDLE = "phandle"

Labels = dict[str, "Node"]
Unresolved = list[tuple[str, "Where"]]


def lay_over(root: Node, added: Node, labels: Labels) -> None:
    """Lay a tree that was flattened over another, with the labels that its symbols tell.

    Args:
        root: The tree.
        added: What goes over it; it is taken apart.
        labels: Nodes by label.
    """
    _above(added, max((node.cell(_PHANDLE) or 0 for node in root.walk()), default=0))
    for label, prop in _own(added, _FIXUPS):
        for text in prop.strings:
            path, name, offset = (*text.rsplit(":", 2), "", "")[:3]
            _set(added.find(path), name, offset, f"&{label}")
    symbols = [(label, prop.strings) for label, prop in _own(added, _SYMBOLS)]
    for name in (_FIXUPS, _LOCAL_FIXUPS, _SYMBOLS):
        added.children.pop(name, None)
    found = {label: node for label, paths in symbols for node in (added.find(paths[0]),) if paths and node}
    for label, node in found.items():
        labels[label] = node
    _merge(root, added, labels)


def apply_fragments(root: Node, labels: Labels, unresolved: Unresolved) -> None:
    """Lay the fragments of overlays over the nodes that they name, and take them away.

    Args:
        root: The tree that they stand in.
        labels: Nodes by label.
        unresolved: Takes what leads to no node.
    """
    for fragment in [node for node in root.children.values() if CONTENT in node.children]:
        del root.children[fragment.name]
        content = fragment.children[CONTENT]
        target, words = _target(fragment, root, labels)
        if target is not None:
            _merge(target, content, labels)
        elif fragment.where is not None:
            unresolved.append((words or fragment.name, fragment.where))


def resolve(root: Node, labels: Labels) -> None:
    """Give nodes that are referred to a number, and put it where they are referred to.

    Args:
        root: The tree.
        labels: Nodes by label.
    """
    nodes = list(root.walk())
    last = max((node.cell(_PHANDLE) or 0 for node in nodes), default=0)
    for node in nodes:
        for name, prop in node.properties.items():
            if not any(cell.ref and cell.value is None for cell in prop.cells):
                continue
            cells = []
            for cell in prop.cells:
                target = node_of(cell.ref, root, labels) if cell.ref and cell.value is None else None
                if target is not None and target.cell(_PHANDLE) is None:
                    last += 1
                    target.number(_PHANDLE, last, cell.where)
                cells.append(cell if target is None else cell._replace(value=target.cell(_PHANDLE)))
            node.properties[name] = prop._replace(cells=tuple(cells))


def node_of(reference: str, root: Node, labels: Labels) -> Node | None:
    """Return the node that `&label` or `&{/path}` leads to; None where there is none."""
    return root.find(reference[2:-1]) if reference.startswith("&{") else labels.get(reference[1:])


def _own(root: Node, name: str) -> Iterator[tuple[str, Property]]:
    found = root.children.get(name)
    yield from found.properties.items() if found is not None else ()


def _above(added: Node, last: int) -> None:
    """Move an overlay's numbers of nodes, and what refers to them, above those of the tree that it is for."""
    fixups = added.children.get(_LOCAL_FIXUPS)
    if not last or fixups is None:
        return
    for node in list(added.walk()):
        own = node.cell(_PHANDLE)
        if own is not None:
            node.number(_PHANDLE, own + last, node.properties[_PHANDLE].where)
    for fixup in fixups.walk():
        target = added.find(fixup.path.removeprefix(fixups.path))
        for name, offsets in fixup.properties.items():
            for offset in offsets.cells:
                _add(target, name, offset.value, last)


def _add(node: Node | None, name: str, offset: int | None, amount: int) -> None:
    prop = node.properties.get(name) if node else None
    at = (offset or 0) // CELL.size
    if node is not None and prop is not None and at < len(prop.cells):
        value = prop.cells[at].value
        moved = prop.cells[at]._replace(value=None if value is None else value + amount)
        node.properties[name] = prop._replace(cells=(*prop.cells[:at], moved, *prop.cells[at + 1 :]))


def _set(node: Node | None, name: str, offset: str, reference: str) -> None:
    prop = node.properties.get(name) if node else None
    at = int(offset) // CELL.size if offset.isdecimal() and len(offset) < CELL.size * 2 else -1
    if node is not None and prop is not None and 0 <= at < len(prop.cells):
        cell = Cell(None, prop.cells[at].where, reference)
        node.properties[name] = prop._replace(cells=(*prop.cells[:at], cell, *prop.cells[at + 1 :]))


def _target(fragment: Node, root: Node, labels: Labels) -> tuple[Node | None, str]:
    """Return the node that a fragment is for, and what it calls it."""
    path = next(iter(fragment.strings("target-path")), "")
    if path:
        return root.find(path), path
    prop = fragment.properties.get("target")
    cell = prop.cells[0] if prop and prop.cells else None
    if cell is None or (not cell.ref and cell.value is None):
        return None, ""
    if cell.ref:
        return node_of(cell.ref, root, labels), cell.ref
    found = (node for node in root.walk() if node.cell(_PHANDLE) == cell.value)
    return next(found, None), f"phandle {cell.value}"


def _merge(into: Node, added: Node, labels: Labels) -> None:
    """Lay a node over another; labels of what becomes one lead to that."""
    became = {id(added): into}
    waiting = [(into, added)]
    while waiting:
        target, node = waiting.pop()
        became[id(node)] = target
        target.properties |= node.properties
        for child in node.children.values():
            old = target.children.get(child.name)
            if old is None:
                child.parent = target
                target.children[child.name] = child
            else:
                waiting.append((old, child))
    labels.update({label: became[id(node)] for label, node in labels.items() if id(node) in became})
