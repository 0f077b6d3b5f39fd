"""Reads device trees back with `fdt`: every node and property of every guest."""

from __future__ import annotations

import os
from functools import cache
from struct import iter_unpack, pack
from typing import TYPE_CHECKING, Any

from sdfgen import outputs
from sdfgen.guests.checks import overlaid, whole_tree
from sdfgen.guests.trees import is_complete
from sdfgen.model.told import NodeAt, plain
from sdfgen.subsystems import register
from sdfgen.verify.made import MISSING, NUMBER, read_file, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sdfgen.faults.fault import Fault
    from sdfgen.guests.checks import Nodes
    from sdfgen.model.guest import Guest
    from sdfgen.model.microkit import Origin
    from sdfgen.model.system import System
    from sdfgen.verify.made import Made

_CELL_BYTES = 4
_HANDLE = "phandle"
Tree = dict[str, dict[str, bytes]]
"""Content of each property by its name, by the node's path."""


class TreeError(Exception):
    """A file is no device tree."""


def differences(system: System, made: Made, guest: Guest) -> Iterator[Fault]:
    """Yield what a guest's device tree says otherwise than the system.

    Args:
        system: The system.
        made: The folder.
        guest: The guest; one without a tree of this build's says nothing.
    """
    whole = is_complete(system, guest)
    name = outputs.tree(guest, complete=whole)
    content = made.content(name) if name is not None else None
    if name is None or content is None:
        return
    try:
        tree = read_tree(content)
    except TreeError as error:
        yield made.fault(MISSING, f"{name} is no device tree: {error}", name)
        return
    wanted: Nodes = whole_tree(system, guest) if whole else overlaid(system, guest)
    wanted |= {path: node for _, checks in register.checks() for path, node in checks.nodes(system, guest).items()}
    yield from _Reader(made, name, tree, guest).nodes(wanted, _base(system, guest) if not whole else {})


def _base(system: System, guest: Guest) -> Tree:
    """Return the author's tree that a guest's is made from; nothing when it can't be read: `check` tells that."""
    content = read_file(os.path.join(system.folder, guest.dtb or ""))
    try:
        return read_tree(content) if content is not None else {}
    except TreeError:
        return {}


@cache
def read_tree(content: bytes) -> Tree:
    """Return a device tree; guests that are alike have trees that are read once.

    Args:
        content: The .dtb file.

    Raises:
        TreeError: When it is none.
    """
    import fdt

    try:
        return dict(_nodes(fdt.parse_dtb(content).root, ""))
    except Exception as error:  # the library raises whatever its indexing does
        raise TreeError(str(error) or type(error).__name__) from error


def _nodes(node: Any, path: str) -> Iterator[tuple[str, dict[str, bytes]]]:  # noqa: ANN401 - the library has no types
    yield path or "/", {prop.name: _bytes(prop) for prop in node.props}
    for child in node.nodes:
        yield from _nodes(child, f"{path}/{child.name}")


def _bytes(prop: Any) -> bytes:  # noqa: ANN401 - the library has no types
    """Return a property's content; the library guesses what kind of value it is."""
    data = getattr(prop, "data", None)
    if not data:
        return b""
    if isinstance(data, (bytes, bytearray)):
        return bytes(data)
    return b"".join(one.encode() + b"\0" if isinstance(one, str) else pack(">I", one) for one in data)


class _Reader:
    def __init__(self, made: Made, name: str, tree: Tree, guest: Guest) -> None:
        self._made = made
        self._name = name
        self._tree = tree
        self._guest = guest
        self._paths = {node[_HANDLE]: path for path, node in tree.items() if _HANDLE in node}

    def nodes(self, wanted: Nodes, base: Tree) -> Iterator[Fault]:
        """Yield what differs from what was decided, and for the rest from the tree that it is made from."""
        for path, node in wanted.items():
            if path not in self._tree:
                yield self._fault(MISSING, f"node {path} is missing")
                continue
            for name, value in node.items():
                yield from self._property(path, name, value)
        around = {path[:at] for path in wanted for at, mark in enumerate(path) if mark == "/"}
        for path, node in self._tree.items():
            known = wanted.get(path, {}).keys() | base.get(path, {}).keys()
            if path not in wanted and path not in base and path not in around:
                yield self._fault(MISSING, f"node {path} was not decided")
            elif more := sorted(node.keys() - known - {_HANDLE}):
                yield self._fault(MISSING, f"{', '.join(more)} of node {path} was not decided")
        yield from self._kept(wanted, base)

    def _kept(self, wanted: Nodes, base: Tree) -> Iterator[Fault]:
        for path, node in base.items():
            for name, content in node.items():
                if name not in wanted.get(path, {}) and self._tree.get(path, {}).get(name) != content:
                    yield self._fault(MISSING, f"{name} of node {path} is not that of {self._guest.dtb}")

    def _property(self, path: str, name: str, value: object) -> Iterator[Fault]:
        right, origin = plain(value)
        content = self._tree[path].get(name)
        if content is None:
            yield self._fault(MISSING, f"{name} of node {path} is missing", origin)
            return
        found = self._value(content, right)
        if found != right:
            message = f"{name} of node {path}: {_shown(found)} is written, {_shown(right)} was decided"
            yield self._fault(NUMBER, message, origin)

    def _value(self, content: bytes, right: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return a property's values as those are that it must have: text, cells, or nodes."""
        if right and isinstance(right[0], str):
            return tuple(content.decode(errors="replace").removesuffix("\0").split("\0"))
        if len(content) % _CELL_BYTES:
            return (content.hex(" "),)
        cells = [content[at : at + _CELL_BYTES] for at in range(0, len(content), _CELL_BYTES)]
        if any(isinstance(one, NodeAt) for one in right):
            return tuple(NodeAt(self._paths[cell]) if cell in self._paths else int.from_bytes(cell) for cell in cells)
        return tuple(number for (number,) in iter_unpack(">I", content))

    def _fault(self, code: str, message: str, origin: tuple[Origin, str] | None = None) -> Fault:
        return self._made.fault(code, message, self._name, origin=origin or (self._guest.origin, "name"))


def _shown(values: tuple[Any, ...]) -> str:
    words = (
        one.path if isinstance(one, NodeAt) else f"{one:#x}" if isinstance(one, int) else repr(one) for one in values
    )
    return f"<{' '.join(words)}>" if values and not isinstance(values[0], str) else shown(values)
