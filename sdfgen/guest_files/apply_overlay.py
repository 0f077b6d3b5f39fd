"""Fits the driver VM into a board's own device tree: applies an overlay whose fragments name their target by path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdfgen.read.flat_tree import CELL, FlatTree, FlatTreeError, TreeNode, flat_tree_bytes, read_flat_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

OVERLAY = "__overlay__"
_FIXUPS = "__local_fixups__"
_PHANDLE = "phandle"
_OLD_PHANDLE = "linux,phandle"
_TARGET = "target-path"
LAST_PHANDLE = 0xFFFF_FFFE
"""Devicetree Specification, 2.3.3 and the form's two reserved values: 0 and all ones are nobody's."""


class TreeError(Exception):
    """A file is no device tree, or no overlay of the kind that sdfgen writes."""


def with_overlay(base: bytes, overlay: bytes) -> bytes:
    """Return the base tree with the overlay's properties and nodes.

    Properties of the overlay replace the base's; nodes that the base does not have are added to it.

    Args:
        base: A .dtb file.
        overlay: A .dtbo file.

    Raises:
        TreeError: When one of them cannot be read, or does not suit the other.
    """
    tree, added = _parsed(base, "the base tree"), _parsed(overlay, "the overlay")
    root, above = tree.root, highest_phandle(tree.root)
    if above + highest_phandle(added.root) > LAST_PHANDLE:
        raise TreeError(f"no phandle is left above the base tree's {above:#x}")
    for fragment in _renumbered(added.root, added.root.child(_FIXUPS), above).children:
        if fragment.name != _FIXUPS:
            root = _applied(root, fragment)
    return flat_tree_bytes(tree._replace(root=root))


def highest_phandle(node: TreeNode) -> int:
    """Return the highest phandle of a node and all below it; 0 without any.

    Args:
        node: The root of a tree.
    """
    return max(_phandles(node), default=0)


def _parsed(data: bytes, what: str) -> FlatTree:
    try:
        return read_flat_tree(data)
    except FlatTreeError as error:
        raise TreeError(f"{what} cannot be read: it {error}") from error


def _phandles(node: TreeNode) -> Iterator[int]:
    for name in (_PHANDLE, _OLD_PHANDLE):
        phandle = node.cell(name)
        if phandle is not None:
            yield phandle
    for child in node.children:
        yield from _phandles(child)


def _renumbered(node: TreeNode, fixups: TreeNode | None, above: int) -> TreeNode:
    """Move phandles, and the cells that refer to them, above those of the base tree."""
    properties = dict(node.properties)
    if _PHANDLE in properties:
        properties[_PHANDLE] = _raised(properties[_PHANDLE], 0, above)
    for name, offsets in fixups.properties.items() if fixups else ():
        for (offset,) in CELL.iter_unpack(offsets):
            properties[name] = _raised(properties[name], offset, above)
    below = (_renumbered(child, fixups.child(child.name) if fixups else None, above) for child in node.children)
    return TreeNode(node.name, properties, tuple(below))


def _raised(data: bytes, offset: int, amount: int) -> bytes:
    """Add to the cell at an offset."""
    end = offset + CELL.size
    return data[:offset] + CELL.pack(CELL.unpack(data[offset:end])[0] + amount) + data[end:]


def _applied(root: TreeNode, fragment: TreeNode) -> TreeNode:
    content = fragment.child(OVERLAY)
    applied = None if content is None else _merged_at(root, _steps(fragment.text(_TARGET)), content)
    if applied is None:
        raise TreeError(f"fragment `{fragment.name}` has no content or no target in the base tree")
    return applied


def _steps(path: str) -> list[str]:
    return [step for step in path.split("/") if step]


def _merged_at(node: TreeNode, steps: list[str], content: TreeNode) -> TreeNode | None:
    """Merge content into the node that a path leads to; None when it leads nowhere."""
    if not steps:
        return _merged(node, content)
    target = node.child(steps[0])
    below = None if target is None else _merged_at(target, steps[1:], content)
    if below is None:
        return None
    return node._replace(children=tuple(below if child is target else child for child in node.children))


def _merged(target: TreeNode, added: TreeNode) -> TreeNode:
    children = list(target.children)
    for node in added.children:
        at = next((index for index, child in enumerate(children) if child.name == node.name), None)
        if at is None:
            children.insert(0, node)  # as libfdt does, so that all tools give one order
        else:
            children[at] = _merged(children[at], node)
    return TreeNode(target.name, {**target.properties, **added.properties}, tuple(children))
