"""Fits the driver VM into a board's own device tree: applies an overlay whose fragments name their target by path."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import fdt

_OVERLAY = "__overlay__"
_FIXUPS = "__local_fixups__"
_PHANDLE = "phandle"
_CELL = struct.Struct(">I")
_TARGET = "target-path"


class TreeError(Exception):
    """A file is no device tree, or no overlay of the kind that sdfgen writes."""


def with_overlay(base: bytes, overlay: bytes) -> bytes:
    """Return the base tree with the overlay's properties and nodes.

    Properties of the overlay replace the base's; nodes that the base does not have are added to it.

    Args:
        base: A .dtb file.
        overlay: A .dtbo file.

    Raises:
        TreeError: When one of them cannot be read.
    """
    tree, added = _parsed(base, "the base tree"), _parsed(overlay, "the overlay")
    _renumber(added.root, max(_phandles(tree.root), default=0))
    for fragment in (node for node in added.root.nodes if node.name != _FIXUPS):
        path = fragment.get_property(_TARGET)
        content = next((node for node in fragment.nodes if node.name == _OVERLAY), None)
        target = tree.get_node(path.value) if path is not None and tree.exist_node(path.value) else None
        if content is None or target is None:
            raise TreeError(f"fragment `{fragment.name}` has no content or no target in the base tree")
        _merge(target, content)
    return bytes(tree.to_dtb())


def _parsed(data: bytes, what: str) -> fdt.FDT:
    import fdt

    try:
        return fdt.parse_dtb(data)
    except Exception as error:  # the library raises whatever its indexing does
        raise TreeError(f"{what} cannot be read: {error}") from error


def _phandles(node: Any) -> Iterator[int]:  # noqa: ANN401 - the library has no types
    for prop in node.props:
        if prop.name == _PHANDLE:
            yield prop.value
    for child in node.nodes:
        yield from _phandles(child)


def _renumber(root: Any, above: int) -> None:  # noqa: ANN401 - the library has no types
    """Move the overlay's phandles above those of the base tree."""
    _move_phandles(root, above)
    for fixups in root.nodes:
        if fixups.name == _FIXUPS:
            _move_references(root, fixups, above)


def _move_phandles(node: Any, above: int) -> None:  # noqa: ANN401 - the library has no types
    for prop in node.props:
        if prop.name == _PHANDLE:
            _add(prop, 0, above)
    for child in node.nodes:
        _move_phandles(child, above)


def _move_references(node: Any, fixups: Any, above: int) -> None:  # noqa: ANN401 - the library has no types
    for prop in fixups.props:
        for offset in prop.data:
            _add(node.get_property(prop.name), offset, above)
    for child in fixups.nodes:
        _move_references(next(n for n in node.nodes if n.name == child.name), child, above)


def _add(prop: Any, offset: int, amount: int) -> None:  # noqa: ANN401 - the library has no types
    """Add to the cell at an offset, however the library holds the property."""
    if isinstance(prop.data, bytearray):
        _CELL.pack_into(prop.data, offset, _CELL.unpack_from(prop.data, offset)[0] + amount)
    else:
        prop.data[offset // _CELL.size] += amount


def _merge(target: Any, added: Any) -> None:  # noqa: ANN401 - the library has no types
    for prop in added.props:
        target.remove_property(prop.name)
        target.append(prop)
    for node in added.nodes:
        same = next((child for child in target.nodes if child.name == node.name), None)
        if same is None:
            node.set_parent(target)
            target.nodes.insert(0, node)  # as libfdt does, so that all tools give one order
        else:
            _merge(same, node)
